// Watches a log in rounds: asks every vantage point, replays what is new from the one that is furthest, holds every checkpoint that the log
// signed against that tree, and says what it found. Nothing that a vantage point does, or fails to do, keeps a round from its end.
import { encodeHex } from "../../protocol/encoding/hex.ts";
import type { TrustRoot } from "../../protocol/entry/trust-root.ts";
import { parseTlogPolicy } from "../../protocol/note/tlog-policy.ts";
import { currentTrustRoot, type InForce } from "../../protocol/registration/in-force.ts";
import type { TrustAnchor } from "../../verifier/bundle/trust-pin.ts";
import type { AuditState } from "../audit-state.ts";
import { compareTrees, proveSplitView, readShown, type ShownCheckpoint } from "../shown-checkpoint.ts";
import type { TileReader } from "../tile-reader.ts";
import { type Cosigning, hasQuorum, judgeCosigning } from "./cosigning.ts";
import type { ExpectedFile } from "./expected-entries.ts";
import { checkpointExpiry, documentExpiry } from "./expiry.ts";
import type { Finding, FindingClass } from "./finding.ts";
import type { MonitorStore } from "./monitor-store.ts";
import { isSameTree, type Replayed, readerOf, replayFrom } from "./replay.ts";
import { splitViewFinding } from "./split-view-finding.ts";
import { findStrangers } from "./strangers.ts";
import { askVantage, type Sighting, type VantagePoint } from "./vantage-point.ts";

/** A mirror or a witness may be so far behind before it is told of, seconds: a witness shows a checkpoint up to an hour late. */
const BEHIND = 3900;

export interface MonitorOptions {
  readonly trust: TrustAnchor;
  /** The order decides whose tiles are read where several are as far. */
  readonly vantagePoints: readonly VantagePoint[];
  /** What the owner of names in the log expects there; null watches for no strangers. */
  readonly expected: ExpectedFile | null;
  /** Names of the policies whose expiry is told; null for all. */
  readonly policies: readonly string[] | null;
  readonly state: AuditState;
  readonly store: MonitorStore;
  readonly now: Date;
  /** Milliseconds of a clock that never jumps. */
  readonly ticks: () => number;
  readonly slowMs: number;
  /** Seconds for which an outage is nobody's business. */
  readonly patience: number;
}

export interface Round {
  readonly at: Date;
  readonly origin: string;
  /** Of the tree that was replayed so far, hex; size 0 before anything was. */
  readonly size: number;
  readonly root: string;
  readonly vantagePoints: ReadonlyArray<{
    readonly name: string;
    /** Of the checkpoint that it shows; null where it shows none that the log signed. */
    readonly size: number | null;
    readonly tookMs: number;
  }>;
  readonly findings: readonly Finding[];
  /** Classes about which this round could say something: what is not found in them any more is over. */
  readonly assessed: readonly FindingClass[];
}

/** @throws FileError for the monitor's own files; never for what a vantage point answers. */
export async function runRound(options: MonitorOptions): Promise<Round> {
  const { state, store, now, trust } = options;
  const sightings = await askEverybody(options);
  const shown = sightings.flatMap(({ vantage, shown }) => (shown === null ? [] : [{ vantage, shown }]));
  keepNotes(store, shown);
  const replayed = await replayFurthest(shown, options);
  const findings = [...sightings.flatMap((sighting) => sighting.findings), ...replayed.findings];
  const inForce = state.loadInForce(state.memory.head.size);
  const root = currentTrustRoot(inForce)?.root ?? trust.root;
  if (replayed.tree !== null) findings.push(...(await holdAgainst(replayed.tree, store)));
  const forked = findings.filter(({ code }) => code === "split-view").map(({ subject }) => subject);
  const unforked = shown.filter(({ vantage }) => !forked.includes(vantage.name));
  findings.push(...(await compareWithBefore(unforked, root, store)), ...behind(unforked));
  if (replayed.tree !== null && root.successor === null)
    findings.push(...(await assessNewest(replayed.tree.shown, shown, root, inForce, options)));
  if (options.expected !== null) findings.push(...findStrangers(store, state, options.expected));
  const { size, root: rootHex } = state.memory.head;
  return {
    at: now,
    origin: trust.origin,
    size,
    root: rootHex,
    vantagePoints: sightings.map(({ vantage, shown: seen, tookMs }) => ({
      name: vantage.name,
      size: seen?.size ?? null,
      tookMs,
    })),
    findings: findings.map((finding) => withPatience(finding, options.patience)),
    assessed: [
      "tamper",
      "stranger",
      "infrastructure",
      ...(replayed.tree === null ? [] : (["freshness", "witness"] as const)),
    ],
  };
}

interface Shown {
  readonly vantage: VantagePoint;
  readonly shown: ShownCheckpoint;
}

/** A tree that was replayed to its end, and where its tiles are. */
interface Tree {
  readonly shown: ShownCheckpoint;
  readonly reader: TileReader;
}

