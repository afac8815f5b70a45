// docs/cluster.md names a test for each failure, and each is there.
import { expect, it } from "vitest";
import { readProject } from "../support/example-build.ts";
import { expectTests, tableAfter } from "./table-of-tests.ts";

const ROWS = tableAfter(readProject("docs/cluster.md"), "### What happens when");

it("has a row for each failure", () => {
  expect(ROWS.length).toBeGreaterThan(8);
});

it.each(ROWS.map(([failure = "", , , shown = ""]) => [failure, shown] as const))(
  "shows what happens when %s",
  (_, shown) => expectTests(shown),
);
