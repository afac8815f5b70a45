// docs/cluster.md names a test for each failure, and each is there.
import { existsSync } from "node:fs";
import { expect, it } from "vitest";
import { inProject, readProject } from "../support/example-build.ts";

const [, SECTION = ""] = readProject("docs/cluster.md").split("### What happens when");
const ROWS = SECTION.split("\n## ")[0]!
  .split("\n")
  .filter((line) => line.startsWith("| "))
  .slice(2)
  .map((line) => line.slice(2, -2).split(" | "));

it("has a row for each failure", () => {
  expect(ROWS.length).toBeGreaterThan(8);
});

it.each(ROWS.map(([failure = "", , , shown = ""]) => [failure, shown] as const))(
  "shows what happens when %s",
  (_, shown) => {
    const tests = [...shown.matchAll(/`([^`]+)` “([^”]+)”/g)];
    expect(tests.length).toBe(shown.split("<br>").length);
    for (const [, file = "", title = ""] of tests) {
      expect(existsSync(inProject(`test/${file}`)), file).toBe(true);
      expect(readProject(`test/${file}`), file).toContain(`"${title}"`);
    }
  },
);
