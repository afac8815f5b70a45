// Describes the golden measurements of one NVIDIA RIM file for an NVSwitch: of its VBIOS, since a switch has no driver of its own.
import { formatStatement } from "../../protocol/envelope/statement.ts";
import type { Described } from "./described.ts";
import { describeRim, type RimInput } from "./rim-file.ts";

/** @throws as describeRim does. */
export async function describeSwitchRim(input: RimInput): Promise<Described> {
  const { predicate, subjects } = await describeRim(input, "switch");
  return { payload: formatStatement("switch-rim", predicate, subjects), attachments: [] };
}
