// Starts one of several logs of a process, and tries again for as long as it cannot be started: the others do not wait for it.
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { createForwardedApp } from "../service/cluster/forwarded-app.ts";
import type { Config } from "../service/config.ts";
import { createMetrics } from "../service/metrics/metrics.ts";
import { placeOf } from "../service/several/log-router.ts";
import type { OneOfSeveral } from "../service/several/several-app.ts";
import type { Serving, ServingParts } from "./open-served.ts";

/** Milliseconds between attempts: what is wrong takes somebody to repair. */
const RETRY_MS = 5_000;

/** Opens the log; what it throws has left nothing open. */
export type OpenLog = (parts: Pick<ServingParts, "logger" | "metrics" | "prefix">) => Promise<Serving>;

export class StartedLog implements OneOfSeveral {
  readonly origin: string;
  readonly url: string;
  readonly #secret: string | null;
  readonly #logger: Logger;
  readonly #open: OpenLog;
  readonly #closing = new AbortController();
  #serving: Serving | null = null;
  #served: OneOfSeveral["served"] = null;
  /** Ends when the log is served, or need not be any more. */
  #starting: Promise<void> = Promise.resolve();
  /** Why the last attempt failed. */
  #refusal: string | null = null;

  /** @param secret what the processes of a cluster know of each other. */
  constructor({ origin, url }: Config, secret: string | null, logger: Logger, open: OpenLog) {
    this.origin = origin;
    this.url = url;
    this.#secret = secret;
    this.#logger = logger.child({ origin });
    this.#open = open;
  }

  get served(): OneOfSeveral["served"] {
    return this.#served;
  }

  /** Makes the first attempt, after which it goes on by itself. @throws what that attempt failed with. */
  start(): Promise<void> {
    const first = this.#tryToStart();
    this.#starting = first.catch(() => this.#tryAgain());
    return first;
  }

  async resign(): Promise<void> {
    await this.#serving?.resign();
  }

  /** Requests are answered by the log until its node says that it is shutting down. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#starting;
    await this.#serving?.close();
  }

  async #tryAgain(): Promise<void> {
    const { signal } = this.#closing;
    while (this.#serving === null) {
      await sleep(RETRY_MS, null, { signal }).catch(() => null);
      if (signal.aborted) return;
      await this.#tryToStart().catch(() => null);
    }
  }

  async #tryToStart(): Promise<void> {
    const metrics = createMetrics(false);
    metrics.registry.setDefaultLabels({ origin: this.origin });
    try {
      const { prefix } = placeOf(this.url);
      this.#serving = await this.#open({ logger: this.#logger, metrics, prefix });
    } catch (error) {
      this.#tellWhy(error as Error);
      throw error;
    }
    const { service, app } = this.#serving;
    const forwarded = this.#secret === null ? null : createForwardedApp(service, this.#secret);
    this.#served = { service, app, forwarded };
    if (this.#refusal !== null) this.#logger.info("the log is started");
  }

  /** Once, until it is something else. */
  #tellWhy(error: Error): void {
    if (error.message !== this.#refusal)
      this.#logger.error({ err: error }, "the log cannot be started, and is tried again");
    this.#refusal = error.message;
  }
}
