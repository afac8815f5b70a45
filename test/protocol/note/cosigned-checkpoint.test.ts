import { ml_dsa44 } from "@noble/post-quantum/ml-dsa.js";
import { beforeAll, describe, expect, it } from "vitest";
import { concatBytes } from "../../../src/protocol/encoding/bytes.ts";
import { PolicyError, VerificationError } from "../../../src/protocol/errors.ts";
import { EMPTY_ROOT } from "../../../src/protocol/merkle/hash.ts";
import { formatCheckpoint } from "../../../src/protocol/note/checkpoint.ts";
import {
  authenticateCheckpoint,
  checkFreshness,
  timeOfQuorum,
  verifyCosignedCheckpoint,
  wasCosignedBy,
} from "../../../src/protocol/note/cosigned-checkpoint.ts";
import {
  COSIGNATURE_ML_DSA_44,
  createNoteSigner,
  createVerifierKey,
  formatVerifierKey,
} from "../../../src/protocol/note/key.ts";
import { mlDsaCosignatureMessage } from "../../../src/protocol/note/ml-dsa-cosignature.ts";
import {
  formatNote,
  type NoteSignature,
  parseNote,
  signNote,
} from "../../../src/protocol/note/signed-note.ts";
import { parseTlogPolicy, type TlogPolicy } from "../../../src/protocol/note/tlog-policy.ts";
import { logKey, signedCheckpoint, testKey, vkeyOf, witnessKey } from "../../support/notes.ts";
import { outcomeOf } from "../../support/refusals.ts";

const log = await logKey("log.example");
const other = await logKey("other.example");
const [w1, w2, w3] = (await Promise.all(["w1.example", "w2.example", "w3.example"].map(witnessKey))) as [
  Awaited<ReturnType<typeof witnessKey>>,
  Awaited<ReturnType<typeof witnessKey>>,
  Awaited<ReturnType<typeof witnessKey>>,
];
const checkpoint = { origin: "log.example", size: 7, root: new Uint8Array(32).fill(5) };
const NOW = 1_790_000_000;
const now = new Date(NOW * 1000);
const HOUR = 3600;

const policy = parseTlogPolicy(
  `log ${vkeyOf(log)}\nlog ${vkeyOf(other)}\nwitness W1 ${vkeyOf(w1)}\nwitness W2 ${vkeyOf(w2)}\nwitness W3 ${vkeyOf(w3)}\n` +
    "group G 2 W1 W2 W3\nquorum G\n",
);

