// The checkpointer alone: with which keys it signs, what it marks, and whom it asks for cosignatures.
import { describe, expect, it, vi } from "vitest";
import {
  Checkpointer,
  type CheckpointerConfig,
  trustRootOf,
} from "../../../src/log/checkpointing/checkpointer.ts";
import { type Cosigner, type CosignRequest, OwnCosigner } from "../../../src/log/checkpointing/cosigner.ts";
import { NO_OBSERVER } from "../../../src/log/observer.ts";
import type { PublishedCheckpoint } from "../../../src/log/store/log-store.ts";
import type { Prover } from "../../../src/log/tree/prover.ts";
import { createMlDsaLogSigner } from "../../../src/protocol/note/cosignature.ts";
import { COSIGNATURE_ML_DSA_44, createNoteSigner, ED25519 } from "../../../src/protocol/note/key.ts";
import { parseNote } from "../../../src/protocol/note/signed-note.ts";
import { type InForce, NOTHING_IN_FORCE } from "../../../src/protocol/registration/in-force.ts";
import { NOW } from "../../support/clock.ts";
import { FoundedLog } from "../../support/founded-log.ts";
import { testKey, vkeyOf } from "../../support/notes.ts";
import { logKey, ORIGIN, witnessKey } from "../../support/witnesses.ts";

const signer = createNoteSigner(await logKey());
const mlDsaKey = await testKey(ORIGIN, COSIGNATURE_ML_DSA_44);
const mlDsaSigner = createMlDsaLogSigner(mlDsaKey);
const own = new OwnCosigner(await witnessKey("own.example"), () => NOW);
const head = { size: 5, root: new Uint8Array(32).fill(5) };
const hash = new Uint8Array(32).fill(9);
const never = new AbortController().signal;

interface PolicyWitness {
  readonly name: string;
  readonly key?: string;
  readonly url?: string;
}

/** What is in force under a trust root that names these witnesses, of which one must cosign, and the log's key or others. */
async function naming(witnesses: readonly PolicyWitness[], logs?: readonly string[]): Promise<InForce> {
  const named = witnesses.map(async ({ name, key = `${name}.example`, url }) => {
    const place = url === undefined ? "" : ` ${url}`;
    return `witness ${name} ${vkeyOf(await witnessKey(key))}${place}`;
  });
  const logPolicy = [
    ...(logs ?? [vkeyOf(await logKey())]).map((key) => `log ${key}`),
    ...(await Promise.all(named)),
    `group some 1 ${witnesses.map(({ name }) => name).join(" ")}`,
    "quorum some",
    "",
  ].join("\n");
  return (await FoundedLog.found({ logPolicy })).inForce;
}

function open(change: Partial<CheckpointerConfig> = {}) {
  const written: string[] = [];
  const checkpointer = new Checkpointer({
    signer,
    cosigners: [own],
    highWater: {
      read: async () => undefined,
      swap: async (note) => void written.push(note),
      close: async () => undefined,
    },
    prover: {
      consistency: async (from: number, to: number) => [hash, Uint8Array.of(from, to)],
    } as unknown as Prover,
    signed: null,
    logger: NO_OBSERVER.logger,
    clock: () => NOW,
    ...change,
  });
  return { checkpointer, written };
}

const signersOf = (note: string) => parseNote(note).signatures.map(({ name, keyId }) => `${name}+${keyId}`);
const idOf = ({ name, keyId }: { name: string; keyId: string }) => `${name}+${keyId}`;

/** Every value of cosigning a tree under a trust root. */
async function cosign(checkpointer: Checkpointer, inForce: InForce): Promise<PublishedCheckpoint[]> {
  const signed = await checkpointer.sign({ head, inForce });
  const values: PublishedCheckpoint[] = [];
  for await (const value of checkpointer.cosign(signed, inForce, never)) values.push(value);
  return values;
}

