// A service over a log in a folder of its own, called without a port.
import { type Logger, pino } from "pino";
import type { LogLimits } from "../../src/log/config.ts";
import type { Log } from "../../src/log/log.ts";
import { NO_OBSERVER } from "../../src/log/observer.ts";
import { type Envelope, envelopeToJson } from "../../src/protocol/envelope/dsse.ts";
import { createApp } from "../../src/service/app.ts";
import {
  createService,
  DEFAULT_SERVICE_LIMITS,
  type ServiceOptions,
} from "../../src/service/create-service.ts";
import { createMetrics } from "../../src/service/metrics/metrics.ts";
import type { Api } from "../../src/service/openapi.ts";
import type { Problem } from "../../src/service/problem.ts";
import type { Service, ServiceLimits } from "../../src/service/service.ts";
import { policyPredicate } from "./document-predicates.ts";
import { type HarnessOptions, LogHarness } from "./log-harness.ts";
import { inOrder, type ReleaseSet, signReleaseSet } from "./release-set.ts";
import { signStatement } from "./signing.ts";
import { ORIGIN } from "./witnesses.ts";

export interface ServiceHarnessOptions extends HarnessOptions {
  readonly limits?: Partial<ServiceLimits>;
  readonly logLimits?: Partial<LogLimits>;
  readonly logger?: Logger;
  readonly service?: Partial<Pick<ServiceOptions, "operator" | "ownWitnesses" | "receiptSigner">>;
  readonly version?: string;
  readonly url?: string;
}

export class ServiceHarness {
  readonly logHarness: LogHarness;
  readonly log: Log;
  readonly service: Service;
  readonly app: Api;

  private constructor(logHarness: LogHarness, log: Log, service: Service) {
    this.logHarness = logHarness;
    this.log = log;
    this.service = service;
    this.app = createApp(service);
  }

  static async start(options: ServiceHarnessOptions = {}): Promise<ServiceHarness> {
    const metrics = createMetrics(false);
    const observer = { ...NO_OBSERVER, measure: metrics.measure };
    const harness = await LogHarness.make({
      withStatus: true,
      ...options,
      config: { observer, limits: { publishWaitMs: 500, ...options.logLimits }, ...options.config },
    });
    const log = await harness.create();
    const service = createService({
      log,
      metrics,
      logger: options.logger ?? pino({ level: "silent" }),
      clock: () => harness.clock.now,
      origin: ORIGIN,
      url: options.url ?? "https://log.example",
      version: options.version ?? "0.0.0-test",
      limits: { ...DEFAULT_SERVICE_LIMITS, ...options.limits },
      ...options.service,
    });
    return new ServiceHarness(harness, log, service);
  }

  get keys() {
    return this.logHarness.keys;
  }

  async stop(): Promise<void> {
    await this.log.close();
    this.logHarness.remove();
  }

  async get(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return this.app.request(path, { headers });
  }

  async json<T = Record<string, unknown>>(path: string): Promise<T> {
    const response = await this.get(path);
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as T;
  }

  /** Sends any text as an entry. */
  async post(body: string | Uint8Array, headers: Record<string, string> = {}): Promise<Response> {
    return this.app.request("/v1/entries", {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: body as BodyInit,
    });
  }

  async publish(envelope: Envelope, headers: Record<string, string> = {}): Promise<Response> {
    return this.post(JSON.stringify(envelopeToJson(envelope)), headers);
  }

  async publishBatch(lines: ReadonlyArray<Envelope | object | string>): Promise<Response> {
    const text = lines.map((line) =>
      typeof line === "string" ? line : JSON.stringify("leaf" in line ? envelopeToJson(line) : line),
    );
    return this.app.request("/v1/entries/batch", {
      method: "POST",
      headers: { "content-type": "application/x-ndjson" },
      body: `${text.join("\n")}\n`,
    });
  }

  /** Publishes one release set and the policy "production" over it. */
  async publishPolicy(): Promise<{ set: ReleaseSet; policy: Envelope }> {
    const set = await signReleaseSet(this.keys);
    const policy = await signStatement("policy", policyPredicate(set), [this.keys.policy]);
    await this.log.publish([...inOrder(set), policy]);
    return { set, policy };
  }
}

/** Status, code and body of an answer that should be a problem. */
export async function problemOf(response: Response): Promise<Problem> {
  const type = response.headers.get("content-type");
  if (type !== "application/problem+json") {
    throw new Error(`expected a problem, got ${response.status} ${type}: ${await response.text()}`);
  }
  return (await response.json()) as Problem;
}

/** "422 reference-missing", for tables of refusals. */
export async function refusalOf(response: Response): Promise<string> {
  const { status, code } = await problemOf(response);
  return status === response.status ? `${status} ${code}` : `status line ${response.status}, body ${status}`;
}