describe("authentic checkpoints", () => {
  it("carry a log's signature and the quorum of the witnesses, and tell when each cosigned", async () => {
    const note = await signedCheckpoint(checkpoint, log, [
      [w1, NOW],
      [w3, 5],
    ]);
    const cosigned = await authenticateCheckpoint(note, policy);
    expect(cosigned.checkpoint).toEqual(checkpoint);
    expect(cosigned.logKey).toEqual(log.verifierKey);
    expect(cosigned.cosignatures).toEqual([
      { name: "w1.example", keyId: w1.verifierKey.keyId, timestamp: NOW },
      { name: "w3.example", keyId: w3.verifierKey.keyId, timestamp: 5 },
    ]);
  });

  it("are not those with too few witnesses, or with one of them twice", async () => {
    const one = await signedCheckpoint(checkpoint, log, [[w1, NOW]]);
    expect(await outcomeOf(() => authenticateCheckpoint(one, policy))).toBe("checkpoint-quorum");
    const twice = await twoLinesOf(w1, NOW, NOW + 1);
    expect(await outcomeOf(() => authenticateCheckpoint(twice, policy))).toBe("checkpoint-quorum");
  });

  it("are not those that no log of the policy signed as its own", async () => {
    const cosigners = [
      [w1, NOW],
      [w2, NOW],
    ] as const;
    const stranger = await logKey("stranger.example");
    const byStranger = await signedCheckpoint(checkpoint, stranger, cosigners);
    expect(await outcomeOf(() => authenticateCheckpoint(byStranger, policy))).toBe(
      "checkpoint-log-signature",
    );
    // A log of the policy that signs a checkpoint with another log's origin speaks for neither.
    const crossed = await signedCheckpoint(checkpoint, other, cosigners);
    expect(await outcomeOf(() => authenticateCheckpoint(crossed, policy))).toBe("checkpoint-log-signature");
    const unsigned = await signedCheckpoint(checkpoint, stranger);
    expect(await outcomeOf(() => authenticateCheckpoint(unsigned, policy))).toBe("note-unsigned");
  });

  it("are not those with one bad cosignature of a listed witness, whatever the quorum says", async () => {
    const good = parseNote(
      await signedCheckpoint(checkpoint, log, [
        [w1, NOW],
        [w2, NOW],
      ]),
    );
    const forged: NoteSignature = { ...w3.verifierKey, signature: new Uint8Array(72).fill(1) };
    const note = formatNote({ text: good.text, signatures: [...good.signatures, forged] });
    expect(await outcomeOf(() => authenticateCheckpoint(note, policy))).toBe("note-signature");
  });

  it("do not count cosignatures with time 0, which claim nothing", async () => {
    const text = formatCheckpoint(checkpoint);
    const zero = await timeless(w2, text);
    const signatures = [...parseNote(await signedCheckpoint(checkpoint, log, [[w1, NOW]])).signatures, zero];
    expect(await outcomeOf(() => authenticateCheckpoint(formatNote({ text, signatures }), policy))).toBe(
      "checkpoint-quorum",
    );
  });

  it("do not tell of cosignatures with time 0, where others are enough", async () => {
    const good = parseNote(
      await signedCheckpoint(checkpoint, log, [
        [w1, NOW],
        [w3, NOW],
      ]),
    );
    const signatures = [...good.signatures, await timeless(w2, good.text)];
    const { cosignatures } = await authenticateCheckpoint(
      formatNote({ text: good.text, signatures }),
      policy,
    );
    expect(cosignatures.map(({ name }) => name)).toEqual(["w1.example", "w3.example"]);
  });

  it("do not take the log's own signature for a cosignature, even where it begins as a time would", async () => {
    // Of the trees from size 1 on this is the first whose signature begins with a number below 2^53.
    const tree = { ...checkpoint, size: 5848 };
    const note = await signedCheckpoint(tree, log, [
      [w1, NOW],
      [w2, NOW],
    ]);
    const [own] = parseNote(note).signatures;
    expect([own?.name, own?.signature[0], (own?.signature[1] ?? 255) < 0x20]).toEqual([
      "log.example",
      0,
      true,
    ]);
    const { cosignatures } = await authenticateCheckpoint(note, policy);
    expect(cosignatures.map(({ name }) => name)).toEqual(["w1.example", "w2.example"]);
  });

  it("do not count one cosignature for two witnesses whose keys share a name, or a key id", () => {
    const [a, b] = policy.witnesses.map(({ key }) => key) as [typeof w1.verifierKey, typeof w1.verifierKey];
    const pair = (other: typeof a): TlogPolicy => ({
      ...policy,
      witnesses: [
        { name: "A", key: a, url: undefined },
        { name: "B", key: other, url: undefined },
      ],
      groups: [{ name: "G", threshold: 2, members: ["A", "B"] }],
    });
    const by = ({ name, keyId }: typeof a) => ({ name, keyId, timestamp: NOW });
    for (const other of [b, { ...b, name: a.name }, { ...b, keyId: a.keyId }]) {
      expect(timeOfQuorum(pair(other), [by(a)])).toBeNull();
      expect(timeOfQuorum(pair(other), [by(a), by(other)])).toBe(NOW);
    }
  });

  it("have no time under a quorum of nobody, whoever cosigned", () => {
    const { name, keyId } = w1.verifierKey;
    expect(timeOfQuorum({ ...policy, quorum: "none" }, [{ name, keyId, timestamp: NOW }])).toBeNull();
  });

  it("that are too old or from the future are refused with what was asked of them", async () => {
    const cosigned = { checkpoint, logKey: log.verifierKey, cosignatures: [] };
    const check = (maxAge?: number) => () =>
      checkFreshness(cosigned, policy, { now, ...(maxAge && { maxAge }) });
    expect(check(60)).toThrow(`too few cosignatures are at most 60 seconds old and not from the future`);
    expect(check()).toThrow(`too few cosignatures are not from the future at ${now.toISOString()}`);
  });

  it("of an empty tree have the empty root", async () => {
    const cosigners = [
      [w1, NOW],
      [w2, NOW],
    ] as const;
    const empty = await signedCheckpoint({ ...checkpoint, size: 0, root: EMPTY_ROOT }, log, cosigners);
    expect((await authenticateCheckpoint(empty, policy)).checkpoint.size).toBe(0);
    const lie = await signedCheckpoint({ ...checkpoint, size: 0 }, log, cosigners);
    expect(await outcomeOf(() => authenticateCheckpoint(lie, policy))).toBe("checkpoint-empty-root");
  });

  it("are malformed with extension lines, however well signed", async () => {
    const note = await signNote(`${formatCheckpoint(checkpoint)}more\n`, [createNoteSigner(log)]);
    expect(await outcomeOf(() => authenticateCheckpoint(note, policy))).toBe("malformed");
  });
});

