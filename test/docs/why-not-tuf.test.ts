// docs/why-not-tuf.md names a test for each attack: each is in the file that the page says.
import { expect, it } from "vitest";
import { readProject } from "../support/example-build.ts";

/** The last cell of each row: the tests that show that the attack is stopped. */
const CELLS = readProject("docs/why-not-tuf.md")
  .split("\n")
  .filter((line) => /^\| (?!attack|---)/.test(line))
  .map((line) => line.split(" | ").at(-1) ?? "");

/** The quoted names of a cell, each with the file that was named last before it. */
function namedIn(cell: string): Array<{ file: string; test: string }> {
  let file = "";
  return [...cell.matchAll(/`([^`]+)`|"([^"]+)"/g)].flatMap(([, path, test]) => {
    file = path ?? file;
    return test === undefined ? [] : [{ file, test }];
  });
}

it("names a test for every attack", () => {
  expect(CELLS.length).toBeGreaterThan(10);
  expect(CELLS.filter((cell) => namedIn(cell).length === 0)).toEqual([]);
});

it("names only tests that exist", () => {
  const gone = CELLS.flatMap(namedIn).filter(
    ({ file, test }) => !readProject(file).includes(`(${JSON.stringify(test)}, `),
  );
  expect(gone).toEqual([]);
});
