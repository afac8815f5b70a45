// expected.toml: what is read, what is refused, and that adding to it keeps what its owner wrote.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addExpected, parseExpected } from "../../../src/auditor/monitor/expected-entries.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { malformedOf } from "../../support/refusals.ts";

const DIGEST = "ab".repeat(32);
const ENTRY = { kind: "os-image", name: "acme/guest", version: "1.0+b~1", digest: DIGEST } as const;
const read = (text: string) => parseExpected(utf8(text));

describe("a file of expected entries", () => {
  it("is made of its first entries, whose names it watches", () => {
    const { watch, entry } = read(addExpected(null, [ENTRY]));
    expect(watch).toEqual({ names: ["acme/guest"], keys: [], kinds: [] });
    expect(entry).toEqual([ENTRY]);
  });

  it("keeps comments and what is in it, and holds each statement once", () => {
    const text = '# ours\n[watch]\nnames = ["acme/*"] # all of it';
    const once = addExpected(text, [ENTRY]);
    expect(once.startsWith(text)).toBe(true);
    expect(addExpected(once, [ENTRY])).toBe(once);
    const twice = read(addExpected(once, [{ ...ENTRY, version: "2.0", digest: "cd".repeat(32) }]));
    expect(twice.entry.map(({ version }) => version)).toEqual(["1.0+b~1", "2.0"]);
  });

  it.each([
    ["no TOML", "[watch"],
    ["nothing watched", ""],
    ["a member that is none", '[watch]\nname = ["a"]'],
    ["a pattern that is none", '[watch]\nnames = ["../a"]'],
    ["a key id that is none", '[watch]\nkeys = ["ab"]'],
    ["statuses, of which none can be strange", '[watch]\nkinds = ["status"]'],
    ["an entry without a digest", '[watch]\n[[entry]]\nkind = "policy"\nname = "prod"\nversion = "1"'],
  ])("is refused: %s", async (_, text) => {
    expect(await malformedOf(() => read(text))).toBeDefined();
  });

  it("is read or refused, whatever it is", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        await malformedOf(() => parseExpected(bytes));
      }),
    );
  });
});
