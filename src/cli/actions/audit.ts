// Replays a whole log as a stranger and shows everything that is wrong with it, and what was not looked at.
import { audit } from "../../auditor/audit.ts";
import type { AuditReport } from "../../auditor/audit-report.ts";
import { AuditState } from "../../auditor/audit-state.ts";
import { checkBundle, checkProof, type Presented, type ReplayedTree } from "../../auditor/check-presented.ts";
import { type AuditDepth, CANNOT_CHECK } from "../../auditor/coverage.ts";
import { formatSplitView } from "../../auditor/split-view.ts";
import { TileReader } from "../../auditor/tile-reader.ts";
import { decodeHex } from "../../protocol/encoding/hex.ts";
import { parseEnvelope } from "../../protocol/envelope/dsse.ts";
import type { Checkpoint } from "../../protocol/note/checkpoint.ts";
import { parseTrustFile, type TrustAnchor } from "../../verifier/bundle/trust-pin.ts";
import { type AuditSource, openAuditSource } from "../audit-source.ts";
import { checkProgress } from "../check-progress.ts";
import { AnswerIsNo, type CliContext, judging, show, UsageError } from "../context.ts";
import { readInput, readJudged, readOwn, writeOutput } from "../files.ts";

interface AuditCommandOptions {
  readonly trust?: string;
  readonly tofu?: boolean;
  readonly state?: string;
  readonly depth: AuditDepth;
  readonly bundle?: string;
  readonly policy?: string;
  readonly proof?: string;
  readonly strict?: boolean;
  readonly json?: boolean;
}

const PROOF_ENDING = /\.tlog-proof$/;

export async function runAudit(
  url: string | undefined,
  options: AuditCommandOptions,
  context: CliContext,
): Promise<void> {
  if (url === undefined)
    throw new UsageError("name the log: its URL, the folder of a mirror, or the file of a backup");
  requireCoherent(options);
  const trust = options.trust === undefined ? null : readOwn(options.trust, parseTrustFile);
  const source = await openAuditSource(url, context);
  try {
    const report = await judging(() => replay(source, trust, options, context));
    const evidence = writeEvidence(report, options.state);
    const shown = { ...report, cannotCheck: CANNOT_CHECK, evidence };
    show(context, options, shown, reportLines(report, source, evidence));
    const isPartial = report.uncovered.length > 0 || source.note !== null;
    if (report.findings.length > 0 || (options.strict === true && isPartial)) throw new AnswerIsNo("");
  } finally {
    await source.close();
  }
}

function requireCoherent({ trust, tofu, depth, bundle, policy, proof }: AuditCommandOptions): void {
  if ((trust === undefined) === (tofu !== true))
    throw new UsageError("give either --trust FILE, or --tofu to trust the log's own entry 0 on first use");
  if ((bundle === undefined) !== (policy === undefined))
    throw new UsageError("--bundle FILE and --policy NAME, which it must be of, belong together");
  if (tofu === true && (bundle !== undefined || proof !== undefined))
    throw new UsageError("a bundle or a proof is judged by a trust root that you pin: give --trust FILE");
  if (proof !== undefined && !PROOF_ENDING.test(proof))
    throw new UsageError(`${proof}: expected the path of a .tlog-proof, with the .dsse.json beside it`);
  if (tofu === true && depth === "tiles")
    throw new UsageError("the log's own entry 0 is among the entries: give --trust FILE with --depth tiles");
}

async function replay(
  { read }: AuditSource,
  trust: TrustAnchor | null,
  options: AuditCommandOptions,
  context: CliContext,
): Promise<AuditReport> {
  const state = AuditState.open(options.state ?? null);
  try {
    const onProgress = context.interactive ? checkProgress("audited", context) : () => undefined;
    const now = context.now();
    const report = await audit({ read, trust, state, now, depth: options.depth, onProgress });
    if (trust === null) return report;
    const tree = { reader: new TileReader(read), trust, now };
    return withPresented(report, await checkFiles(options, treeOf(report), tree));
  } finally {
    state.close();
  }
}

