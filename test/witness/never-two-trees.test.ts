// The promise of a witness: of one size it cosigns one root, and nothing smaller ever again. Whatever logs ask, in whatever order, at once,
// in two processes, and across kills.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, expect, it } from "vitest";
import { EMPTY_ROOT } from "../../src/protocol/merkle/hash.ts";
import { parseCheckpoint } from "../../src/protocol/note/checkpoint.ts";
import { parseNote } from "../../src/protocol/note/signed-note.ts";
import { type Cosigned, WitnessStore } from "../../src/witness/witness-store.ts";
import { witnessKey } from "../support/notes.ts";
import { NAME, ORIGIN, openCosigned, requestOf, WitnessedLog, WitnessHarness } from "./witness-harness.ts";

const SIZE = 12;
const histories = [new WitnessedLog(SIZE), new WitnessedLog(SIZE, 1), new WitnessedLog(SIZE, 2)];

/** Whether notes, in the order in which they were cosigned, are one tree that grew. */
function requireOneTree(notes: readonly string[]): void {
  let size = 0;
  const roots = new Map<number, string>();
  for (const note of notes) {
    const checkpoint = parseCheckpoint(parseNote(note).text);
    expect(checkpoint.size).toBeGreaterThanOrEqual(size);
    size = checkpoint.size;
    const root = Buffer.from(checkpoint.root).toString("hex");
    expect(roots.get(size) ?? root, `the root of size ${size}`).toBe(root);
    roots.set(size, root);
  }
  const isOf = ({ tree }: WitnessedLog) =>
    [...roots].every(([n, root]) => Buffer.from(tree.roots[n]!).toString("hex") === root);
  expect(histories.some(isOf)).toBe(true);
}

it("whatever is asked, one request after the other", async () => {
  const request = fc.record({
    history: fc.nat(2),
    proofOf: fc.nat(2),
    from: fc.nat(SIZE),
    to: fc.nat(SIZE),
    honest: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 25 }), async (requests) => {
      const harness = await WitnessHarness.make({ keys: [await witnessKey(NAME)] });
      const cosigned: string[] = [];
      for (const { history, proofOf, from, to, honest } of requests) {
        const note = await histories[history]!.checkpoint(to);
        const old = honest ? (harness.store.find(ORIGIN)?.size ?? 0) : from;
        const response = await harness.post(requestOf(old, await histories[proofOf]!.proof(old, to), note));
        if (response.status !== 200) continue;
        await openCosigned(note, await response.text());
        cosigned.push(note);
      }
      requireOneTree(cosigned);
      harness.stop();
    }),
    { numRuns: 40 },
  );
});

it("of requests at once from the same size, one is cosigned and the others are told its size", async () => {
  const harness = await WitnessHarness.make();
  await harness.post(await histories[0]!.request(0, 3));
  const requests = await Promise.all(
    [4, 5, 6, 7, 8, 9].flatMap((to) => histories.map((log) => log.request(3, to))),
  );
  const responses = await Promise.all(requests.map((request) => harness.post(request)));
  const statuses = responses.map(({ status }) => status);
  expect(statuses.filter((status) => status === 200)).toHaveLength(1);
  expect(statuses.filter((status) => status === 409)).toHaveLength(requests.length - 1);
  const winner = parseCheckpoint(parseNote(harness.store.find(ORIGIN)!.note).text).size;
  for (const response of responses)
    if (response.status === 409) expect(await response.text()).toBe(`${winner}\n`);
  harness.stop();
});

const state = (size: number, byte: number): Cosigned => ({
  size,
  root: new Uint8Array(32).fill(byte),
  cosignedAt: 1,
  note: `${size}`,
});

let folder: string | undefined;
afterEach(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true });
  folder = undefined;
});
const newFile = () => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-witness-store-"));
  return join(folder, "witness.db");
};

it("two processes of one witness: what one wrote is not written over by what the other checked before", () => {
  const file = newFile();
  const [a, b] = [WitnessStore.create(file), WitnessStore.open(file)];
  expect(a.replace("log", undefined, state(3, 1))).toBe(true);
  expect(b.replace("log", undefined, state(4, 2))).toBe(false);
  const before = b.find("log");
  expect(a.replace("log", a.find("log"), state(5, 1))).toBe(true);
  expect(b.replace("log", before, state(6, 2))).toBe(false);
  expect(b.find("log")?.size).toBe(5);
  a.close();
  b.close();
});

it("the database itself refuses to go back, to take another root, and to forget", () => {
  const store = WitnessStore.create(newFile());
  store.replace("log", undefined, state(5, 1));
  const now = store.find("log");
  expect(() => store.replace("log", now, state(4, 1))).toThrow(/never goes back/);
  expect(() => store.replace("log", now, state(5, 2))).toThrow(/never goes back/);
  expect(store.replace("log", now, state(5, 1))).toBe(true);
  expect(() => store.replace("new", undefined, { ...state(0, 0), root: EMPTY_ROOT.subarray(1) })).toThrow();
  store.close();
});

it("a witness whose memory is gone, or of something else, does not start", () => {
  const file = newFile();
  expect(() => WitnessStore.open(file)).toThrow(/could cosign a fork/);
  WitnessStore.create(file).close();
  expect(() => WitnessStore.create(file)).toThrow(/is there already/);
  expect(() => WitnessStore.open(import.meta.filename)).toThrow();
});

it("what was answered survives kill -9, and what grew goes on from there", async () => {
  const file = newFile();
  WitnessStore.create(file).close();
  let acknowledged = 0;
  for (let round = 0; round < 4; round++) {
    const child = spawn(process.execPath, [
      "--experimental-strip-types",
      join(import.meta.dirname, "grow-until-killed.ts"),
      file,
    ]);
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      acknowledged = Math.max(acknowledged, ...text.trim().split("\n").map(Number));
    });
    const before = acknowledged;
    await expect.poll(() => acknowledged, { interval: 5, timeout: 20_000 }).toBeGreaterThan(before + 3);
    await sleep(20 * round);
    const ended = new Promise((resolve) => child.once("close", resolve));
    child.kill("SIGKILL");
    await ended;
    const store = WitnessStore.open(file);
    expect(store.find("log")?.size).toBeGreaterThanOrEqual(acknowledged);
    store.close();
  }
});
