// Reads tables of pages whose last column names the tests that show what a row says, and looks whether these tests are there.
import { existsSync } from "node:fs";
import { expect } from "vitest";
import { inProject, readProject } from "../support/example-build.ts";

/** Cells of the rows of the first table after a text, as far as its section of level 2 goes. */
export function tableAfter(page: string, start: string): string[][] {
  const section = page.split(start)[1]?.split("\n## ")[0] ?? "";
  const lines = section.split("\n").filter((line) => line.startsWith("| "));
  return lines.slice(2).map((line) => line.slice(2, -2).split(" | "));
}

/** @param shown a cell: file below test/ and title of each test, one on each line. */
export function expectTests(shown: string): void {
  const tests = [...shown.matchAll(/`([^`]+)` “([^”]+)”/g)];
  expect(tests.length).toBe(shown.split("<br>").length);
  for (const [, file = "", title = ""] of tests) {
    expect(existsSync(inProject(`test/${file}`)), file).toBe(true);
    expect(readProject(`test/${file}`), file).toContain(`"${title}"`);
  }
}
