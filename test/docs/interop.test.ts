// docs/interop.md says of every view what it cannot say, in the view's own words.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { POLICY_VIEWS } from "../../src/views/list.ts";

test("docs/interop.md has a row for each view: its revision, and what is not in it", () => {
  const page = readFileSync(new URL("../../docs/interop.md", import.meta.url), "utf8");
  const [, table = ""] = /<!-- views:begin -->\n((?:.|\n)*?)<!-- views:end -->/.exec(page) ?? [];
  const rows = POLICY_VIEWS.map(
    ({ format, revision, cannotSay }) => `| \`${format}\` | ${revision} | ${cannotSay.join(" ")} |\n`,
  );
  expect(table).toBe(rows.join(""));
});
