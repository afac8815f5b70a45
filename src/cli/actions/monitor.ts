// Runs the rounds of a monitor, and shows, writes and sends what they come to.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { AuditState } from "../../auditor/audit-state.ts";
import { type ExpectedFile, parseExpected } from "../../auditor/monitor/expected-entries.ts";
import { FINDING_CLASSES, type FindingClass } from "../../auditor/monitor/finding.ts";
import {
  acknowledge,
  enterRound,
  findingId,
  type MonitorEvent,
} from "../../auditor/monitor/findings-book.ts";
import { type Round, runRound } from "../../auditor/monitor/monitor.ts";
import { type KeptFinding, MonitorStore } from "../../auditor/monitor/monitor-store.ts";
import { formatMetrics } from "../../auditor/monitor/prometheus.ts";
import { logVantage, type VantagePoint, witnessVantage } from "../../auditor/monitor/vantage-point.ts";
import { deliver, messageOf, parseWebhookSecret, type Webhook } from "../../auditor/monitor/webhook.ts";
import { formatSplitView } from "../../auditor/split-view.ts";
import { readKeyText } from "../../node/signing/key-source.ts";
import { formatTime } from "../../protocol/entry/fields.ts";
import { parseTrustFile, type TrustAnchor } from "../../verifier/bundle/trust-pin.ts";
import { UnreachableError } from "../../verifier/service-errors.ts";
import { AnswerIsNo, type CliContext, show, UsageError } from "../context.ts";
import { readOwn, writeOutput } from "../files.ts";
import { parseSource } from "../options.ts";

interface MonitorCommandOptions {
  readonly trust: string;
  readonly state: string;
  readonly witness?: readonly string[];
  readonly expected?: string;
  readonly policy?: readonly string[];
  readonly patience: number;
  readonly slow: number;
  readonly every?: number;
  readonly alert?: readonly string[];
  readonly webhook?: string;
  readonly webhookSecret?: string;
  readonly prometheus?: string;
  readonly acknowledge?: string;
  readonly json?: boolean;
}

/** An answer that takes longer is none, milliseconds. */
const TIMEOUT_MS = 30_000;

export async function runMonitor(
  urls: readonly string[],
  options: MonitorCommandOptions,
  context: CliContext,
): Promise<void> {
  const trust = readOwn(options.trust, parseTrustFile);
  const settings = {
    options,
    context,
    trust,
    alert: alertClasses(options),
    webhook: webhookOf(options, context),
  };
  const vantagePoints = vantagesOf(urls, options, trust, context);
  mkdirSync(options.state, { recursive: true });
  const store = MonitorStore.open(join(options.state, "monitor.db"), trust.origin);
  try {
    if (options.acknowledge !== undefined) return sayAcknowledged(store, options.acknowledge, settings);
    const state = AuditState.open(join(options.state, "audit.db"));
    try {
      await runRounds(new Watch(settings, vantagePoints, state, store), options.every);
    } finally {
      state.close();
    }
  } finally {
    store.close();
  }
}

interface Settings {
  readonly options: MonitorCommandOptions;
  readonly context: CliContext;
  readonly trust: TrustAnchor;
  readonly alert: readonly FindingClass[];
  readonly webhook: Webhook | null;
}

/** One round and its exit code, or rounds until somebody says that it is enough. */
async function runRounds(watch: Watch, every: number | undefined): Promise<void> {
  if (every === undefined) return watch.judge(await watch.round());
  const stop = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"]) process.once(name, () => stop.abort());
  while (!stop.signal.aborted) {
    await watch.round();
    await pause(every * 1000, stop.signal);
  }
}

class Watch {
  readonly #settings: Settings;
  readonly #vantagePoints: readonly VantagePoint[];
  readonly #state: AuditState;
  readonly #store: MonitorStore;

  constructor(
    settings: Settings,
    vantagePoints: readonly VantagePoint[],
    state: AuditState,
    store: MonitorStore,
  ) {
    this.#settings = settings;
    this.#vantagePoints = vantagePoints;
    this.#state = state;
    this.#store = store;
  }