function askEverybody(options: MonitorOptions): Promise<Sighting[]> {
  const { trust, state, store, vantagePoints, slowMs, ticks } = options;
  const { trustRoots } = state.loadInForce(state.memory.head.size);
  const roots: TrustRoot[] = [trust.root, ...trustRoots.map(({ root }) => root)];
  const seenBy = (vantage: string) => store.seenBy(vantage)?.size;
  const ask = { origin: trust.origin, roots, seenBy, slowMs, ticks };
  return Promise.all(vantagePoints.map((vantage) => askVantage(vantage, ask)));
}

/** What the log signed is kept before anything is made of it: it may not be shown again. */
function keepNotes(store: MonitorStore, shown: readonly Shown[]): void {
  const followed = store.followed();
  const unknown = shown.filter(
    ({ shown: tree }) => tree.size > 0 && !(followed && isSameTree(followed, tree)),
  );
  if (unknown.length === 0) return;
  store.atOnce(() => {
    for (const {
      vantage,
      shown: { size, root, note },
    } of unknown)
      store.wait({ size, root: encodeHex(root), vantage: vantage.name, note });
  });
}

/** From the vantage point with the largest tree; where that one fails, from the next. What is behind the replayed tree adds nothing. */
async function replayFurthest(
  shown: readonly Shown[],
  options: MonitorOptions,
): Promise<{ readonly tree: Tree | null; readonly findings: readonly Finding[] }> {
  const { state } = options;
  const sources = shown.filter(({ vantage }) => vantage.hasTiles).sort((a, b) => b.shown.size - a.shown.size);
  const findings: Finding[] = [];
  for (const { vantage, shown: checkpoint } of sources) {
    if (checkpoint.size < state.memory.head.size) break;
    const result: Replayed = await replayFrom(vantage, checkpoint, options);
    findings.push(...result.findings);
    if (result.complete)
      return { tree: { shown: checkpoint, reader: readerOf(vantage, checkpoint) }, findings };
  }
  return { tree: null, findings };
}

/** Every checkpoint that the log signed must be a beginning of its tree. One that is not is a proof against it, for good. */
async function holdAgainst({ shown, reader }: Tree, store: MonitorStore): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { note, vantage, size, root } of store.waitingUpTo(shown.size)) {
    const continues = isSameTree({ size, root }, shown);
    const proof = continues ? null : await proveSplitView(reader, readShown(note), shown);
    if (proof !== null) findings.push(splitViewFinding(vantage, proof));
    // Where the tiles prove nothing now, it waits for those that do.
    if (continues || proof !== null || (await isBeginning(reader, { size, root }, shown)))
      store.waitNoLonger({ size, root });
  }
  return findings;
}

async function isBeginning(
  reader: TileReader,
  before: { readonly size: number; readonly root: string },
  shown: ShownCheckpoint,
): Promise<boolean> {
  return (await compareTrees(reader, before, shown)) === "continues";
}

/** A vantage point that shows less than it has shown with a quorum went back. Another one that never was so far is only behind. */
async function compareWithBefore(
  shown: readonly Shown[],
  root: TrustRoot,
  store: MonitorStore,
): Promise<Finding[]> {
  const policy = parseTlogPolicy(root.logPolicy);
  const findings: Finding[] = [];
  for (const {
    vantage,
    shown: { size, root: hash, note },
  } of shown) {
    const seen = store.seenBy(vantage.name);
    if (seen !== null && size < seen.size)
      findings.push({
        class: "tamper",
        code: "rolled-back",
        subject: vantage.name,
        instance: `from ${seen.size}`,
        message: `${vantage.name}: it showed size ${seen.size} with a quorum, and shows size ${size} now`,
      });
    else if (seen?.size !== size && (await hasQuorum(note, policy)))
      store.see(vantage.name, { size, root: encodeHex(hash), note });
  }
  return findings;
}

function behind(shown: readonly Shown[]): Finding[] {
  const most = Math.max(0, ...shown.map(({ shown: { size } }) => size));
  return shown
    .filter(({ shown: { size } }) => size < most)
    .map(({ vantage, shown: { size } }) => ({
      class: "infrastructure",
      code: "behind",
      subject: vantage.name,
      message: `${vantage.name}: it shows size ${size}, and others ${most}`,
      patience: BEHIND,
    }));
}

/** What expires, and who has cosigned the newest tree. */
async function assessNewest(
  newest: ShownCheckpoint,
  all: readonly Shown[],
  root: TrustRoot,
  inForce: InForce,
  { state, now, policies }: MonitorOptions,
): Promise<Finding[]> {
  const tree = { size: newest.size, root: encodeHex(newest.root) };
  const ofTree = all.filter(({ shown }) => isSameTree(tree, shown));
  const cosigning: Cosigning = await judgeCosigning(
    ofTree.map(({ shown }) => shown.note),
    root,
    now,
  );
  return [
    ...cosigning.findings,
    ...(cosigning.quorumTime === null ? [] : checkpointExpiry(cosigning.quorumTime, root, now)),
    ...documentExpiry(state, inForce, root, { now, policies }),
  ];
}

/** What may pass by itself is told when it has lasted. */
function withPatience(finding: Finding, patience: number): Finding {
  const passing = finding.class === "infrastructure" || finding.class === "witness";
  return passing && finding.patience === undefined ? { ...finding, patience } : finding;
}
