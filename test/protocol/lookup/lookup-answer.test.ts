// The form of an answer: read back as it was written, and refused in any other form. Whether it is true is not decided here.
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { MAX_BUNDLE_BYTES } from "../../../src/protocol/bundle/policy-bundle.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import {
  formatLookupAnswer,
  type LookupAnswer,
  parseLookupAnswer,
} from "../../../src/protocol/lookup/lookup-answer.ts";
import type { FoundedLog } from "../../support/founded-log.ts";
import { answerLookup, indexedLog } from "../../support/lookups.ts";
import { malformedOf } from "../../support/refusals.ts";
import { sha256Of } from "../../support/release-predicates.ts";

let log: FoundedLog;
let answer: LookupAnswer;
let text: string;
let value: Record<string, unknown>;
beforeAll(async () => {
  log = await indexedLog();
  answer = await answerLookup(log, ["signer", log.keys.publisher.keyId], { newest: 2, since: 3 });
  text = formatLookupAnswer(answer);
  value = JSON.parse(text);
});

const fault = (some: unknown) =>
  malformedOf(() => parseLookupAnswer(utf8(typeof some === "string" ? some : JSON.stringify(some))));
const HASH = `${"A".repeat(43)}=`;

describe("an answer to a lookup", () => {
  it("is read back as it was written, with entries and without, whole or not", async () => {
    const others = await Promise.all([
      answerLookup(log, ["signer", log.keys.publisher.keyId]),
      ...Array.from({ length: 8 }, (_, i) => answerLookup(log, ["digest", sha256Of(`nothing ${i}`)])),
    ]);
    expect(new Set(others.map(({ proof }) => proof.other === null)).size).toBe(2);
    for (const one of [answer, ...others]) {
      const written = formatLookupAnswer(one);
      expect(parseLookupAnswer(utf8(written))).toMatchObject(one);
      expect(formatLookupAnswer(parseLookupAnswer(utf8(written)))).toBe(written);
    }
    expect(parseLookupAnswer(utf8(JSON.stringify(value, null, 2)))).toEqual(parseLookupAnswer(utf8(text)));
  });

  it("refuses to be without any member, and one that it does not know", async () => {
    for (const name of Object.keys(value)) {
      const { [name]: _, ...rest } = value;
      expect(await fault(rest), name).toBeDefined();
    }
    expect(await fault({ ...value, extra: 1 })).toBeDefined();
    expect(await fault({ ...value, proof: { ...(value.proof as object), extra: 1 } })).toBeDefined();
  });

  it("refuses lists that are too long, and values that are none", async () => {
    const at = async (change: object) => (await fault({ ...value, ...change }))?.at;
    const proof = value.proof as { siblings: string[] };
    expect(await at({ format: "touchstone-lookup/v2" })).toBe("/format");
    expect(await at({ type: "kind" })).toBe("/type");
    expect(await at({ value: "x".repeat(161) })).toBe("/value");
    expect(await at({ indices: Array.from({ length: 1001 }, (_, i) => i) })).toBe("/indices");
    expect(await at({ indices: [-1] })).toBe("/indices/0");
    expect(await at({ indices: [2 ** 53] })).toBe("/indices/0");
    expect(await at({ before: "AAAA" })).toBe("/before");
    expect(await at({ proof: { ...proof, siblings: Array.from({ length: 257 }, () => HASH) } })).toBe(
      "/proof/siblings",
    );
    expect(await at({ proof: { ...proof, other: { key: "0".repeat(63), valueHash: HASH } } })).toBe(
      "/proof/other/key",
    );
    expect(await at({ trustRoots: [] })).toBe("/trustRoots");
    expect(await at({ status: { ...(value.status as object), index: 0.5 } })).toBe("/status/index");
    expect(await at({ checkpoint: "x".repeat(65_537) })).toBe("/checkpoint");
  });

  it("refuses a term that no entry can have, and hashes whose unused bits are set", async () => {
    expect(await fault({ ...value, type: "digest", value: "ABC" })).toMatchObject({ format: "lookup" });
    expect(await fault({ ...value, before: `${"A".repeat(42)}B=` })).toMatchObject({ format: "base64" });
  });

  it("is refused where it is cut, anywhere, and where it is longer than any bundle", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(text.length - 1), async (length) => {
        expect(await fault(text.slice(0, length))).toBeDefined();
      }),
      { numRuns: 50 },
    );
    expect(await fault(text + " ".repeat(MAX_BUNDLE_BYTES))).toBeDefined();
  });
});
