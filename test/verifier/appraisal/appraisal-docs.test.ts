// docs/appraisal.md explains every check, in order, and describes the evidence that the parser takes.
import { expect, test } from "vitest";
import { TAMPERINGS } from "../../../src/testing/index.ts";
import { APPRAISAL_CHECKS } from "../../../src/verifier/appraisal/appraisal-checks.ts";
import { machineOf } from "../../support/appraisal-world.ts";
import { readProject } from "../../support/example-build.ts";

const text = readProject("docs/appraisal.md");

test("every check has a line in a table, in the order in which it is made", () => {
  const ids = [...text.matchAll(/^\| `([a-z0-9-]+(?:\.[a-z0-9-]+)+)` \|/gm)].map(([, id]) => id);
  expect(ids.slice(0, APPRAISAL_CHECKS.length)).toEqual([...APPRAISAL_CHECKS]);
});

test("the example has the members of evidence.json, and no others", async () => {
  const example = JSON.parse(/```json\n([\s\S]*?)```/.exec(text)?.[1] ?? "null") as unknown;
  expect(membersOf(example)).toEqual(membersOf((await machineOf({ switches: [{}] })).evidence));
});

test("the number of tamperings is right", () => {
  expect(text).toContain(`${Object.keys(TAMPERINGS).length} ways`);
});

/** The names in a JSON value, down to the leaves; of a list, those of its first item. */
function membersOf(value: unknown): unknown {
  if (Array.isArray(value)) return [membersOf(value[0])];
  if (typeof value !== "object" || value === null) return null;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, membersOf(member)]));
}