describe("fresh checkpoints", () => {
  const verify = async (times: readonly [number, number], maxAge?: number, at = now): Promise<string> => {
    const note = await signedCheckpoint(checkpoint, log, [
      [w1, times[0]],
      [w2, times[1]],
    ]);
    return outcomeOf(() => verifyCosignedCheckpoint(note, policy, { now: at, maxAge }));
  };

  it("have a quorum of cosignatures within maxAge before and five minutes after now, the bounds included", async () => {
    expect(await verify([NOW, NOW], HOUR)).toBe("accepted");
    expect(await verify([NOW - HOUR, NOW + 300], HOUR)).toBe("accepted");
    expect(await verify([NOW - HOUR - 1, NOW], HOUR)).toBe("checkpoint-stale");
    expect(await verify([NOW, NOW + 301], HOUR)).toBe("checkpoint-stale");
  });

  it("without a maximum age may be old, but not from the future", async () => {
    expect(await verify([1, 1])).toBe("accepted");
    expect(await verify([1, NOW + 301])).toBe("checkpoint-stale");
  });

  it("are judged by the newest line of a witness that cosigned twice", async () => {
    const pair = await twoLinesOf(w1, 5, NOW);
    const second = parseNote(await signedCheckpoint(checkpoint, log, [[w2, NOW]])).signatures[1]!;
    const note = formatNote({
      text: parseNote(pair).text,
      signatures: [...parseNote(pair).signatures, second],
    });
    const cosigned = await verifyCosignedCheckpoint(note, policy, { now, maxAge: HOUR });
    expect(cosigned.cosignatures.map(({ timestamp }) => timestamp)).toEqual([5, NOW, NOW]);
  });

  it("do not exist at a time or age that is no number", async () => {
    expect(await verify([NOW, NOW], Number.NaN)).toBe("checkpoint-stale");
    await expect(verify([NOW, NOW], HOUR, new Date(Number.NaN))).rejects.toThrow();
  });

  it("do not exist under a policy without witnesses, which says nothing about time", async () => {
    const timelessPolicy = parseTlogPolicy(`log ${vkeyOf(log)}\nquorum none\n`);
    const note = await signedCheckpoint(checkpoint, log);
    const verifyAt = (maxAge?: number) =>
      outcomeOf(() => verifyCosignedCheckpoint(note, timelessPolicy, { now, maxAge }));
    expect(await verifyAt()).toBe("accepted");
    expect(await verifyAt(HOUR)).toBe("checkpoint-stale");
  });

  it("fail as policy when stale and as verification when forged", async () => {
    const note = await signedCheckpoint(checkpoint, log, [
      [w1, 1],
      [w2, 1],
    ]);
    const stale = verifyCosignedCheckpoint(note, policy, { now, maxAge: HOUR });
    await expect(stale).rejects.toThrow(PolicyError);
    await expect(stale).rejects.toThrow(/at most 3600 seconds old/);
    const damaged = note.replace("\n7\n", "\n8\n");
    await expect(verifyCosignedCheckpoint(damaged, policy, { now, maxAge: HOUR })).rejects.toThrow(
      VerificationError,
    );
    const authentic = await authenticateCheckpoint(note, policy);
    expect(() => checkFreshness(authentic, policy, { now: new Date(2000), maxAge: HOUR })).not.toThrow();
  });
});

describe("checkpoints that were cosigned by a deadline", () => {
  const cosignedAt = async (...times: number[]) => {
    const cosigners = [w1, w2, w3].slice(0, times.length).map((key, i) => [key, times[i]!] as const);
    return authenticateCheckpoint(await signedCheckpoint(checkpoint, log, cosigners), policy);
  };

  it("have a quorum of cosignatures up to it, the deadline itself included", async () => {
    expect(wasCosignedBy(await cosignedAt(NOW - 1, NOW - HOUR), policy, NOW)).toBe(true);
    expect(wasCosignedBy(await cosignedAt(NOW, NOW), policy, NOW)).toBe(true);
  });

  it("are not those whose quorum came one second late", async () => {
    expect(wasCosignedBy(await cosignedAt(NOW, NOW + 1), policy, NOW)).toBe(false);
    expect(wasCosignedBy(await cosignedAt(NOW + 1, NOW + 1, NOW + 1), policy, NOW)).toBe(false);
  });

  it("stay so when another witness cosigns later", async () => {
    expect(wasCosignedBy(await cosignedAt(NOW - 1, NOW, NOW + HOUR), policy, NOW)).toBe(true);
  });

  it("are not those without a quorum, nor any where the quorum is none", async () => {
    const cosigned = await cosignedAt(NOW, NOW);
    const one = { ...cosigned, cosignatures: cosigned.cosignatures.slice(0, 1) };
    expect(wasCosignedBy(one, policy, NOW)).toBe(false);
    expect(wasCosignedBy(cosigned, { ...policy, quorum: "none" }, NOW)).toBe(false);
  });
});

