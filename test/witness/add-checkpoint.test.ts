// What a witness answers to each request that a log, or somebody who pretends to be one, can make.
import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { encodeBase64 } from "../../src/protocol/encoding/base64.ts";
import { formatCheckpoint, openCheckpoint } from "../../src/protocol/note/checkpoint.ts";
import { createMlDsaLogSigner, splitTimestamp } from "../../src/protocol/note/cosignature.ts";
import { COSIGNATURE_ML_DSA_44, createNoteSigner } from "../../src/protocol/note/key.ts";
import { formatNote, type NoteSignature, parseNote, signNote } from "../../src/protocol/note/signed-note.ts";
import { logKey, testKey, witnessKey } from "../support/notes.ts";
import {
  ORIGIN,
  openCosigned,
  requestOf,
  WITNESS_KEYS,
  WitnessedLog,
  WitnessHarness,
} from "./witness-harness.ts";

const log = new WitnessedLog(40);
const fork = new WitnessedLog(40, 1);
const digest = createHash("sha256").update(ORIGIN).digest("hex");
let harness: WitnessHarness;
beforeEach(async () => {
  harness = await WitnessHarness.make();
});
afterEach(() => harness.stop());

const answerTo = async (body: string | Uint8Array) => {
  const response = await harness.post(body);
  return `${response.status} ${(await response.text()).trimEnd()}`;
};
const statusOf = async (body: string | Uint8Array) => (await harness.post(body)).status;
const damaged = (line: NoteSignature): NoteSignature => ({
  ...line,
  signature: line.signature.map((byte, i) => (i === 0 ? byte ^ 1 : byte)),
});
const sizeOf = () => harness.store.find(ORIGIN)?.size;

describe("a checkpoint that the log signed", () => {
  it("is cosigned with every key, at this time, as lines and nothing else", async () => {
    const response = await harness.post(await log.request(0, 5));
    expect(response.status).toBe(200);
    const lines = await response.text();
    const { verified, unverified } = await openCosigned(await log.checkpoint(5), lines);
    expect(verified.map(({ keyId }) => keyId)).toEqual(WITNESS_KEYS.map(({ keyId }) => keyId));
    expect(unverified).toEqual([]);
    for (const { signature } of verified) expect(splitTimestamp(signature)?.timestamp).toBe(1_790_000_000);
  });

  it("is cosigned when it grew, from any size to any, across a restart", async () => {
    for (const [from, to] of [
      [0, 1],
      [1, 2],
      [2, 7],
      [7, 8],
      [8, 33],
      [33, 40],
    ] as const) {
      expect(await statusOf(await log.request(from, to)), `${from} to ${to}`).toBe(200);
      harness.restart();
      expect(sizeOf()).toBe(to);
    }
  });

  it("is cosigned again at the same size, with a later time", async () => {
    await harness.post(await log.request(0, 5));
    harness.clock.now = new Date(1_790_000_060_000);
    const again = await (await harness.post(await log.request(5, 5))).text();
    const { verified } = await openCosigned(await log.checkpoint(5), again);
    expect(splitTimestamp(verified[0]!.signature)?.timestamp).toBe(1_790_000_060);
    expect(harness.store.find(ORIGIN)?.cosignedAt).toBe(1_790_000_060);
  });

  it("may be of the empty tree, and grow from it", async () => {
    expect(await statusOf(await log.request(0, 0))).toBe(200);
    expect(await statusOf(await log.request(0, 4))).toBe(200);
  });

  it("is shown to monitors with the log's line and the cosignatures, of which nothing else was kept", async () => {
    expect((await harness.get(`/${digest}/checkpoint`)).status).toBe(404);
    const note = await log.checkpoint(5);
    const line = parseNote(note).signatures[0]!;
    const strange = { ...line, name: "stranger.example" };
    const { text } = parseNote(note);
    await harness.post(requestOf(0, [], formatNote({ text, signatures: [strange, line] })));
    const response = await harness.get(`/${digest}/checkpoint`);
    const shown = await response.text();
    expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(await openCheckpoint(shown, (await logKey(ORIGIN)).verifierKey)).toMatchObject({ size: 5 });
    expect(parseNote(shown).signatures.map(({ keyId }) => keyId)).toEqual([
      line.keyId,
      ...WITNESS_KEYS.map(({ keyId }) => keyId),
    ]);
  });
});