describe("signing", () => {
  it("is of the origin of the trust root, and the size and root of the tree", async () => {
    const { checkpoint, note } = await open().checkpointer.sign({
      head,
      inForce: await naming([{ name: "own" }]),
    });
    expect(checkpoint).toEqual({ origin: ORIGIN, ...head });
    expect(parseNote(note).text).toBe(`${ORIGIN}\n5\n${Buffer.from(head.root).toString("base64")}\n`);
    expect(signersOf(note)).toEqual([idOf(signer)]);
  });

  it("is refused where the trust root names other keys than the log's, also of the log's name", async () => {
    const other = { ...signer, keyId: "00000000" };
    const inForce = await naming([{ name: "own" }]);
    await expect(open({ signer: other }).checkpointer.sign({ head, inForce })).rejects.toThrow(
      `the trust root in force does not name log key ${ORIGIN}+00000000; restart with the key it names`,
    );
    const renamed = { ...signer, name: "other.example" };
    await expect(open({ signer: renamed }).checkpointer.sign({ head, inForce })).rejects.toThrow(
      /does not name/,
    );
  });

  it("is refused under a trust root that names another key, after one that named the log's", async () => {
    const { checkpointer } = open();
    await checkpointer.sign({ head, inForce: await naming([{ name: "own" }]) });
    const moved = await naming([{ name: "own" }], [vkeyOf(await testKey(ORIGIN, ED25519))]);
    await expect(checkpointer.sign({ head, inForce: moved })).rejects.toThrow(/does not name log key/);
  });

  it("is with the ML-DSA-44 key from the trust root on that names it", async () => {
    const { checkpointer } = open({ mlDsaSigner });
    const before = await checkpointer.sign({ head, inForce: await naming([{ name: "own" }]) });
    expect(signersOf(before.note)).toEqual([idOf(signer)]);
    const both = await naming([{ name: "own" }], [vkeyOf(await logKey()), vkeyOf(mlDsaKey)]);
    const after = await checkpointer.sign({ head, inForce: both });
    expect(signersOf(after.note)).toEqual([idOf(signer), idOf(mlDsaSigner)]);
  });

  it("has no trust root to follow in a log without one", async () => {
    expect(() => trustRootOf(NOTHING_IN_FORCE)).toThrow("a log without a trust root has no checkpoint");
  });
});

describe("marking", () => {
  it("keeps the log's Ed25519 signature and no other", async () => {
    const { checkpointer, written } = open({ mlDsaSigner });
    const both = await naming([{ name: "own" }], [vkeyOf(await logKey()), vkeyOf(mlDsaKey)]);
    await checkpointer.mark(await checkpointer.sign({ head, inForce: both }));
    expect(written.map(signersOf)).toEqual([[idOf(signer)]]);
  });

  it("writes each size once", async () => {
    const { checkpointer, written } = open();
    const inForce = await naming([{ name: "own" }]);
    for (const size of [5, 5, 6, 6])
      await checkpointer.mark(await checkpointer.sign({ head: { ...head, size }, inForce }));
    expect(written.map((note) => parseNote(note).text.split("\n")[1])).toEqual(["5", "6"]);
  });

  it("that failed did not happen: it is written again, and another tree may be signed", async () => {
    let isFull = true;
    let writes = 0;
    const swap = async () => {
      writes++;
      if (isFull) throw new Error("disk full");
    };
    const { checkpointer } = open({
      highWater: { read: async () => undefined, swap, close: async () => undefined },
    });
    const inForce = await naming([{ name: "own" }]);
    await expect(checkpointer.mark(await checkpointer.sign({ head, inForce }))).rejects.toThrow("disk full");
    isFull = false;
    const another = { size: 5, root: new Uint8Array(32) };
    await checkpointer.mark(await checkpointer.sign({ head: another, inForce }));
    expect(writes).toBe(2);
    await expect(checkpointer.sign({ head, inForce })).rejects.toMatchObject({ name: "LogBehindError" });
  });
});

