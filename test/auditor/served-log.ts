// A log as a stranger meets it: what lies under its prefix, as a map that a test can tamper with, behind an in-memory `fetch`.
import { expect } from "vitest";
import { audit } from "../../src/auditor/audit.ts";
import type { AuditReport } from "../../src/auditor/audit-report.ts";
import { AuditState } from "../../src/auditor/audit-state.ts";
import type { AuditDepth } from "../../src/auditor/coverage.ts";
import { openSource } from "../../src/auditor/log-source.ts";
import { SignatureThreads } from "../../src/log/checking/signature-threads.ts";
import { sha256 } from "../../src/protocol/cryptography/hash.ts";
import { concatBytes } from "../../src/protocol/encoding/bytes.ts";
import { encodeHex } from "../../src/protocol/encoding/hex.ts";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import type { Patch } from "../../src/protocol/entry/patch-series.ts";
import { seriesDigest } from "../../src/protocol/entry/patch-series.ts";
import { canonicalize } from "../../src/protocol/envelope/canonical-json.ts";
import {
  encodeEntryBundle,
  entriesPath,
  TILE_WIDTH,
  tilePath,
  tilesOfSize,
} from "../../src/protocol/merkle/tile.ts";
import { formatTrustFile, parseTrustFile, type TrustAnchor } from "../../src/verifier/bundle/trust-pin.ts";
import { NOW } from "../support/clock.ts";
import { policyPredicate, statusPredicate } from "../support/document-predicates.ts";
import { type TestKeys, testKeys } from "../support/keys.ts";
import { kernelPredicate, sha256Of } from "../support/release-predicates.ts";
import { inOrder, signReleaseSet } from "../support/release-set.ts";
import { signStatement } from "../support/signing.ts";
import { SmallLog } from "../support/small-log.ts";
import type { TestTree } from "../support/tree.ts";
import { trustRootPredicate } from "../support/trust-root.ts";

/** Bytes by path below the log's prefix. */
export type Served = Map<string, Uint8Array>;

/** What the log serves for its first `size` entries. */
export async function serve(log: SmallLog, size = log.envelopes.length, at = NOW): Promise<Served> {
  const served = serveTree(
    log.tree(),
    log.envelopes.map(({ leaf }) => leaf),
    size,
  );
  for (const [digest, bytes] of log.attachments) served.set(`v1/attachments/sha256/${digest}`, bytes);
  for (const { index, checkpoint } of await log.confirmations())
    served.set(`v1/confirmations/${index}`, utf8(checkpoint));
  return served.set("checkpoint", utf8(await log.checkpoint(size, at)));
}

export function serveTree(tree: TestTree, entries: readonly Uint8Array[], size: number): Served {
  const served: Served = new Map();
  for (const { level, full, partial } of tilesOfSize(size)) {
    for (let index = 0; index < full + (partial > 0 ? 1 : 0); index++) {
      const width = index < full ? TILE_WIDTH : partial;
      const first = index * TILE_WIDTH;
      const hashes = Array.from({ length: width }, (_, i) => tree.readNode(8 * level, first + i));
      served.set(tilePath(level, index, width), concatBytes(...hashes));
      if (level === 0)
        served.set(entriesPath(index, width), encodeEntryBundle(entries.slice(first, first + width)));
    }
  }
  return served;
}

export const PREFIX = "https://log.example/touchstone";

export function fetchFrom(served: Served): typeof fetch {
  return async (input) => {
    const bytes = served.get(String(input).slice(PREFIX.length + 1));
    return bytes === undefined ? new Response(null, { status: 404 }) : new Response(Uint8Array.from(bytes));
  };
}

export interface AuditCase {
  readonly trust?: TrustAnchor | null;
  /** A state file; a temporary one unless given. */
  readonly stateFile?: string;
  readonly now?: Date;
  readonly depth?: AuditDepth;
  readonly fetch?: typeof fetch;
}

/** Threads that verify the signatures of any log, however short. They end with the process. */
const threads = new SignatureThreads(2, 0);

/** Of a checkpoint with several wrong signatures the one is named that was checked first, which is for the thread pool to say. */
const comparable = ({ findings, ...report }: AuditReport) => ({
  ...report,
  findings: findings.map((finding) =>
    finding.code.startsWith("checkpoint-") ? { ...finding, message: "" } : finding,
  ),
});

