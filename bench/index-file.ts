// What the index costs: bytes and time an entry, the root that a status waits for, an answer, and the memory of the process that keeps it.
import { randomBytes } from "node:crypto";
import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { buildAtOnce } from "../src/log/index/build-index.ts";
import { ThreadedIndex } from "../src/log/index/threaded-index.ts";
import { nativeSha256 } from "../src/node/sha256.ts";
import { parseLeaf } from "../src/protocol/envelope/dsse.ts";
import { keyOfTerm, termsOf } from "../src/protocol/lookup/term.ts";
import { unsignedMaker } from "./entries.ts";
import { type Measurement, quantile, spreadOf, timed } from "./harness.ts";
import type { World } from "./world.ts";

/** Entries that the service adds at once, and how many are added so, after the others. */
const STEP = 512;
const FOLLOWED = 5 * STEP;
const SIGNER = "5".repeat(64);
const MAX_INDICES = 1000;

export async function measureIndex(world: World): Promise<Measurement[]> {
  return [...(await measureAt(world, world.small)), ...(await measureAt(world, world.large))];
}

async function measureAt(world: World, size: number): Promise<Measurement[]> {
  const path = join(world.folder, "index.db");
  const make = unsignedMaker(SIGNER);
  const leaves = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => make(`entry-${from + i}`).leaf);
  const before = process.memoryUsage().rss;
  const file = new ThreadedIndex(path);
  await file.open(true);
  const followed = Math.min(size, FOLLOWED);
  const begun = performance.now();
  const store = { readLeaves: async (from: number, to: number) => leaves(from, to) };
  const rootAt = async () => new Uint8Array(32);
  await buildAtOnce(file, { store, rootAt }, size - followed, new AbortController().signal);
  const built = (performance.now() - begun) / (size - followed);
  const added: number[] = [];
  for (let from = size - followed; from < size; from += STEP) {
    const step = leaves(from, Math.min(size, from + STEP));
    const markEnd = from + STEP >= size;
    const call = { leaves: step, treeRoot: new Uint8Array(32), markFrom: 0, markEnd };
    added.push((await cpuOf(() => file.add(call))) / step.length);
  }
  const last = leaves(size, size + 1);
  const amount = world.amount(500);
  const answer = (key: Uint8Array) => () => file.find(key, size, MAX_INDICES);
  const digestOf = (i: number) => {
    const [leaf] = leaves(i, i + 1);
    return parseLeaf(leaf as Uint8Array).payloadDigest;
  };
  const payloads = Array.from({ length: amount }, (_, i) => {
    const value = digestOf(Math.floor((i / amount) * size));
    return answer(keyOfTerm({ type: "payload", value }, nativeSha256));
  });
  const signer = keyOfTerm({ type: "signer", value: SIGNER }, nativeSha256);
  const drawn = await each(Array.from({ length: amount }, () => () => file.rootWith(size, last)));
  const found = await each(payloads);
  const nothing = await each(Array.from({ length: amount }, () => answer(randomBytes(32))));
  const often = await each(Array.from({ length: Math.ceil(amount / 10) }, () => answer(signer)));
  const megabytes = (process.memoryUsage().rss - before) / 1e6;
  const { length: terms } = termsOf(parseLeaf(last[0] as Uint8Array));
  await file.close();
  const bytes = statSync(path).size / size;
  rmSync(path);
  const at = `${size.toLocaleString("en")} entries of ${terms} terms`;
  const row = (what: string, unit: string, samples: readonly number[], note = ""): Measurement => ({
    row: "index",
    what: `${what}, ${at}`,
    unit,
    floor: null,
    figure: spreadOf(samples),
    ratio: null,
    target: "",
    reached: null,
    note,
  });
  const p99 = (samples: readonly number[]) => `99th percentile ${quantile(samples, 0.99).toFixed(2)} ms`;
  return [
    row("bytes an entry", "bytes", [bytes], "the file alone"),
    row("an entry of those that are built at once", "ms", [built], "by the clock, making it included"),
    row("adding an entry, in the background", "ms", added, "CPU time"),
    row("the root for a status that brings one entry", "ms", drawn, p99(drawn)),
    row("an answer: one entry", "ms", found, p99(found)),
    row("an answer: none", "ms", nothing, p99(nothing)),
    row(`an answer: the newest ${MAX_INDICES.toLocaleString("en")} of all`, "ms", often, p99(often)),
    row(
      "resident memory beyond that of the process without it",
      "MB",
      [megabytes],
      "with what the benchmark itself makes",
    ),
  ];
}

async function each(runs: ReadonlyArray<() => Promise<unknown>>): Promise<number[]> {
  const took: number[] = [];
  for (const run of runs) took.push(await timed(run));
  return took;
}

/** Milliseconds of CPU time of the process, its threads with it. */
async function cpuOf(run: () => Promise<unknown>): Promise<number> {
  const begun = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1000;
}
