// Replays what is new in a log from one vantage point, under the checkpoint that it showed, and puts what the audit finds into classes.
import type { ReadPath } from "../../log/maintenance/recover.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { utf8 } from "../../protocol/encoding/text.ts";
import type { TrustAnchor } from "../../verifier/bundle/trust-pin.ts";
import { audit } from "../audit.ts";
import type { AuditFinding, FindingCode } from "../audit-finding.ts";
import type { AuditReport } from "../audit-report.ts";
import type { AuditState, SeenCheckpoint } from "../audit-state.ts";
import { compareTrees, proveSplitView, readShown, type ShownCheckpoint } from "../shown-checkpoint.ts";
import type { SplitView } from "../split-view.ts";
import { TileReader } from "../tile-reader.ts";
import { type Finding, outageOf } from "./finding.ts";
import type { MonitorStore } from "./monitor-store.ts";
import { splitViewFinding } from "./split-view-finding.ts";
import { failureOf, type VantagePoint } from "./vantage-point.ts";

/** Of what a vantage point serves, that which contradicts the signed tree; everything else is missing or no answer at all. */
const CONTRADICTING: readonly FindingCode[] = [
  "entry-differs",
  "root-differs",
  "second-opinion-differs",
  "tile-differs",
];

/** What a vantage point does not have, or garbles. */
const UNUSABLE: readonly FindingCode[] = [
  "answer-too-long",
  "attachment-differs",
  "attachment-missing",
  "bundle-malformed",
  "bundle-missing",
  "tile-malformed",
  "tile-missing",
];

/** What the monitor judges itself, over all vantage points. */
const JUDGED_ELSEWHERE: readonly FindingCode[] = [
  "checkpoint-forked",
  "checkpoint-malformed",
  "checkpoint-origin",
  "checkpoint-quorum",
  "checkpoint-rolled-back",
  "checkpoint-signature",
  "checkpoint-stale",
  "status-ahead-of-clock",
  "status-expired",
  "trust-root-expired",
];

export interface Replayed {
  /** Whether the whole tree was replayed, and continues what was replayed before. */
  readonly complete: boolean;
  readonly findings: readonly Finding[];
}

export interface ReplayOptions {
  readonly trust: TrustAnchor;
  readonly state: AuditState;
  readonly store: MonitorStore;
  readonly now: Date;
}

/** Never throws for what the vantage point does. */
export async function replayFrom(
  vantage: VantagePoint,
  shown: ShownCheckpoint,
  options: ReplayOptions,
): Promise<Replayed> {
  const failure = (code: string, message: string) => outageOf(vantage.name, code, message);
  try {
    const followed = options.store.followed();
    if (followed !== null && isSameTree(followed, shown)) return { complete: true, findings: [] };
    const doubt = await whyNot(vantage, shown, options);
    if (doubt === "unproven")
      return {
        complete: false,
        findings: [failure("unproven", "its tiles do not prove that the tree continues")],
      };
    if (doubt !== null) return { complete: false, findings: [splitViewFinding(vantage.name, doubt)] };
    return await replayAll(vantage, shown, options);
  } catch (error) {
    return { complete: false, findings: [failureOf(error, failure)] };
  }
}

async function replayAll(
  vantage: VantagePoint,
  shown: ShownCheckpoint,
  options: ReplayOptions,
): Promise<Replayed> {
  const first = await auditFrom(vantage, shown, options);
  // What was cut or mixed up on the way is not so a second time.
  const report = first.findings.some(isContradiction) ? await auditFrom(vantage, shown, options) : first;
  const complete = options.state.memory.completed === shown.size && report.splitView === null;
  if (complete) options.store.follow({ size: shown.size, root: encodeHex(shown.root), note: shown.note });
  return { complete, findings: classify(report, vantage) };
}

/** @param tree its root is in hex. */
export function isSameTree(tree: Pick<SeenCheckpoint, "size" | "root">, shown: ShownCheckpoint): boolean {
  return tree.size === shown.size && tree.root === encodeHex(shown.root);
}

/**
 * What speaks against replaying this tree: that it contradicts the one that was followed, or that its tiles do not prove it. An audit would
 * begin anew with a tree that proves nothing, and forget what it knows.
 */
async function whyNot(
  vantage: VantagePoint,
  shown: ShownCheckpoint,
  { store, state }: ReplayOptions,
): Promise<SplitView | "unproven" | null> {
  const reader = readerOf(vantage, shown);
  const followed = store.followed();
  const { head, seen } = state.memory;
  for (const before of [followed, head, seen]) {
    if (before !== null && (await compareTrees(reader, before, shown)) === "unproven") return "unproven";
  }
  return followed && proveSplitView(reader, readShown(followed.note), shown);
}

/** Reads the tiles of a vantage point under one checkpoint, whatever it shows by now. */
export function readerOf(vantage: VantagePoint, shown: ShownCheckpoint): TileReader {
  return new TileReader(readUnder(vantage, shown));
}

function readUnder(vantage: VantagePoint, { note }: ShownCheckpoint): ReadPath {
  return async (path) => (path === "checkpoint" ? utf8(note) : vantage.read(path));
}

function auditFrom(
  vantage: VantagePoint,
  shown: ShownCheckpoint,
  { trust, state, now }: ReplayOptions,
): Promise<AuditReport> {
  return audit({ read: readUnder(vantage, shown), trust, state, now });
}

const isContradiction = ({ code }: AuditFinding) => CONTRADICTING.includes(code);

function classify({ findings, splitView }: AuditReport, vantage: VantagePoint): Finding[] {
  const contradictions = findings.filter(isContradiction);
  const told = findings.filter(
    ({ code }) => !JUDGED_ELSEWHERE.includes(code) && !CONTRADICTING.includes(code),
  );
  return [
    ...(contradictions[0] === undefined
      ? []
      : [inconsistent(contradictions[0], contradictions.length, vantage)]),
    ...told.map((finding) => asFinding(finding, vantage)),
    ...(splitView === null ? [] : [splitViewFinding(vantage.name, splitView)]),
  ];
}

/** Whatever is wrong in a tree, everything above it is wrong, too: it is told once. */
function inconsistent(first: AuditFinding, count: number, { name }: VantagePoint): Finding {
  const more = count > 1 ? `, and ${count - 1} more` : "";
  return {
    class: "tamper",
    code: "inconsistent-tree",
    subject: name,
    instance: first.message,
    message: `${name}: what it serves contradicts the tree that the log signed: ${first.message}${more}`,
  };
}

function asFinding({ code, index, message }: AuditFinding, { name }: VantagePoint): Finding {
  if (UNUSABLE.includes(code))
    return { class: "infrastructure", code, subject: name, message: `${name}: ${message}` };
  return { class: "tamper", code, subject: index === null ? "the log" : `entry ${index}`, message };
}
