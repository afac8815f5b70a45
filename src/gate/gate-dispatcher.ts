// Dispatches requests to one origin over connections whose keys have a verdict that counts, and over no others. undici keeps the pool; each
// new connection goes through the gate first. No request ever waits behind another one, where its verdict could end meanwhile.
import type { Socket } from "node:net";
import { Agent, Dispatcher } from "undici";
import { GateError } from "../sealed/gate-error.ts";
import type { PolicyWatch } from "../sealed/policy-watch.ts";
import { asGateError, askEvidence, requireSilence } from "./evidence-exchange.ts";
import { type ConnectionOptions, openConnection } from "./open-connection.ts";
import { counts, type KeptVerdict, type VerdictKeeper } from "./verdict-keeper.ts";

export interface GateDispatcherOptions {
  readonly connection: ConnectionOptions;
  readonly policy: PolicyWatch;
  readonly verdicts: VerdictKeeper;
  readonly now: () => Date;
}

const SHORTEST_WAIT_MS = 100;

/** Connections that are used as long as all their verdicts count. */
interface Pool {
  readonly agent: Agent;
  from: number;
  until: number;
}

export class GateDispatcher extends Dispatcher {
  readonly #options: GateDispatcherOptions;
  readonly #sockets = new Set<Socket>();
  #pool: Pool;
  #watching: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(options: GateDispatcherOptions) {
    super();
    this.#options = options;
    this.#pool = this.#newPool();
  }

  /** Open connections, with a verdict or not. */
  get connections(): number {
    return this.#sockets.size;
  }

  override dispatch(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const refusal = this.#refusalOf(request);
    if (refusal !== null) return refuse(request, handler, refusal);
    if (this.#options.policy.fresh !== null) return this.#send(request, handler);
    this.#options.policy.current().then(
      () => this.#send(request, handler),
      (error: unknown) => refuse(request, handler, asGateError(error)),
    );
    return true;
  }

  /** Gives up the open connections at this time, milliseconds since the epoch, if not before. */
  limit(until: number): void {
    this.#pool.until = Math.min(this.#pool.until, until);
  }

  /** Cuts everything, replies under way included. */
  cut(error: Error): void {
    const { agent } = this.#pool;
    this.#pool = this.#newPool();
    agent.destroy(error).catch(() => undefined);
    // What undici has given away by then, as an upgraded connection.
    for (const socket of this.#sockets) socket.destroy(error);
  }

  /** Nothing new is sent; replies under way end by themselves. */
  override close(): Promise<void>;
  override close(callback: () => void): void;
  override close(callback?: () => void): Promise<void> | void {
    this.#closed = true;
    const closed = this.#pool.agent.close();
    if (callback === undefined) return closed;
    closed.then(callback, callback);
  }

  override destroy(error?: Error | null): Promise<void>;
  override destroy(error: Error | null, callback: () => void): void;
  override destroy(callback: () => void): void;
  override destroy(...given: ReadonlyArray<Error | null | undefined | (() => void)>): Promise<void> | void {
    const error = given.find((value) => value instanceof Error);
    const callback = given.find((value) => typeof value === "function");
    this.#closed = true;
    this.cut(error ?? new GateError("closed", "the gate was closed"));
    const destroyed = this.#pool.agent.destroy();
    if (callback === undefined) return destroyed;
    destroyed.then(callback, callback);
  }

  #refusalOf({ origin }: Dispatcher.DispatchOptions): GateError | null {
    const { to } = this.#options.connection;
    if (this.#closed) return new GateError("closed", "the gate was closed");
    const asked = String(origin);
    if (URL.canParse(asked) && new URL(asked).origin === to.origin) return null;
    if (asked.startsWith("http:")) return new GateError("plaintext", `${asked} is not encrypted`);
    return new GateError("origin", `this gate leads to ${to.origin}, not to ${asked}`);
  }

  /** Looks at the time once more: a connection that was good when it was opened may lie here since. */
  #send(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    if (!counts(this.#pool, this.#options.now().getTime())) {
      const { agent } = this.#pool;
      this.#pool = this.#newPool();
      agent.close().catch(() => undefined);
    }
    return this.#pool.agent.dispatch({ ...request, origin: this.#options.connection.to.origin }, handler);
  }

  #newPool(): Pool {
    const pool: Pool = {
      from: Number.NEGATIVE_INFINITY,
      until: Number.POSITIVE_INFINITY,
      agent: new Agent({
        pipelining: 1,
        allowH2: false,
        connect: (_, callback) => {
          this.#open().then(
            ({ socket, verdict }) => {
              pool.from = Math.max(pool.from, verdict.from);
              pool.until = Math.min(pool.until, verdict.until);
              callback(null, socket);
            },
            (error: unknown) => callback(asGateError(error), null),
          );
        },
      }),
    };
    return pool;
  }

  /** Connects, appraises and hangs up. */
  async appraise(): Promise<KeptVerdict> {
    if (this.#closed) throw new GateError("closed", "the gate was closed");
    await this.#options.policy.current();
    const { socket, verdict } = await this.#open();
    socket.destroy();
    return verdict;
  }

  /** A connection over which nothing but the question for evidence was sent, and whose key has a verdict that counts. */
  async #open(): Promise<{ socket: Socket; verdict: KeptVerdict }> {
    const { connection, verdicts } = this.#options;
    const { socket, spki } = await openConnection(connection);
    this.#watch(socket);
    try {
      const { timeout, to } = connection;
      const verdict = await verdicts.verdictFor(spki, (nonce) =>
        askEvidence(socket, { host: to.host, nonce, timeout }),
      );
      requireSilence(socket);
      if (this.#closed) throw new GateError("closed", "the gate was closed");
      return { socket, verdict };
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  /** While a connection is open, the log is asked again and again: a revocation cuts replies that are under way. */
  #watch(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    if (this.#sockets.size === 1) this.#askLater();
  }

  #askLater(): void {
    const { policy } = this.#options;
    const ask = () => policy.current().catch(() => undefined);
    clearTimeout(this.#watching);
    this.#watching = setTimeout(
      () => {
        if (this.#sockets.size > 0) ask().finally(() => this.#askLater());
      },
      Math.max(policy.dueIn, SHORTEST_WAIT_MS),
    );
    this.#watching.unref();
  }
}

/** Answers as a connection that cannot be opened: the one way in which undici tells every kind of handler of an error. */
function refuse(
  request: Dispatcher.DispatchOptions,
  handler: Dispatcher.DispatchHandler,
  error: GateError,
): boolean {
  const nowhere = new Agent({ connect: (_, callback) => queueMicrotask(() => callback(error, null)) });
  return nowhere.dispatch({ ...request, origin: "https://nothing.invalid" }, handler);
}
