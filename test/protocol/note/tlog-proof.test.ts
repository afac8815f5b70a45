import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sha256 } from "../../../src/protocol/cryptography/hash.ts";
import { encodeBase64 } from "../../../src/protocol/encoding/base64.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { MalformedError } from "../../../src/protocol/errors.ts";
import { proveInclusion } from "../../../src/protocol/merkle/inclusion.ts";
import { parseTlogPolicy } from "../../../src/protocol/note/tlog-policy.ts";
import {
  formatTlogProof,
  parseTlogProof,
  type TlogProof,
  verifyTlogProof,
} from "../../../src/protocol/note/tlog-proof.ts";
import { logKey, signedCheckpoint, vkeyOf, witnessKey } from "../../support/notes.ts";
import { malformedOf, outcomeOf } from "../../support/refusals.ts";
import { makeTree } from "../../support/tree.ts";

const log = await logKey("log.example");
const witness = await witnessKey("w.example");
const policy = parseTlogPolicy(`log ${vkeyOf(log)}\nwitness W ${vkeyOf(witness)}\nquorum W\n`);
const { leaves, roots, readNode } = makeTree(9);
const checkpoint = await signedCheckpoint({ origin: "log.example", size: 9, root: roots[9]! }, log, [
  [witness, 42],
]);
const proofOf = (index: number): TlogProof => ({
  index,
  proof: proveInclusion(index, 9, readNode),
  checkpoint,
});

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
const HASHES = proofOf(4).proof.map(encodeBase64).join("\n");
const TEXT = `c2sp.org/tlog-proof@v1\nindex 4\n${HASHES}\n\n${checkpoint}`;
const HASH = encodeBase64(new Uint8Array(32));

