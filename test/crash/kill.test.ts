// kill -9 under load, again and again on one log: nothing acknowledged is missing, no checkpoint that anybody saw is contradicted,
// fsck finds nothing in it or in its index, and the service resumes. CRASH_ROUNDS says how often (default 3; the full run is 50).
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HighWaterFile } from "../../src/log/checkpointing/high-water.ts";
import { fsck } from "../../src/log/maintenance/fsck.ts";
import { inspectIndex } from "../../src/log/maintenance/fsck-index.ts";
import { openSnapshot } from "../../src/log/store/open-store.ts";
import { nativeSha256 } from "../../src/node/sha256.ts";
import { encodeHex } from "../../src/protocol/encoding/hex.ts";
import { parseLeaf } from "../../src/protocol/envelope/dsse.ts";
import { CompactRange } from "../../src/protocol/merkle/compact-range.ts";
import { hashLeaf } from "../../src/protocol/merkle/hash.ts";
import { openCheckpoint } from "../../src/protocol/note/checkpoint.ts";
import { LogHarness } from "../support/log-harness.ts";
import { signPlatforms } from "../support/signing.ts";
import { auditAsStranger, independentRoot } from "../support/stranger.ts";
import { logKey } from "../support/witnesses.ts";
import type { Said } from "./serve-log.ts";

const ROUNDS = Number(process.env.CRASH_ROUNDS ?? 3);

let harness: LogHarness;
/** Everything that was ever said, over all rounds. */
const acknowledged = new Map<number, string>();
const checkpoints = new Map<number, Set<string>>();

beforeAll(async () => {
  harness = await LogHarness.make({ withStatus: true, trustRoot: { index: true } });
  harness.clock.now = new Date();
  await (await harness.create()).close();
});
afterAll(() => harness.remove());

/** Remembers a signed checkpoint, after checking that the log signed it. */
async function see(note: string): Promise<void> {
  const { size, root } = await openCheckpoint(note, (await logKey()).verifierKey);
  const roots = checkpoints.get(size) ?? new Set();
  checkpoints.set(size, roots.add(encodeHex(root)));
}

/** Runs the service, and kills it some time after it has acknowledged something, every fourth time after it has started. */
async function runAndKill(round: number): Promise<Said[]> {
  const sign = round % 4 === 0 ? "ready" : "acknowledged";
  const ms = (round * 7919) % 400;
  const script = join(import.meta.dirname, "serve-log.ts");
  const child = spawn(
    process.execPath,
    ["--experimental-strip-types", script, harness.folder, `round-${round}`],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  ) as ChildProcess & { stdout: NodeJS.ReadableStream };
  const said: Said[] = [];
  const lines = createInterface({ input: child.stdout });
  const ended = once(lines, "close");
  let killing = false;
  lines.on("line", (line) => {
    // The last line may have been cut by the kill; what it said was not heard.
    if (!line.endsWith("}")) return;
    said.push(JSON.parse(line) as Said);
    if (!killing && sign in (said.at(-1) as Said)) {
      killing = true;
      setTimeout(() => child.kill("SIGKILL"), ms);
    }
  });
  await ended;
  return said;
}

/** The whole database, as it is on disk, against everything that was ever said. */
async function checkEverythingSaid(): Promise<number> {
  const index = inspectIndex(harness.indexFile);
  const store = await openSnapshot(harness.databaseFile);
  const mark = new HighWaterFile(harness.highWaterPath);
  const report = await fsck(store, mark, { index });
  index?.file?.close();
  expect(report.findings).toEqual([]);
  expect(index?.state?.size).toBeGreaterThan(0);
  await see((await mark.read())!.note);
  const range = new CompactRange(nativeSha256);
  const leaves = await store.readLeaves(0, report.entries);
  for (const [index, leaf] of leaves.entries()) {
    range.append(hashLeaf(leaf, nativeSha256));
    const expected = acknowledged.get(index);
    if (expected !== undefined)
      expect(parseLeaf(leaf).payloadDigest, `acknowledged entry ${index}`).toBe(expected);
    const signed = checkpoints.get(index + 1);
    if (signed !== undefined)
      expect([...signed], `checkpoints of size ${index + 1}`).toEqual([encodeHex(range.root())]);
  }
  expect(Math.max(...acknowledged.keys()), "newest acknowledged entry").toBeLessThan(leaves.length);
  expect(Math.max(...checkpoints.keys()), "largest signed checkpoint").toBeLessThanOrEqual(leaves.length);
  expect(encodeHex(independentRoot(leaves.map((leaf) => hashLeaf(leaf, nativeSha256))))).toBe(
    encodeHex(range.root()),
  );
  await store.close();
  return leaves.length;
}

describe(`kill -9 under load, ${ROUNDS} rounds`, () => {
  it("loses nothing that was acknowledged and forks nothing that was seen", {
    timeout: 60_000 + ROUNDS * 20_000,
  }, async () => {
    let size = 0;
    for (let round = 1; round <= ROUNDS; round++) {
      const said = await runAndKill(round);
      for (const line of said) {
        if ("acknowledged" in line) acknowledged.set(line.acknowledged.index, line.acknowledged.digest);
        if ("checkpoint" in line) await see(line.checkpoint);
        expect(line).not.toHaveProperty("failed");
      }
      size = await checkEverythingSaid();
    }
    expect(acknowledged.size).toBeGreaterThan(ROUNDS);
    console.log(
      `${ROUNDS} rounds: ${acknowledged.size} acknowledged, ${checkpoints.size} checkpoint sizes seen, ${size} entries, lost 0, forked 0`,
    );
  });

  it("resumes", async () => {
    harness.clock.now = new Date();
    const log = await harness.open();
    const [entry] = await signPlatforms(harness.keys, "resumed", 1);
    expect((await log.publish([entry!]))[0]).toMatchObject({ outcome: "new", state: "published" });
    await auditAsStranger(log.read, log.read.inForce.trustRoots[0]!.root.logPolicy);
    await log.close();
  });
});
