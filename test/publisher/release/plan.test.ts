// The plan of a prepared release: where a fault in it is said to be.
import { expect, it } from "vitest";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { parsePlan } from "../../../src/publisher/release/plan.ts";
import { malformedOf } from "../../support/refusals.ts";

const faultOf = (plan: string) => malformedOf(() => parsePlan(utf8(plan)));

it("names the member by a JSON pointer", async () => {
  expect((await faultOf('{"entries":[{"table":7}],"policy":null}'))?.at).toBe("/entries/0/table");
});

it("a fault of the whole document has the empty pointer", async () => {
  expect((await faultOf("[]"))?.at).toBe("");
});
