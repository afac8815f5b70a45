// Audits of a mirror's folder against the cryptography that they cannot do without. Tree only: tiles, leaf hashes and root; the whole
// audit: every signature and every rule as well.
import { createPublicKey } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { audit } from "../src/auditor/audit.ts";
import { AuditFindings } from "../src/auditor/audit-finding.ts";
import { AuditState } from "../src/auditor/audit-state.ts";
import { openSource } from "../src/auditor/log-source.ts";
import { TileReader } from "../src/auditor/tile-reader.ts";
import { TreeReplay } from "../src/auditor/tree-replay.ts";
import { hashLeaves } from "../src/log/checking/checked-entry.ts";
import type { EntryChecker } from "../src/log/checking/entry-checker.ts";
import type { Log } from "../src/log/log.ts";
import { GrowingTree } from "../src/log/tree/growing-tree.ts";
import { nativeSha256 } from "../src/node/sha256.ts";
import { decodeBase64 } from "../src/protocol/encoding/base64.ts";
import { equalBytes } from "../src/protocol/encoding/bytes.ts";
import { parseLeaf, preAuthEncoding } from "../src/protocol/envelope/dsse.ts";
import { hashChildren, hashLeaf } from "../src/protocol/merkle/hash.ts";
import {
  bundlesOfRange,
  entriesPath,
  TILE_WIDTH,
  tilePath,
  tilesOfSize,
} from "../src/protocol/merkle/tile.ts";
import { keyOf, sizeOf, withLog } from "./example-log.ts";
import { interleave, type Measurement, ratios, spreadOf, timed } from "./harness.ts";
import type { World } from "./world.ts";

/** Verifications under way at once: WebCrypto has as many threads as it likes for them. */
const IN_FLIGHT = 256;
/** Rounds over the large log: each reads and hashes two gigabytes twice. */
const LARGE_ROUNDS = 5;

export async function measureAudit(world: World): Promise<Measurement[]> {
  const small = await mirror(await world.smallLog(), join(world.folder, "small-mirror"));
  const large = await mirror(await world.largeLog(), join(world.folder, "large-mirror"));
  return [
    await measureTree(small, world.rounds),
    await measureTree(large, Math.min(world.rounds, LARGE_ROUNDS)),
    await measureSignatures(small, world.rounds),
  ];
}

/** A log as plain files, with its leaves in memory for the floors. */
export interface Mirror {
  readonly folder: string;
  readonly size: number;
  readonly root: Uint8Array;
  readonly publisherSpki: string;
  /** Leaves from `start` on, at most a bundle of them. */
  leaves(start: number): Promise<readonly Uint8Array[]>;
}

export async function mirror(log: string, folder: string): Promise<Mirror> {
  const { size, root } = await writeTiles(log, folder);
  const reader = new TileReader(openSource(folder, { fetch }));
  return {
    folder,
    size,
    root,
    publisherSpki: keyOf(log, "publisher").spki,
    leaves: (start) => reader.bundle(start / TILE_WIDTH, Math.min(TILE_WIDTH, size - start)),
  };
}

function writeTiles(from: string, folder: string): Promise<{ size: number; root: Uint8Array }> {
  return withLog(from, async (log) => {
    const size = sizeOf(log);
    for (const { index, width } of bundlesOfRange(0, size, size))
      write(folder, entriesPath(index, width), await log.read.entryBundle(index, width));
    return writeTree(log, folder);
  });
}

/** Writes the checkpoint and the tiles of hashes, and no entry. */
export async function writeTree(log: Log, folder: string): Promise<{ size: number; root: Uint8Array }> {
  const size = sizeOf(log);
  write(folder, "checkpoint", log.read.published()?.note);
  for (const { level, full, partial } of tilesOfSize(size)) {
    for (let index = 0; index < full; index++)
      write(folder, tilePath(level, index, TILE_WIDTH), await log.read.tile(level, index, TILE_WIDTH));
    if (partial > 0) write(folder, tilePath(level, full, partial), await log.read.tile(level, full, partial));
  }
  return { size, root: log.read.published()?.checkpoint.root ?? new Uint8Array() };
}

function write(folder: string, path: string, bytes: Uint8Array | string | undefined): void {
  if (bytes === undefined) throw new Error(`the log has no ${path}`);
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), bytes);
}

async function measureTree(log: Mirror, rounds: number): Promise<Measurement> {
  const { floor, figure } = await interleave(rounds, {
    floor: () => hashAll(log),
    figure: () => timed(() => replayTree(log)),
  });
  return asMeasurement(log, "tree only", 0.5, floor, figure, {
    note: `floor: SHA-256 (node:crypto, one thread) of every leaf and of as many nodes, bytes in memory; ${rounds} rounds`,
  });
}

