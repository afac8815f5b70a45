// A log, the vantage points that show it, and a monitor that watches them: a test says what each vantage point shows, and when it is.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AuditState } from "../../../src/auditor/audit-state.ts";
import type { ExpectedFile } from "../../../src/auditor/monitor/expected-entries.ts";
import { enterRound, type MonitorEvent } from "../../../src/auditor/monitor/findings-book.ts";
import { type Round, runRound } from "../../../src/auditor/monitor/monitor.ts";
import { type KeptFinding, MonitorStore } from "../../../src/auditor/monitor/monitor-store.ts";
import { logVantage, witnessVantage } from "../../../src/auditor/monitor/vantage-point.ts";
import { nativeSha256 } from "../../../src/node/sha256.ts";
import { encodeHex } from "../../../src/protocol/encoding/hex.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { formatTrustFile, parseTrustFile, type TrustAnchor } from "../../../src/verifier/bundle/trust-pin.ts";
import { NOW } from "../../support/clock.ts";
import { FoundedLog } from "../../support/founded-log.ts";
import { platformPredicate } from "../../support/release-predicates.ts";
import { signStatement } from "../../support/signing.ts";
import type { SmallLog } from "../../support/small-log.ts";
import { ORIGIN } from "../../support/witnesses.ts";
import { type Served, serve } from "../served-log.ts";

export const SERVICE = "https://log.example/touchstone";
export const MIRROR = "https://mirror.example/log";
export const WITNESS = "https://witness.example";
const ORIGIN_HASH = encodeHex(nativeSha256(utf8(ORIGIN)));

/** What a vantage point does when it is asked for a path. */
export type Answer = (path: string) => Response | Promise<Response>;

export const failing =
  (status: number): Answer =>
  () =>
    new Response("upstream is away", { status });
export const unreachable: Answer = () => {
  throw new TypeError("fetch failed", { cause: new Error("getaddrinfo ENOTFOUND log.example") });
};
export const page: Answer = () =>
  new Response("<html>Welcome to our network</html>", { headers: { "content-type": "text/html" } });

export function serving(served: Served): Answer {
  return (path) => {
    const bytes = served.get(path);
    return bytes === undefined ? new Response(null, { status: 404 }) : new Response(Uint8Array.from(bytes));
  };
}

export const showing =
  (note: string): Answer =>
  (path) =>
    path === `${ORIGIN_HASH}/checkpoint` ? new Response(note) : new Response(null, { status: 404 });

export interface WorldOptions {
  readonly expected?: ExpectedFile | null;
  readonly policies?: readonly string[] | null;
  readonly patience?: number;
  readonly slowMs?: number;
}

export class WatchedWorld {
  readonly log: FoundedLog;
  readonly trust: TrustAnchor;
  readonly folder: string;
  /** What each URL's vantage point does; it is a service or a mirror unless it is WITNESS. */
  readonly answers = new Map<string, Answer>();
  now = NOW;
  ticks = 0;
  expected: ExpectedFile | null;
  /** Everything that was ever told. */
  readonly events: MonitorEvent[] = [];
  readonly #options: WorldOptions;
  #state: AuditState;
  #store: MonitorStore;

  private constructor(log: FoundedLog, folder: string, options: WorldOptions) {
    this.log = log;
    this.folder = folder;
    this.#options = options;
    this.expected = options.expected ?? null;
    this.trust = parseTrustFile(formatTrustFile(log.envelopes[0]!));
    this.#state = AuditState.open(join(folder, "audit.db"));
    this.#store = MonitorStore.open(join(folder, "monitor.db"), ORIGIN);
  }

  /** A log with a release, a policy over it and a status; its service shows it. */
  static async make(options: WorldOptions = {}): Promise<WatchedWorld> {
    const log = await FoundedLog.found();
    await log.publishPolicy(await log.publishRelease());
    await log.publishStatus();
    const world = new WatchedWorld(log, mkdtempSync(join(tmpdir(), "touchstone-monitor-")), options);
    await world.show(SERVICE);
    return world;
  }

  get store(): MonitorStore {
    return this.#store;
  }

  get state(): AuditState {
    return this.#state;
  }

  /** From now on a vantage point shows this log, or the first entries of it. */
  async show(url: string, log: SmallLog = this.log, size = log.envelopes.length): Promise<void> {
    this.answers.set(
      url,
      url === WITNESS
        ? showing(await log.checkpoint(size, this.now))
        : serving(await serve(log, size, this.now)),
    );
  }

  /** From now on a vantage point shows what another one shows now. */
  showSame(url: string, as: string): void {
    const answer = this.answers.get(as)!;
    const note = (path: string) =>
      path === `${ORIGIN_HASH}/checkpoint` ? answer("checkpoint") : failing(404)(path);
    this.answers.set(url, url === WITNESS ? note : answer);
  }

  readonly fetch: typeof fetch = async (input) => {
    const url = String(input);
    for (const [prefix, answer] of this.answers)
      if (url.startsWith(`${prefix}/`)) return answer(url.slice(prefix.length + 1));
    return unreachable(url);
  };

  later(seconds: number): void {
    this.now = new Date(this.now.getTime() + seconds * 1000);
  }

  async round(): Promise<{ round: Round; events: MonitorEvent[] }> {
    const source = { fetch: this.fetch, retryDelaysMs: [], timeoutMs: 2000 };
    const round = await runRound({
      trust: this.trust,
      vantagePoints: [...this.answers.keys()].map((url) =>
        url === WITNESS ? witnessVantage(url, ORIGIN, source) : logVantage(url, source),
      ),
      expected: this.expected,
      policies: this.#options.policies ?? null,
      state: this.#state,
      store: this.#store,
      now: this.now,
      ticks: () => this.ticks,
      slowMs: this.#options.slowMs ?? 10_000,
      patience: this.#options.patience ?? 600,
    });
    const events = enterRound(this.#store, round, () => null);
    this.events.push(...events);
    return { round, events };
  }

  /** "class code" of each finding of one round, whether or not it is told already. */
  async found(): Promise<string[]> {
    const { round } = await this.round();
    return round.findings.map(({ class: kind, code }) => `${kind} ${code}`);
  }

  open(): KeptFinding[] {
    return this.#store.findings("open");
  }

  /** "class code subject" of what is open. */
  openNames(): string[] {
    return this.open().map(({ class: kind, code, subject }) => `${kind} ${code} ${subject}`);
  }

  /** The monitor ends and starts again on what it had written. */
  restart(): void {
    this.#state.close();
    this.#store.close();
    this.#state = AuditState.open(join(this.folder, "audit.db"));
    this.#store = MonitorStore.open(join(this.folder, "monitor.db"), ORIGIN);
  }

  remove(): void {
    this.#state.close();
    this.#store.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A log of the same keys that goes another way after `size` entries. */
export async function forkOf(log: FoundedLog, size: number, name: string): Promise<FoundedLog> {
  const fork = await FoundedLog.found();
  for (const envelope of log.envelopes.slice(1, size)) await fork.add(envelope);
  await fork.add(await signStatement("platform", platformPredicate(name), [fork.keys.publisher]));
  return fork;
}