describe("cosigning", () => {
  it("gives the log's signatures first, then the cosignatures, with the size and the time of the quorum", async () => {
    const [value, ...more] = await cosign(open().checkpointer, await naming([{ name: "own" }]));
    expect(more).toEqual([]);
    expect(value).toMatchObject({ size: 5, cosignedAt: NOW.getTime() / 1000 });
    const { keyId } = (await witnessKey("own.example")).verifierKey;
    expect(signersOf(value!.note)).toEqual([idOf(signer), `own.example+${keyId}`]);
  });

  it("asks with the checkpoint as it was signed, and proofs up to its size", async () => {
    const asked: CosignRequest[] = [];
    const watching: Cosigner = {
      name: "watching",
      gather: async (request) => {
        asked.push(request);
        return own.gather(request);
      },
    };
    const { checkpointer } = open({ cosigners: [watching] });
    const inForce = await naming([{ name: "own" }]);
    await cosign(checkpointer, inForce);
    expect(asked).toMatchObject([await checkpointer.sign({ head, inForce })]);
    expect(await asked[0]?.consistencyFrom(3)).toEqual([hash, Uint8Array.of(3, 5)]);
  });

  /** Who was reached where, under one trust root after the other. */
  async function reachedUnder(change: Partial<CheckpointerConfig>, ...roots: readonly InForce[]) {
    const reached: string[] = [];
    const witnessAt = (name: string, url: string): Cosigner => {
      reached.push(`${name} ${url}`);
      return { name, gather: async () => [] };
    };
    const { checkpointer } = open({ witnessAt, ...change });
    for (const root of roots) await cosign(checkpointer, root);
    return reached;
  }
  const AT_B = { name: "b", url: "https://b.example" } as const;

  it("reaches the witnesses of the trust root that have a URL, each once", async () => {
    const inForce = await naming([{ name: "own" }, AT_B, { name: "c" }]);
    expect(await reachedUnder({}, inForce, inForce)).toEqual(["b https://b.example"]);
  });

  it("reaches none where it was not told how", async () => {
    const inForce = await naming([{ name: "own" }, AT_B]);
    const said: string[] = [];
    const logger = {
      ...NO_OBSERVER.logger,
      warn: (_facts: object, message: string) => void said.push(message),
    };
    expect(await cosign(open({ logger }).checkpointer, inForce)).toHaveLength(1);
    expect(said).toEqual([]);
  });

  it.each(["b", "b.example"])("does not reach a witness that is configured by the name %s", async (name) => {
    const configured: Cosigner = { name, gather: async () => [] };
    const inForce = await naming([{ name: "own" }, AT_B, { name: "c", url: "https://c.example" }]);
    expect(await reachedUnder({ cosigners: [own, configured] }, inForce)).toEqual(["c https://c.example"]);
  });

  it("asks once where two witnesses of the trust root are at one URL", async () => {
    let asked = 0;
    const gather = async () => {
      asked++;
      return [];
    };
    const witnessAt = (name: string): Cosigner => ({ name, gather });
    const inForce = await naming([{ name: "own" }, AT_B, { name: "c", url: AT_B.url }]);
    await cosign(open({ witnessAt }).checkpointer, inForce);
    expect(asked).toBe(1);
  });

  it("keeps a witness that a later trust root names at the same URL", async () => {
    const [first, second] = [await naming([{ name: "own" }, AT_B]), await naming([AT_B, { name: "own" }])];
    const moved = await naming([{ name: "own" }, { name: "b", url: "https://b.example/moved" }]);
    expect(await reachedUnder({}, first, second, moved, first)).toEqual([
      "b https://b.example",
      "b https://b.example/moved",
    ]);
  });

  it("says of a stranger once under each trust root that it is not named", async () => {
    const said: string[] = [];
    const logger = {
      ...NO_OBSERVER.logger,
      info: (_facts: object, message: string) => void said.push(message),
    };
    const stranger = new OwnCosigner(await witnessKey("stranger.example"), () => NOW);
    const { checkpointer } = open({ cosigners: [stranger, own], logger });
    const [first, second] = [await naming([{ name: "own" }]), await naming([{ name: "own" }, { name: "b" }])];
    for (const root of [first, first, second]) await cosign(checkpointer, root);
    expect(said).toHaveLength(2);
  });
});

describe("before it signs", () => {
  it("asks the witnesses that the trust root names what they have seen of what was signed before", async () => {
    const sizeSeen = vi.fn(async () => 9);
    const witness: Cosigner = { name: "w.example", gather: async () => [], sizeSeen };
    const { checkpointer } = open({ cosigners: [own, witness] });
    const inForce = await naming([{ name: "w" }]);
    await expect(checkpointer.ask("signed before", { head, inForce })).rejects.toMatchObject({
      code: "database-behind",
      message: expect.stringContaining("w: 9"),
    });
    expect(sizeSeen).toHaveBeenCalledExactlyOnceWith("signed before", expect.any(AbortSignal));
    await expect(
      checkpointer.ask("signed before", { head: { ...head, size: 9 }, inForce }),
    ).resolves.toBeUndefined();
  });
});