  /** @returns what is open after it, and the messages that nobody has taken. */
  async round(): Promise<{ readonly open: readonly KeptFinding[]; readonly undelivered: number }> {
    const { options, context, trust, webhook, alert } = this.#settings;
    const round = await runRound({
      trust,
      vantagePoints: this.#vantagePoints,
      // Read again each time: releases are recorded while the monitor runs.
      expected: options.expected === undefined ? null : readExpected(options.expected),
      policies: options.policy ?? null,
      state: this.#state,
      store: this.#store,
      now: context.now(),
      ticks: () => performance.now(),
      slowMs: options.slow * 1000,
      patience: options.patience,
    });
    const queue = (event: MonitorEvent) =>
      webhook !== null && alert.includes(event.finding.class) ? messageOf(event) : null;
    const events = enterRound(this.#store, round, queue);
    const open = this.#store.findings("open");
    this.#writeProofs(open);
    const problems = webhook === null ? [] : await deliver(this.#store, webhook, context.now());
    for (const problem of problems) context.warn(`touchstone: ${problem}; it is sent again later`);
    const undelivered = this.#store.undelivered();
    if (options.prometheus !== undefined)
      writeOutput(options.prometheus, formatMetrics(round, open, undelivered));
    this.#show(round, events, open, undelivered);
    return { open, undelivered };
  }

  /** @throws what makes the exit code: the log's fault before the network's. */
  judge({ open, undelivered }: Awaited<ReturnType<Watch["round"]>>): void {
    const { alert } = this.#settings;
    const told = open.filter((finding) => alert.includes(finding.class));
    if (told.some((finding) => finding.class !== "infrastructure")) throw new AnswerIsNo("");
    if (told.length > 0) throw new UnreachableError(`${told.length} findings of infrastructure`);
    if (undelivered > 0) throw new UnreachableError(`${undelivered} messages that the webhook has not taken`);
  }

  #writeProofs(open: readonly KeptFinding[]): void {
    for (const finding of open) {
      if (finding.proof !== null)
        writeOutput(proofPath(this.#settings.options.state, finding), formatSplitView(finding.proof));
    }
  }

  #show(
    round: Round,
    events: readonly MonitorEvent[],
    open: readonly KeptFinding[],
    undelivered: number,
  ): void {
    const { options, context } = this.#settings;
    const asJson = (finding: KeptFinding) => this.#asJson(finding);
    const changes = events.map(({ type, finding }) => ({ type, ...asJson(finding) }));
    const { size, root, vantagePoints, origin } = round;
    const at = formatTime(round.at);
    show(
      context,
      options,
      { at, origin, size, root, vantagePoints, changes, open: open.map(asJson), undelivered },
      [
        ...events.map(({ type, finding }) => `${at} ${type.toUpperCase()} ${this.#line(finding)}`),
        ...(options.every !== undefined ? [] : open.map((finding) => `OPEN ${this.#line(finding)}`)),
        `${at} ${origin}: size ${size}, ${vantagePoints.filter((point) => point.size !== null).length} of ${vantagePoints.length} vantage points, ${open.length} open findings`,
      ],
    );
  }

  #line(finding: KeptFinding): string {
    const proof =
      finding.proof === null ? "" : ` (proof: ${proofPath(this.#settings.options.state, finding)})`;
    return `${finding.class} ${finding.code} [${findingId(finding)}]: ${finding.message}${proof}`;
  }

  #asJson(finding: KeptFinding) {
    const { class: kind, code, subject, message, since, proof } = finding;
    return {
      id: findingId(finding),
      class: kind,
      code,
      subject,
      message,
      since: formatTime(new Date(since)),
      proof: proof === null ? null : proofPath(this.#settings.options.state, finding),
    };
  }
}

const proofPath = (folder: string, finding: KeptFinding) =>
  join(folder, `split-view-${findingId(finding)}.json`);

function readExpected(file: string): ExpectedFile {
  return readOwn(file, parseExpected);
}

function sayAcknowledged(store: MonitorStore, id: string, { options, context }: Settings): void {
  if (!acknowledge(store, id)) throw new UsageError(`no open finding is called ${id}`);
  show(context, options, { acknowledged: id }, [`acknowledged ${id}`]);
}

function alertClasses({ alert }: MonitorCommandOptions): readonly FindingClass[] {
  if (alert === undefined) return FINDING_CLASSES;
  return alert.map((name) => {
    const known = FINDING_CLASSES.find((each) => each === name);
    if (known === undefined)
      throw new UsageError(`--alert ${name}: the classes are ${FINDING_CLASSES.join(", ")}`);
    return known;
  });
}

function webhookOf({ webhook, webhookSecret }: MonitorCommandOptions, context: CliContext): Webhook | null {
  if (webhook === undefined && webhookSecret === undefined) return null;
  if (webhook === undefined || webhookSecret === undefined)
    throw new UsageError(
      "--webhook and --webhook-secret go together: a message that is not signed could be anybody's",
    );
  const { text } = readKeyText(webhookSecret, context.environment, context.warn);
  return { url: webhook, secret: parseWebhookSecret(text), fetch: context.fetch };
}

function vantagesOf(
  urls: readonly string[],
  { witness = [] }: MonitorCommandOptions,
  { origin }: TrustAnchor,
  { fetch }: CliContext,
): VantagePoint[] {
  const source = { fetch, timeoutMs: TIMEOUT_MS };
  return [
    ...[...new Set(urls.map(parseSource))].map((url) => logVantage(url, source)),
    ...[...new Set(witness)].map((url) => witnessVantage(url, origin, source)),
  ];
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
