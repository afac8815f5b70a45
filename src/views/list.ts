// Lists the views of policies. A new format is a file in this folder and a line here; command line and docs/interop.md follow.
import { corim } from "./corim.ts";
import { dstack } from "./dstack.ts";
import { flashbots } from "./flashbots.ts";
import type { PolicyView } from "./policy-view.ts";
import { rvps } from "./rvps.ts";

export const POLICY_VIEWS: readonly PolicyView[] = [corim, rvps, flashbots, dstack];
