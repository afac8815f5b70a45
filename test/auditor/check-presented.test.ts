// Bundles and proofs that somebody was handed, held against the replayed log: its own pass, those of a fork under the same keys do not.
import { beforeAll, describe, expect, it } from "vitest";
import { checkBundle, checkProof, type ReplayedTree } from "../../src/auditor/check-presented.ts";
import { openSource } from "../../src/auditor/log-source.ts";
import { readShown } from "../../src/auditor/shown-checkpoint.ts";
import { TileReader } from "../../src/auditor/tile-reader.ts";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import { proveInclusion } from "../../src/protocol/merkle/inclusion.ts";
import { formatTlogProof } from "../../src/protocol/note/tlog-proof.ts";
import { NOW } from "../support/clock.ts";
import { signPlatforms } from "../support/signing.ts";
import { bundleBytes, type SmallLog } from "../support/small-log.ts";
import { fetchFrom, type HonestLog, honestLog, PREFIX, serve } from "./served-log.ts";

let honest: HonestLog;
/** The same log for somebody else: its last entry differs, all keys are the same. */
let forked: HonestLog;
let tree: ReplayedTree;

beforeAll(async () => {
  honest = await honestLog();
  forked = await honestLog();
  for (const envelope of await signPlatforms(honest.keys, "ours", 2)) await honest.log.add(envelope);
  for (const envelope of await signPlatforms(forked.keys, "stranger", 1)) await forked.log.add(envelope);
  tree = await replayed(honest);
});

async function replayed({ log, trust }: HonestLog, size?: number): Promise<ReplayedTree> {
  const fetch = fetchFrom(await serve(log, size));
  const reader = new TileReader(openSource(PREFIX, { fetch, retryDelaysMs: [] }));
  return { reader, shown: readShown(await reader.checkpoint()), trust, now: NOW };
}

const bundleOf = async (log: SmallLog) => bundleBytes(await log.bundle("production"));

async function proofOf(log: SmallLog, index: number): Promise<Uint8Array> {
  const size = log.envelopes.length;
  const proof = proveInclusion(index, size, log.tree().readNode);
  return utf8(formatTlogProof({ index, proof, checkpoint: await log.checkpoint(size) }));
}

const codes = ({ findings }: Awaited<ReturnType<typeof checkBundle>>) => findings.map(({ code }) => code);

describe("a policy bundle", () => {
  it("of the log is in it, entry by entry", async () => {
    const { findings, uncovered, entries } = await checkBundle(
      await bundleOf(honest.log),
      "production",
      tree,
    );
    expect([findings, uncovered]).toEqual([[], []]);
    expect(entries.length).toBeGreaterThan(3);
    expect(entries).toContain("policy/production@1, entry 8");
  });

  it("of a fork under the same keys is not, though it verifies", async () => {
    expect(codes(await checkBundle(await bundleOf(forked.log), "production", tree))).toEqual([
      "presented-forked",
    ]);
  });

  it("of another policy, or one that was changed, is refused", async () => {
    const bytes = await bundleOf(honest.log);
    expect(codes(await checkBundle(bytes, "another", tree))).toEqual(["bundle-refused"]);
    expect(codes(await checkBundle(bytes.subarray(1), "production", tree))).toEqual(["bundle-refused"]);
  });

  it("of a larger tree than the one that was replayed cannot be judged", async () => {
    const small = await replayed(honest, 10);
    const { findings, uncovered } = await checkBundle(await bundleOf(honest.log), "production", small);
    expect(findings).toEqual([]);
    expect(uncovered).toMatchObject([{ part: "bundle" }]);
  });
});

describe("a proof", () => {
  it("of the log is in it", async () => {
    const envelope = honest.log.envelopes[3]!;
    const { findings, entries } = await checkProof(
      await proofOf(honest.log, 3),
      envelope,
      await replayed(honest),
    );
    expect(findings).toEqual([]);
    expect(entries).toEqual([expect.stringContaining(", entry 3")]);
  });

  it("of a fork is not", async () => {
    const bytes = await proofOf(forked.log, 7);
    expect(codes(await checkProof(bytes, forked.log.envelopes[7]!, tree))).toEqual(["presented-forked"]);
  });

  it("of another entry is refused", async () => {
    const bytes = await proofOf(honest.log, 3);
    expect(codes(await checkProof(bytes, honest.log.envelopes[4]!, tree))).toEqual(["proof-refused"]);
  });
});