describe("checkpoints with ML-DSA-44 keys", () => {
  const keys = ml_dsa44.keygen(new Uint8Array(32).fill(2));
  const pqLog = createVerifierKey("log.example", COSIGNATURE_ML_DSA_44, keys.publicKey);
  let note: string;

  beforeAll(async () => {
    const signature = concatBytes(
      new Uint8Array(8),
      ml_dsa44.sign(mlDsaCosignatureMessage("log.example", 0, checkpoint), keys.secretKey),
    );
    note = formatNote({ text: formatCheckpoint(checkpoint), signatures: [{ ...pqLog, signature }] });
  });

  const policyOf = (text: string): TlogPolicy => parseTlogPolicy(text);

  it("verify under a log key of that type, where it is the only one", async () => {
    const pqPolicy = policyOf(`log ${formatVerifierKey(pqLog)}\nquorum none\n`);
    expect((await authenticateCheckpoint(note, pqPolicy)).logKey).toEqual(pqLog);
    const beside = policyOf(`log ${vkeyOf(log)}\nlog ${formatVerifierKey(pqLog)}\nquorum none\n`);
    expect(await outcomeOf(() => authenticateCheckpoint(note, beside))).toBe("note-unsigned");
  });

  it("count a witness with a key of that type, alone or in a group, and refuse its wrong line", async () => {
    const witness = await testKey("pq.example", COSIGNATURE_ML_DSA_44);
    const cosigned = await signedCheckpoint(checkpoint, log, [
      [w1, 100],
      [witness, 100],
    ]);
    const named = (rule: string) =>
      policyOf(`log ${vkeyOf(log)}\nwitness A ${vkeyOf(w1)}\nwitness B ${vkeyOf(witness)}\n${rule}`);
    const cosigners = async (rule: string) =>
      (await authenticateCheckpoint(cosigned, named(rule))).cosignatures.map(({ name }) => name);
    const names = [w1.verifierKey.name, "pq.example"];
    expect(await cosigners("quorum B\n")).toEqual(names);
    expect(await cosigners("group G all A B\nquorum G\n")).toEqual(names);
    expect(await cosigners("group G any B\ngroup H 2 A G\nquorum H\n")).toEqual(names);
    expect(await cosigners("quorum A\n")).toEqual(names.slice(0, 1));
    const { text, signatures } = parseNote(cosigned);
    const wrong = signatures.map((line) =>
      line.name === "pq.example"
        ? { ...line, signature: line.signature.with(99, line.signature[99]! ^ 1) }
        : line,
    );
    const broken = formatNote({ text, signatures: wrong });
    expect(await outcomeOf(() => authenticateCheckpoint(broken, named("quorum B\n")))).toBe("note-signature");
  });

  it("do not let a log's own timeless signature pass for a witness, where one key has both roles", async () => {
    const vkey = formatVerifierKey(pqLog);
    const both = policyOf(`log ${vkey}\nwitness W ${vkey}\nquorum W\n`);
    expect(await outcomeOf(() => authenticateCheckpoint(note, both))).toBe("checkpoint-quorum");
  });
});

/** One checkpoint with two cosignatures of the same witness. */
async function twoLinesOf(witness: typeof w1, first: number, second: number): Promise<string> {
  const { text, signatures } = parseNote(await signedCheckpoint(checkpoint, log, [[witness, first]]));
  const later = parseNote(await signedCheckpoint(checkpoint, log, [[witness, second]])).signatures[1]!;
  return formatNote({ text, signatures: [...signatures, later] });
}

/** A valid 0x04 signature over time 0. */
async function timeless(witness: typeof w1, text: string): Promise<NoteSignature> {
  const message = new TextEncoder().encode(`cosignature/v1\ntime 0\n${text}`);
  const signature = concatBytes(new Uint8Array(8), await witness.signBytes(message));
  return { name: witness.verifierKey.name, keyId: witness.verifierKey.keyId, signature };
}
