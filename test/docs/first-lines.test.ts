// Every file of the program opens with a sentence that has a verb, so that a reader knows what it does before reading on.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const SOURCES = join(import.meta.dirname, "../../src");
/** "Signs and publishes checkpoints.": a verb in the third person, with the file itself as its subject. */
const SENTENCE = /^\/\/ [A-Z][a-z]+s\b/;

it("every file opens with a sentence whose subject is the file", () => {
  const files = globSync("**/*.ts", { cwd: SOURCES });
  expect(files.length).toBeGreaterThan(400);
  const headless = files.filter((file) => {
    const first = readFileSync(join(SOURCES, file), "utf8")
      .split("\n")
      .find((line) => line.startsWith("// "));
    return first === undefined || !SENTENCE.test(first);
  });
  expect(headless).toEqual([]);
});

it("no comment cites a design that is not shipped", () => {
  const files = globSync("**/*.ts", { cwd: SOURCES });
  const citing = files.filter((file) =>
    /\/\/.*\bdesign(?: §|:)/.test(readFileSync(join(SOURCES, file), "utf8")),
  );
  expect(citing).toEqual([]);
});
