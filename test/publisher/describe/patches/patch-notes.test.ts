// The sidecar file of a series: where a fault in it is said to be.
import { expect, it } from "vitest";
import { readPatchNotes } from "../../../../src/publisher/describe/patches/patch-notes.ts";
import { malformedOf } from "../../../support/refusals.ts";
import { scratchFolder } from "../scratch-folder.ts";

const folder = scratchFolder();
const faultOf = (notes: string) => malformedOf(() => readPatchNotes(folder.write("notes.json", notes)));

it("names the patch by a JSON pointer, its slashes and tildes escaped", async () => {
  const fault = await faultOf('{"drivers/a~b.patch":{"purpose":7}}');
  expect(fault?.at).toBe("/drivers~1a~0b.patch");
  expect(fault?.message).toMatch(/\(at \/drivers~1a~0b\.patch\)$/);
});

it("a fault of the whole document has the empty pointer", async () => {
  expect((await faultOf("[]"))?.at).toBe("");
});