/** The tree that was replayed; null where something is wrong with it. */
function treeOf({ origin, size, root, findings }: AuditReport): Checkpoint | null {
  if (origin === null || size === null || root === null || findings.length > 0) return null;
  return { origin, size, root: decodeHex(root) };
}

/** The files that were named, each held against the tree. */
async function checkFiles(
  { bundle, policy = "", proof }: AuditCommandOptions,
  shown: Checkpoint | null,
  source: Omit<ReplayedTree, "shown">,
): Promise<Presented[]> {
  const presented: Presented[] = [];
  const hold = async (part: "bundle" | "proof", check: (tree: ReplayedTree) => Promise<Presented>) =>
    presented.push(shown === null ? notHeld(part) : await check({ ...source, shown }));
  if (bundle !== undefined) {
    const bytes = readInput(bundle);
    await hold("bundle", (tree) => checkBundle(bytes, policy, tree));
  }
  if (proof !== undefined) {
    const bytes = readInput(proof);
    const envelope = readJudged(proof.replace(PROOF_ENDING, ".dsse.json"), parseEnvelope);
    await hold("proof", (tree) => checkProof(bytes, envelope, tree));
  }
  return presented;
}

function notHeld(part: "bundle" | "proof"): Presented {
  const why = "it was held against nothing, since the log itself is not as it must be";
  return { findings: [], uncovered: [{ part, why }], entries: [] };
}

function withPresented(report: AuditReport, presented: readonly Presented[]): AuditReport {
  return {
    ...report,
    findings: [...report.findings, ...presented.flatMap(({ findings }) => findings)],
    uncovered: [...report.uncovered, ...presented.flatMap(({ uncovered }) => uncovered)],
    presented: presented.flatMap(({ entries }) => entries),
  };
}

/** A split view convicts the log before everybody who has its trust root; a tree that went back is told by both checkpoints. */
function writeEvidence(
  { evidence, splitView, size }: AuditReport,
  stateFile: string | undefined,
): string | null {
  if (evidence === null || stateFile === undefined) return null;
  const [file, text] =
    splitView === null
      ? [`${stateFile}.evidence-${size}.json`, `${JSON.stringify(evidence, null, 2)}\n`]
      : [`${stateFile}.split-view-${size}.json`, formatSplitView(splitView)];
  writeOutput(file, text);
  return file;
}

function reportLines(report: AuditReport, { note }: AuditSource, evidence: string | null): string[] {
  const { origin, size, root, cosigned, findings, omitted, uncovered, presented } = report;
  return [
    ...(report.trust === "first-use"
      ? [`WARNING: trusted on first use: nobody vouches for ${report.pin?.digest ?? "this log"}`]
      : []),
    `log ${origin ?? "unknown"}, size ${size ?? "unknown"}, root ${root ?? "unknown"}`,
    ...cosigned.map(({ name, time }) => `  cosigned by ${name} at ${time}`),
    `${report.entriesChecked} entries (${report.since} known before), ${report.signaturesChecked} signatures, ${report.statusesRecomputed} statuses, ${report.attachmentsChecked} attachments checked`,
    `second opinion on the root (merkletreejs): ${report.secondOpinion}`,
    ...presented.map((entry) => `shown and in this log: ${entry}`),
    ...report.unconfirmed.map(({ why }) => `UNCONFIRMED, counts for no verifier: ${why}`),
    ...(report.successor === null ? [] : [`the log is closed; it goes on at ${report.successor}`]),
    ...uncovered.map(({ part, why }) => `NOT CHECKED ${part}: ${why}`),
    ...(note === null ? [] : [`NOT CHECKED newest-entries: ${note}`]),
    ...CANNOT_CHECK.map((what) => `no audit can check ${what}`),
    ...findings.map(({ code, message }) => `FINDING ${code}: ${message}`),
    ...(omitted === 0 ? [] : [`and ${omitted} more findings`]),
    ...(evidence === null ? [] : [`evidence: ${evidence}`]),
    findings.length === 0 ? "nothing found" : `${findings.length + omitted} findings`,
  ];
}