describe("tlog-proof", () => {
  it("is read back as what it was written from", () => {
    const anyProof = fc.record(
      {
        index: fc.maxSafeNat(),
        proof: fc.array(hash, { maxLength: 53 }),
        checkpoint: fc.string({ unit: "binary" }),
        extra: fc.uint8Array({ maxLength: 100 }),
      },
      { requiredKeys: ["index", "proof", "checkpoint"] },
    );
    fc.assert(
      fc.property(anyProof, (proof) => {
        expect(parseTlogProof(formatTlogProof(proof))).toEqual(proof);
        expect(parseTlogProof(utf8(formatTlogProof(proof)))).toEqual(proof);
      }),
    );
  });

  it("is written as its format's name, the index, the hashes, a blank line and the checkpoint", () => {
    expect(formatTlogProof(proofOf(4))).toBe(TEXT);
    expect(formatTlogProof({ ...proofOf(4), proof: [] })).toBe(
      `c2sp.org/tlog-proof@v1\nindex 4\n\n${checkpoint}`,
    );
  });

  it("has a line of extra data in front of the index where there is any, be it empty", () => {
    const withExtra = (base64: string) => TEXT.replace("index 4", `extra ${base64}\nindex 4`);
    const extra = Uint8Array.of(1, 2, 3);
    expect(formatTlogProof({ ...proofOf(4), extra })).toBe(withExtra("AQID"));
    expect(formatTlogProof({ ...proofOf(4), extra: new Uint8Array() })).toBe(withExtra(""));
  });

  it("has 53 hashes at most, and no extra data unless it had", () => {
    const long = { ...proofOf(4), proof: Array.from({ length: 53 }, () => new Uint8Array(32)) };
    expect(parseTlogProof(formatTlogProof(long)).proof).toHaveLength(53);
    const longer = { ...long, proof: [...long.proof, new Uint8Array(32)] };
    expect(() => parseTlogProof(formatTlogProof(longer))).toThrow("more than 53");
    expect("extra" in parseTlogProof(TEXT)).toBe(false);
  });

  it("is read up to the size of a note, of extra data and 4,096 bytes together", () => {
    const limit = 1_000_000 + 65_536 + 4096;
    const padded = (length: number) => TEXT + "x".repeat(length - TEXT.length);
    expect(parseTlogProof(padded(limit)).index).toBe(4);
    expect(() => parseTlogProof(padded(limit + 1))).toThrow(/^tlog-proof: longer/);
  });

  it("is refused with nothing but its first line", async () => {
    const bare = `c2sp.org/tlog-proof@v1\n\n${checkpoint}`;
    expect(await malformedOf(() => parseTlogProof(bare))).toBeInstanceOf(MalformedError);
  });

  it("shows every entry of a log to be in it, with the cosignatures for the caller to date", async () => {
    for (let index = 0; index < 9; index++) {
      const proof = parseTlogProof(formatTlogProof(proofOf(index)));
      const cosigned = await verifyTlogProof(proof, leaves[index]!, policy);
      expect(cosigned.checkpoint.size).toBe(9);
      expect(cosigned.cosignatures.map(({ timestamp }) => timestamp)).toEqual([42]);
    }
  });

  it("verifies with a hash of the caller's", async () => {
    let calls = 0;
    const counted = (data: Uint8Array) => {
      calls++;
      return sha256(data);
    };
    await verifyTlogProof(proofOf(4), leaves[4]!, policy, { hash: counted });
    expect(calls).toBe(4);
  });

  it("shows no other entry, at no other index, under no other log or quorum", async () => {
    const outcome = (proof: TlogProof, leaf = leaves[4]!, p = policy) =>
      outcomeOf(() => verifyTlogProof(proof, leaf, p));
    expect(await outcome(proofOf(4), leaves[5])).toBe("inclusion-proof");
    expect(await outcome({ ...proofOf(4), index: 5 })).toBe("inclusion-proof");
    expect(await outcome({ ...proofOf(4), index: 9 })).toBe("inclusion-proof");
    expect(await outcome({ ...proofOf(4), proof: proofOf(5).proof })).toBe("inclusion-proof");
    const other = parseTlogPolicy(`log ${vkeyOf(await logKey("other.example"))}\nquorum none\n`);
    expect(await outcome(proofOf(4), leaves[4], other)).toBe("note-unsigned");
    const more = parseTlogPolicy(
      `log ${vkeyOf(log)}\nwitness V ${vkeyOf(await witnessKey("v.example"))}\nquorum V\n`,
    );
    expect(await outcome(proofOf(4), leaves[4], more)).toBe("checkpoint-quorum");
    const bare = await signedCheckpoint({ origin: "log.example", size: 9, root: roots[9]! }, log);
    expect(await outcome({ ...proofOf(4), checkpoint: bare })).toBe("checkpoint-quorum");
  });

  it.each([
    ["another version", TEXT.replace("@v1", "@v2")],
    ["a blank in front", `\n${TEXT}`],
    ["no index", TEXT.replace(/index .*\n/, "")],
    ["a zero in front of the index", TEXT.replace("index 4", "index 04")],
    ["a negative index", TEXT.replace("index 4", "index -4")],
    ["an index above 2^53 − 1", TEXT.replace("index 4", "index 9007199254740992")],
    ["two spaces", TEXT.replace("index 4", "index  4")],
    ["extra data behind the index", TEXT.replace("index 4\n", "index 4\nextra AAAA\n")],
    ["extra data twice", TEXT.replace("index 4\n", "extra AAAA\nextra AAAA\nindex 4\n")],
    ["extra data that is not base64", TEXT.replace("index 4\n", "extra ?\nindex 4\n")],
    ["too much extra data", TEXT.replace("index 4\n", `extra ${"AAAA".repeat(16_384)}\nindex 4\n`)],
    ["a short hash", TEXT.replace("index 4\n", "index 4\nAAAA\n")],
    ["54 hashes", `c2sp.org/tlog-proof@v1\nindex 0\n${`${HASH}\n`.repeat(54)}\nx`],
    ["carriage returns", TEXT.replaceAll("\n", "\r\n")],
    ["no checkpoint", "c2sp.org/tlog-proof@v1\nindex 0\n"],
    ["nothing", ""],
    ["too many bytes", `c2sp.org/tlog-proof@v1\nindex 0\n\n${"x".repeat(1_100_000)}`],
  ])("is malformed with %s", (_, text) => {
    expect(text).not.toBe(TEXT);
    expect(() => parseTlogProof(text)).toThrow(MalformedError);
  });

  it("is read or refused as malformed with any character replaced", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(TEXT.length), fc.nat(3), fc.string({ maxLength: 3 }), async (i, cut, put) => {
        const mutated = TEXT.slice(0, i) + put + TEXT.slice(i + cut);
        await malformedOf(() => expect(formatTlogProof(parseTlogProof(mutated))).toBe(mutated));
      }),
      { numRuns: 1000 },
    );
    await malformedOf(() => parseTlogProof(Uint8Array.of(0xff)));
  });

  it("is never accepted with one character of its proof or checkpoint text replaced", async () => {
    const end = TEXT.indexOf("\n\n— ");
    await fc.assert(
      fc.asyncProperty(fc.nat(end - 1), fc.constantFrom(..."019azAZ+/=\n x"), async (i, put) => {
        fc.pre(TEXT[i] !== put);
        const mutated = TEXT.slice(0, i) + put + TEXT.slice(i + 1);
        const outcome = await outcomeOf(() => verifyTlogProof(parseTlogProof(mutated), leaves[4]!, policy));
        expect(outcome).not.toBe("accepted");
      }),
      { numRuns: 300 },
    );
  });
});