describe("400: cannot be read", () => {
  it.each<[string, (note: string) => string]>([
    ["an empty body", () => ""],
    ["no old size", (note) => `\n${note}`],
    ["an old size that is no number", (note) => requestOf("five", [], note)],
    ["an old size with a leading zero", (note) => requestOf("01", [], note)],
    ["a negative old size", (note) => requestOf("-1", [], note)],
    ["an old size beyond the checkpoint", (note) => requestOf(6, [], note)],
    ["a proof line that is no base64", (note) => requestOf(0, ["?"], note)],
    ["a hash of 31 bytes", (note) => requestOf(0, [encodeBase64(new Uint8Array(31))], note)],
    ["64 hashes", (note) => requestOf(0, Array(64).fill(encodeBase64(new Uint8Array(32))), note)],
    ["no empty line", (note) => `old 0\n${note}`],
    ["no signature", (note) => requestOf(0, [], note.slice(0, note.indexOf("—")))],
    ["an extension line", (note) => requestOf(0, [], note.replace("\n\n", "\nextension\n\n"))],
    ["a size that is a word", (note) => requestOf(0, [], note.replace("\n5\n", "\nfive\n"))],
    ["carriage returns", (note) => requestOf(0, [], note.replaceAll("\n", "\r\n"))],
  ])("%s", async (_, bodyOf) => {
    expect(await statusOf(bodyOf(await log.checkpoint(5)))).toBe(400);
    expect(sizeOf()).toBeUndefined();
  });

  it("bytes that are no UTF-8", async () => {
    expect(await statusOf(Uint8Array.of(0x6f, 0x6c, 0x64, 0x20, 0x30, 0xff))).toBe(400);
  });
});

describe("403: the log did not sign it", () => {
  it("a key that the witness does not know for it, though it has the log's name", async () => {
    const stranger = await testKey(`${ORIGIN}`, 0x04);
    const { text, signatures } = parseNote(await log.checkpoint(5));
    const own = { ...signatures[0]!, keyId: stranger.verifierKey.keyId };
    expect(await answerTo(requestOf(0, [], formatNote({ text, signatures: [own] })))).toMatch(
      /^403 no known key/,
    );
  });

  it("a line of the known key that is wrong, also beside a good one of another known key", async () => {
    const { text, signatures } = parseNote(await log.checkpoint(5));
    const wrong = damaged(signatures[0]!);
    expect(await statusOf(requestOf(0, [], formatNote({ text, signatures: [wrong] })))).toBe(403);
    expect(sizeOf()).toBeUndefined();
  });
});

describe("404: no list has it", () => {
  it("the checkpoint of another log, and what a monitor asks of it", async () => {
    const other = new WitnessedLog(5, 0, "other.example");
    expect(await answerTo(await other.request(0, 5))).toBe("404 unknown log");
    expect((await harness.get(`/${"0".repeat(64)}/checkpoint`)).status).toBe(404);
    expect((await harness.get("/nothing")).status).toBe(404);
  });
});

describe("409: the proof is from another size", () => {
  it("than what was cosigned last: the answer is that size, as text/x.tlog.size", async () => {
    await harness.post(await log.request(0, 5));
    for (const old of [0, 3, 6]) {
      const response = await harness.post(await log.request(old, 9));
      expect(response.status).toBe(409);
      expect(response.headers.get("content-type")).toBe("text/x.tlog.size");
      expect(await response.text()).toBe("5\n");
    }
    expect(sizeOf()).toBe(5);
  });

  it("than 0, where nothing was cosigned yet", async () => {
    expect(await answerTo(await log.request(3, 9))).toBe("409 0");
  });

  it("also for a smaller tree than was cosigned: it never goes back", async () => {
    await harness.post(await log.request(0, 9));
    expect(await answerTo(await log.request(0, 5))).toBe("409 9");
    expect(await answerTo(await log.request(5, 5))).toBe("409 9");
    expect(await statusOf(await log.request(9, 5))).toBe(400);
    expect(sizeOf()).toBe(9);
  });
});

describe("422: it is of another tree", () => {
  it("a fork that grew, with a proof of either history or none", async () => {
    await harness.post(await log.request(0, 5));
    const note = await fork.checkpoint(9);
    for (const proof of [await log.proof(5, 9), await fork.proof(5, 9), []])
      expect(await statusOf(requestOf(5, proof, note))).toBe(422);
    expect(sizeOf()).toBe(5);
    expect(harness.inconsistent).toEqual([]);
  });

  it("two roots of one size: nobody gets a cosignature of the second, and the operator gets both notes", async () => {
    await harness.post(await log.request(0, 5));
    expect(await statusOf(await fork.request(5, 5))).toBe(422);
    expect(encodeBase64(harness.store.find(ORIGIN)!.root)).toBe(encodeBase64(log.tree.roots[5]!));
    const [[cosigned, shown] = ["", ""]] = harness.inconsistent;
    expect(parseNote(cosigned).text).toBe(parseNote(await log.checkpoint(5)).text);
    expect(shown).toBe(await fork.checkpoint(5));
    expect(await (await harness.get("/metrics")).text()).toContain("touchstone_witness_forks_total 1");
  });

  it("a size of 0 with a root of something, and a proof from nothing", async () => {
    const root = log.tree.roots[3]!;
    const note = await signNote(formatCheckpoint({ origin: ORIGIN, size: 0, root }), [
      createNoteSigner(await logKey(ORIGIN)),
    ]);
    expect(await statusOf(requestOf(0, [], note))).toBe(422);
    expect(await statusOf(requestOf(0, [encodeBase64(root)], await log.checkpoint(5)))).toBe(422);
    expect(sizeOf()).toBeUndefined();
  });
});

