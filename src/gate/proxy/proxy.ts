// Serves a gate on this machine, for clients of any language: what they send to it goes to the machine behind the gate, untouched, and only
// once that machine is appraised. Nothing of a request or a reply is kept or logged.
import { EventEmitter } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { GateError } from "../../sealed/gate-error.ts";
import type { Verdict } from "../../verifier/appraisal/verdict.ts";
import type { Gate } from "../gate.ts";
import { gateErrorIn } from "../gate-error.ts";
import { type Forbidden, whyForbidden } from "./allowed-caller.ts";
import { forwardedToClient, forwardedToMachine } from "./forwarded-headers.ts";
import { createProxyMetrics, type ProxyMetrics } from "./proxy-metrics.ts";
import { describeRefusal } from "./refusal-document.ts";

export interface ProxyOptions {
  readonly gate: Gate;
  /** Origin of the machine. */
  readonly to: string;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Names that the proxy may be called by, beside those of the own machine. */
  readonly names: readonly string[];
}

export interface RunningProxy {
  /** Where it listens, such as http://127.0.0.1:8787 */
  readonly address: string;
  /** To be told of every verdict. */
  onVerdict(verdict: Verdict): void;
  /** Takes no more requests; replies under way get so many milliseconds to end. */
  stop(graceMs: number): Promise<void>;
}

const VERDICT = "/.well-known/touchstone/verdict";
const METRICS = "/.well-known/touchstone/metrics";
const KEEP_ALIVE_MS = 65_000;

/** @throws the error of listening, such as EADDRINUSE. */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const forwarder = new Forwarder(options);
  const server = createServer(
    { keepAliveTimeout: KEEP_ALIVE_MS, requireHostHeader: false },
    (request, answer) => forwarder.serve(request, answer),
  );
  server.on("connect", (_, socket) =>
    socket.end("HTTP/1.1 421 Misdirected Request\r\nConnection: close\r\n\r\n"),
  );
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, resolve);
  });
  const { address, family, port } = server.address() as AddressInfo;
  return {
    address: `http://${family === "IPv6" ? `[${address}]` : address}:${port}`,
    onVerdict: (verdict) => forwarder.learn(verdict),
    stop: (graceMs) => stop(server, graceMs),
  };
}

async function stop(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(cut);
}

class Forwarder {
  readonly #options: ProxyOptions;
  readonly #metrics: ProxyMetrics;
  #underWay = 0;
  #last: Verdict | null = null;
  #lastTrusted: Verdict | null = null;

  constructor(options: ProxyOptions) {
    this.#options = options;
    this.#metrics = createProxyMetrics(options.gate, () => this.#underWay);
  }

  learn(verdict: Verdict): void {
    this.#last = verdict;
    if (verdict.verdict === "trusted") this.#lastTrusted = verdict;
    this.#metrics.countVerdict(verdict.verdict);
  }

  serve(request: IncomingMessage, answer: ServerResponse): void {
    // A client that hangs up shows in the request, too.
    answer.on("error", () => undefined);
    const forbidden = whyForbidden(request, this.#options.names);
    const path = request.url?.split("?", 1)[0];
    if (forbidden !== null) this.#forbid(request, answer, forbidden);
    else if (path === VERDICT) this.#answerVerdict(answer);
    else if (path === METRICS) void this.#answerMetrics(answer);
    else this.#forward(request, answer);
  }

  #forbid(request: IncomingMessage, answer: ServerResponse, { status, detail }: Forbidden): void {
    this.#metrics.count("forbidden");
    answerProblem(request, answer, status, { title: "Not for this caller", detail });
  }

  #forward(request: IncomingMessage, answer: ServerResponse): void {
    const { gate, to } = this.#options;
    // undici takes an emitter for a signal, too, which costs less than an AbortController for each request.
    const hangUp = new EventEmitter();
    this.#underWay++;
    answer.once("close", () => {
      this.#underWay--;
      if (!answer.writableFinished) hangUp.emit("abort");
    });
    const { url: path = "/", method = "GET" } = request;
    const asked = {
      origin: to,
      path,
      method,
      headers: forwardedToMachine(request.rawHeaders),
      // Without destroying it on failure: the client's connection still has to carry the refusal.
      body: hasBody(request) ? request.iterator({ destroyOnReturn: false }) : null,
      signal: hangUp,
      responseHeaders: "raw" as const,
      // How long is too long, the client says.
      headersTimeout: 0,
      bodyTimeout: 0,
    };
    gate.dispatcher.stream(
      // undici takes any iterable for a body, and its types only some.
      asked as unknown as Parameters<typeof gate.dispatcher.stream>[0],
      ({ statusCode, headers }) => this.#begin(answer, statusCode, headers as unknown as string[]),
      (error) => this.#end(request, answer, error),
    );
  }

  /** The first token of a reply does not wait for the second: the header is sent by itself where nothing follows at once. */
  #begin(answer: ServerResponse, status: number, headers: readonly string[]): ServerResponse {
    answer.writeHead(status, [...forwardedToClient(headers), "Touchstone-Verdict", this.#verdictField()]);
    setImmediate(() => {
      if (!answer.destroyed && !answer.writableEnded) answer.flushHeaders();
    });
    return answer;
  }

  #verdictField(): string {
    const { policy } = this.#lastTrusted ?? {};
    return policy == null ? "trusted" : `trusted, policy="${policy.name}@${policy.version}"`;
  }

  #end(request: IncomingMessage, answer: ServerResponse, error: Error | null): void {
    const refusal = gateErrorIn(error);
    this.#metrics.count(error === null ? "forwarded" : refusal === null ? "failed" : "refused");
    if (error === null) return;
    // A reply that was begun is cut, so that nobody takes it for a whole one.
    if (answer.headersSent) answer.destroy();
    else if (refusal !== null) answerRefusal(request, answer, refusal);
    else
      answerProblem(request, answer, 502, {
        title: "The machine is trusted, and its answer broke off: it may have the request",
        detail: error.message,
      });
  }

  #answerVerdict(answer: ServerResponse): void {
    const until = this.#options.gate.verdict()?.until ?? null;
    const text = JSON.stringify({ to: this.#options.to, until, verdict: this.#last });
    answer.writeHead(200, { "content-type": "application/json", "cache-control": "no-store" }).end(text);
  }

  async #answerMetrics(answer: ServerResponse): Promise<void> {
    const { registry } = this.#metrics;
    answer.writeHead(200, { "content-type": registry.contentType }).end(await registry.metrics());
  }
}

/** RFC 9112 §6: a request has a body where one of these says so. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
}

/** OpenAI's clients ask once more, and again, unless they are told not to: the answer would be the same. */
function answerRefusal(request: IncomingMessage, answer: ServerResponse, refusal: GateError): void {
  answer.setHeader("x-should-retry", "false");
  answerProblem(request, answer, 502, describeRefusal(refusal));
}

function answerProblem(
  request: IncomingMessage,
  answer: ServerResponse,
  status: number,
  members: { readonly title: string; readonly detail: string },
): void {
  // What the client is still sending is read and dropped: it would not look for an answer before it has sent all.
  request.resume();
  const text = JSON.stringify({ type: "about:blank", ...members, status });
  answer.writeHead(status, { "content-type": "application/problem+json", connection: "close" }).end(text);
}