/** Audits on one thread; where nothing is remembered also with threads, which must find the same. */
export async function auditServed(
  served: Served,
  trust: TrustAnchor | null,
  options: AuditCase = {},
): Promise<AuditReport> {
  const report = await auditOnce(served, trust, options);
  if (options.stateFile === undefined && options.fetch === undefined)
    expect(comparable(await auditOnce(served, trust, options, threads))).toEqual(comparable(report));
  return report;
}

async function auditOnce(
  served: Served,
  trust: TrustAnchor | null,
  options: AuditCase,
  checkers = new SignatureThreads(1),
): Promise<AuditReport> {
  const state = AuditState.open(options.stateFile ?? null);
  try {
    const fetch = options.fetch ?? fetchFrom(served);
    const read = openSource(PREFIX, { fetch, retryDelaysMs: [], timeoutMs: 200 });
    const { now = NOW, depth = "everything" } = options;
    return await audit({ read, trust, state, now, depth, threads: checkers });
  } finally {
    state.close();
  }
}

export const codesOf = ({ findings }: Pick<AuditReport, "findings">) => findings.map(({ code }) => code);
/** Code and index of each finding. */
export const placesOf = ({ findings }: Pick<AuditReport, "findings">) =>
  findings.map(({ code, index }) => `${code}@${index ?? "-"}`);

/** A copy in which one bit of a path's bytes is flipped. */
export function flipBit(served: Served, path: string, byte: number, bit = 0): Served {
  const bytes = Uint8Array.from(served.get(path)!);
  bytes[byte] = bytes[byte]! ^ (1 << bit);
  return new Map(served).set(path, bytes);
}

export const without = (served: Served, path: string): Served => {
  const copy = new Map(served);
  if (!copy.delete(path)) throw new Error(`nothing is served at ${path}`);
  return copy;
};

export interface HonestLog {
  readonly log: SmallLog;
  readonly keys: TestKeys;
  readonly trust: TrustAnchor;
  /** Hex digest of the one attachment, which the kernel patch set at KERNEL names. */
  readonly attachment: string;
}

export const TRUST_ROOT = 0;
export const KERNEL = 1;
export const STATUS = 9;

/** Trust root, a kernel with an attached series, a release set, a policy over it, and a status: ten entries. */
export async function honestLog(): Promise<HonestLog> {
  const log = new SmallLog();
  const keys = await testKeys();
  const root = await signStatement("trust-root", await trustRootPredicate(keys), keys.root.slice(0, 1));
  await log.add(root);
  const attachment = await addKernel(log, keys, {});
  const set = await signReleaseSet(keys);
  for (const envelope of inOrder(set)) await log.add(envelope);
  await log.add(await signStatement("policy", policyPredicate(set), [keys.policy]));
  await log.add(await signStatement("status", statusPredicate(log.inForce), [keys.status]));
  return { log, keys, trust: parseTrustFile(formatTrustFile(root)), attachment };
}

/** What an attachment and the entry that names it may get wrong. */
export interface KernelLie {
  readonly count?: number;
  readonly seriesDigest?: string;
  readonly size?: number;
  readonly bytes?: Uint8Array;
}

/** Adds a kernel whose patches are attached, and the attachment. @returns its digest. */
export async function addKernel(
  log: SmallLog,
  keys: TestKeys,
  lie: KernelLie,
  name = "linux-attached",
): Promise<string> {
  const patches: Patch[] = Array.from({ length: 3 }, (_, i) => ({
    fileName: `${i}.patch`,
    sha256: sha256Of(`patch ${i}`),
    subject: `patch ${i}`,
    authorDate: null,
    patchId: null,
    origin: "local",
    upstreamCommit: null,
    purpose: null,
  }));
  const bytes = lie.bytes ?? utf8(canonicalize(patches));
  const digest = encodeHex(sha256(bytes));
  const predicate = {
    ...kernelPredicate(name),
    patches: {
      count: lie.count ?? patches.length,
      seriesDigest: lie.seriesDigest ?? seriesDigest(patches),
      inline: null,
      attachment: { digest, size: lie.size ?? bytes.length, mediaType: "application/json" as const },
    },
  };
  log.attachments.set(digest, bytes);
  const envelope = await signStatement("kernel-patch-set", predicate, [keys.publisher]);
  if (lie.size === undefined) await log.add(envelope);
  else log.smuggle(envelope);
  return digest;
}
