// A list of megabytes is checked in slices: with the same answer as at once, and others have their turn in between.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { canonicalize, parseCanonical } from "../../../src/protocol/envelope/canonical-json.ts";
import { requireCanonicalList } from "../../../src/service/entries/canonical-list.ts";

const isCanonical = (bytes: Uint8Array): boolean => {
  try {
    parseCanonical(bytes, "attachment");
    return true;
  } catch {
    return false;
  }
};
const isTaken = (bytes: Uint8Array, sliceBytes: number): Promise<boolean> =>
  requireCanonicalList(bytes, "attachment", sliceBytes).then(
    () => true,
    () => false,
  );

describe("the slices of a list", () => {
  it("are canonical where the list is", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.jsonValue()), fc.nat(40), async (list, sliceBytes) => {
        const bytes = utf8(canonicalize(JSON.parse(JSON.stringify(list))));
        expect(await isTaken(bytes, sliceBytes)).toBe(true);
      }),
    );
  });

  it("are refused where the list is, wherever a byte is changed, added or lost", async () => {
    const piece = fc.constantFrom(...'[]{},:"\\ 01a-.e'.split(""), "", "é", "\\u0061", ",,", "],[");
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.jsonValue()),
        fc.nat(),
        fc.nat(2),
        piece,
        fc.nat(40),
        async (list, place, lost, added, sliceBytes) => {
          const text = canonicalize(JSON.parse(JSON.stringify(list)));
          const at = place % (text.length + 1);
          const bytes = utf8(`${text.slice(0, at)}${added}${text.slice(at + lost)}`);
          expect(await isTaken(bytes, sliceBytes), new TextDecoder().decode(bytes)).toBe(isCanonical(bytes));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it.each([
    "[]",
    "[1,]",
    "[,1]",
    "[1,,2]",
    "[",
    "]",
    "[1]]",
    "[[1]",
    "[1],[2]",
    "[1]2,[3]",
    '["a]',
    '["\\"]',
    "1",
    "{}",
    "",
  ])("%s", async (text) => {
    for (const sliceBytes of [0, 1, 100])
      expect(await isTaken(utf8(text), sliceBytes)).toBe(isCanonical(utf8(text)));
  });
});

it("leaves a turn to everybody else after each", async () => {
  let turns = 0;
  const count = () => {
    turns++;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  const item = { fileName: "0001.patch", sha256: "0".repeat(64) };
  await requireCanonicalList(utf8(canonicalize(Array.from({ length: 40_000 }, () => item))), "attachment");
  clearImmediate(next);
  expect(turns).toBeGreaterThan(10);
});