/** Reads and hashes entries, and looks at none. */
const hashing: EntryChecker = {
  ahead: 2,
  check: async (leaves) => ({ hashes: hashLeaves(await leaves), entries: [] }),
};

async function replayTree({ folder, size, root }: Mirror): Promise<void> {
  const findings = new AuditFindings();
  const tree = GrowingTree.empty();
  const replay = new TreeReplay(new TileReader(openSource(folder, { fetch })), findings, tree, size);
  for await (const { hashes } of replay.ranges(hashing)) {
    for (const hash of hashes) tree.append(hash);
    await replay.compareFull();
  }
  await replay.compareEdge();
  if (findings.list.length > 0 || !equalBytes(tree.root(), root))
    throw new Error("the tree is not as published");
}

/** Only hashing is timed, not reading. */
async function hashAll({ size, leaves }: Mirror): Promise<number> {
  let spent = 0;
  const node = new Uint8Array(32);
  for (let start = 0; start < size; start += TILE_WIDTH) {
    const bundle = await leaves(start);
    const begun = performance.now();
    for (const leaf of bundle) {
      hashLeaf(leaf, nativeSha256);
      hashChildren(node, node, nativeSha256);
    }
    spent += performance.now() - begun;
  }
  return spent;
}

async function measureSignatures(log: Mirror, rounds: number): Promise<Measurement> {
  const messages = await signedMessages(log);
  const { floor, figure } = await interleave(rounds, {
    floor: () => timed(() => verifyAll(log, messages)),
    figure: () => timed(() => auditAll(log)),
  });
  return asMeasurement(log, "with signatures and rules", 0.7, floor, figure, {
    note: `floor: Ed25519 (WebCrypto, ${IN_FLIGHT} under way) of every signature`,
  });
}

export async function auditAll({ folder, size }: Mirror): Promise<void> {
  const state = AuditState.open(null);
  const read = openSource(folder, { fetch });
  const report = await audit({ read, trust: null, state, now: new Date() });
  state.close();
  if (report.findings.length > 0 || report.entriesChecked !== size)
    throw new Error(`the audit is not clean: ${JSON.stringify(report.findings.slice(0, 3))}`);
}

interface SignedMessage {
  readonly message: Uint8Array<ArrayBuffer>;
  readonly signature: Uint8Array<ArrayBuffer>;
}

/** What the publisher signed; the few signatures by other keys are left out. */
export async function signedMessages({ size, leaves, publisherSpki }: Mirror): Promise<SignedMessage[]> {
  const messages: SignedMessage[] = [];
  const keyId = Buffer.from(nativeSha256(decodeBase64(publisherSpki))).toString("hex");
  for (let start = 0; start < size; start += TILE_WIDTH) {
    for (const leaf of await leaves(start)) {
      const { payload, signatures } = parseLeaf(leaf);
      const own = signatures.find((signature) => signature.keyId === keyId);
      if (own)
        messages.push({
          message: Uint8Array.from(preAuthEncoding(payload)),
          signature: Uint8Array.from(own.signature),
        });
    }
  }
  return messages;
}

export async function verifyAll(
  { publisherSpki }: Mirror,
  messages: readonly SignedMessage[],
): Promise<void> {
  const spki = createPublicKey({ key: Buffer.from(publisherSpki, "base64"), format: "der", type: "spki" });
  const der = new Uint8Array(spki.export({ format: "der", type: "spki" }));
  const key = await crypto.subtle.importKey("spki", der, "Ed25519", false, ["verify"]);
  for (let at = 0; at < messages.length; at += IN_FLIGHT) {
    const verified = await Promise.all(
      messages
        .slice(at, at + IN_FLIGHT)
        .map(({ message, signature }) => crypto.subtle.verify("Ed25519", key, signature, message)),
    );
    if (verified.includes(false)) throw new Error("a signature does not verify");
  }
}

function asMeasurement(
  { size }: Mirror,
  what: string,
  target: number,
  floorMs: readonly number[],
  figureMs: readonly number[],
  { note }: { note: string },
): Measurement {
  const perSecond = (times: readonly number[]) => times.map((ms) => (size / ms) * 1000);
  const ratio = ratios(floorMs, figureMs);
  return {
    row: "audit",
    what: `audit of ${size.toLocaleString("en")} entries of 2 KiB, ${what}, from a folder`,
    unit: "entries/s",
    floor: spreadOf(perSecond(floorMs)),
    figure: spreadOf(perSecond(figureMs)),
    ratio,
    target: `≥ ${target}`,
    reached: ratio.median >= target,
    note,
  };
}