describe("limits", () => {
  it("a body of more than 64 KiB is refused while it is read", async () => {
    expect(await statusOf("x".repeat(65_537))).toBe(413);
  });

  it("a log has no more cosigned than its list allows, and others do not use that up", async () => {
    harness.stop();
    const { verifierKey } = await logKey(ORIGIN);
    harness = await WitnessHarness.make({ logs: [{ origin: ORIGIN, keys: [verifierKey], perDay: 2 }] });
    const { text, signatures } = parseNote(await log.checkpoint(5));
    const forged = damaged(signatures[0]!);
    for (let i = 0; i < 5; i++)
      expect(await statusOf(requestOf(0, [], formatNote({ text, signatures: [forged] })))).toBe(403);
    expect(await statusOf(await log.request(0, 1))).toBe(200);
    expect(await statusOf(await log.request(1, 2))).toBe(200);
    const response = await harness.post(await log.request(2, 3));
    expect([response.status, response.headers.get("retry-after")]).toEqual([429, "60"]);
    harness.clock.now = new Date(harness.clock.now.getTime() + 43_200_000);
    expect(await statusOf(await log.request(2, 3))).toBe(200);
    expect(await statusOf(await log.request(3, 4))).toBe(429);
  });

  it("a client has no more requests a minute than configured", async () => {
    harness.stop();
    harness = await WitnessHarness.make({ limits: { requestsPerMinute: 2 } });
    expect(await statusOf("")).toBe(400);
    expect(await statusOf("")).toBe(400);
    expect(await statusOf("")).toBe(429);
  });
});

it("a log with an ML-DSA-44 key is known by either key", async () => {
  harness.stop();
  const mlDsa = await testKey(ORIGIN, COSIGNATURE_ML_DSA_44);
  const keys = [(await logKey(ORIGIN)).verifierKey, mlDsa.verifierKey];
  harness = await WitnessHarness.make({ logs: [{ origin: ORIGIN, keys, perDay: undefined }] });
  const { text } = parseNote(await log.checkpoint(5));
  expect(await statusOf(requestOf(0, [], await signNote(text, [createMlDsaLogSigner(mlDsa)])))).toBe(200);
  expect(await statusOf(await log.request(5, 9))).toBe(200);
  const both = await signNote(parseNote(await log.checkpoint(12)).text, [
    createNoteSigner(await logKey(ORIGIN)),
    createMlDsaLogSigner(mlDsa),
  ]);
  expect(await statusOf(requestOf(9, await log.proof(9, 12), both))).toBe(200);
  expect(parseNote(harness.store.find(ORIGIN)!.note).signatures).toHaveLength(4);
});

it("a log that is learnt while the witness runs is cosigned from then on, and none is forgotten", async () => {
  const other = new WitnessedLog(5, 0, "other.example");
  expect(await statusOf(await other.request(0, 5))).toBe(404);
  const { verifierKey } = await logKey("other.example");
  harness.witness.learn([{ origin: "other.example", keys: [verifierKey], perDay: undefined }]);
  expect(await statusOf(await other.request(0, 5))).toBe(200);
  expect(await statusOf(await log.request(0, 5))).toBe(200);
  const shown = createHash("sha256").update("other.example").digest("hex");
  expect((await harness.get(`/${shown}/checkpoint`)).status).toBe(200);
});

it("probes and methods: healthz, metrics, and 405 with what is allowed", async () => {
  await harness.post(await log.request(0, 5));
  expect(await (await harness.get("/healthz")).text()).toBe("ok\n");
  const metrics = await (await harness.get("/metrics")).text();
  expect(metrics).toContain(`touchstone_witness_tree_size{origin="${ORIGIN}"} 5`);
  expect(metrics).toContain("touchstone_witness_known_logs 1");
  const wrong = await harness.get("/add-checkpoint");
  expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "POST"]);
});

it("the log's key is not a witness' key: what it signs as one is no signature of the log", async () => {
  const { text } = parseNote(await log.checkpoint(5));
  const cosigner = await witnessKey(ORIGIN);
  const signature = await cosigner.signBytes(new TextEncoder().encode(text));
  const line = { name: ORIGIN, keyId: cosigner.verifierKey.keyId, signature };
  expect(await statusOf(requestOf(0, [], formatNote({ text, signatures: [line] })))).toBe(403);
});
