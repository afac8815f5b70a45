// The list of survivors stays true when code moves, and is held in both directions.
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { MUTATED } from "./folders.ts";
import { changeOf, compare, type Mutant, readListed } from "./survivors.ts";

const SOURCE = "const a = 1;\n\nif (a > 1 && a < 3) fail();\nif (a > 1 && a < 3) fail();\n";
const mutant = (line: number): Mutant => ({
  file: "src/x.ts",
  start: { line, column: 5 },
  end: { line, column: 10 },
  replacement: "true",
  fate: "survived",
});
const CHANGE = { file: "src/x.ts", code: "if (a > 1 && a < 3) fail();", change: "a > 1 → true" };

describe("a mutant", () => {
  it("is named by its line of code and what changes in it, and not by where it stands", () => {
    expect(changeOf(mutant(3), SOURCE)).toEqual(CHANGE);
    expect(changeOf(mutant(5), `// moved\n${SOURCE}`)).toEqual(CHANGE);
  });

  it("that goes over several lines is shown in one", () => {
    const block = { ...mutant(1), start: { line: 1, column: 11 }, end: { line: 3, column: 10 } };
    expect(changeOf(block, SOURCE).change).toBe("1; if (a > 1 → true");
  });
});

describe("the list", () => {
  const listed = { ...CHANGE, reason: "equivalent" };

  it("covers what is in it, as many times as it says", () => {
    expect(compare([CHANGE], [listed])).toEqual({ unlisted: [], stale: [] });
    expect(compare([CHANGE, CHANGE], [listed])).toEqual({ unlisted: [CHANGE], stale: [] });
    expect(compare([CHANGE, CHANGE], [{ ...listed, times: 2 }])).toEqual({ unlisted: [], stale: [] });
  });

  it("is stale where something in it did not survive, or not as often", () => {
    expect(compare([], [listed])).toEqual({ unlisted: [], stale: [listed] });
    const twice = { ...listed, times: 2 };
    expect(compare([CHANGE], [twice])).toEqual({ unlisted: [], stale: [twice] });
  });

  it("is not stale where something in it ran into the time limit, and not the longer for it", () => {
    expect(compare([], [listed], [CHANGE, CHANGE])).toEqual({ unlisted: [], stale: [] });
    expect(compare([CHANGE], [{ ...listed, times: 3 }], [CHANGE]).stale).toHaveLength(1);
    expect(compare([CHANGE], [], [CHANGE])).toEqual({ unlisted: [CHANGE], stale: [] });
  });

  it("names lines that are there, in folders that are mutated, with a reason each", () => {
    for (const { file, code, reason } of readListed()) {
      expect(MUTATED.some(({ folder }) => file.startsWith(`src/${folder}/`))).toBe(true);
      const lines = readFileSync(file, "utf8").split("\n");
      expect(lines.map((line) => line.replaceAll(/\s+/g, " ").trim().slice(0, 160))).toContain(
        code.slice(0, 160),
      );
      expect(reason).not.toBe("");
    }
  });
});

it("what is mutated, and the tests that must notice, are there", () => {
  for (const { folder, tests } of MUTATED) {
    expect(existsSync(`src/${folder}`)).toBe(true);
    for (const glob of tests) expect(existsSync(glob.replace(/\/\*.*$/, "")), glob).toBe(true);
  }
});
