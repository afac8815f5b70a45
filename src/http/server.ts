// Runs an HTTP service on a port. Stopping loses nothing that was acknowledged: no new connections, what is under way is answered, and only
// then is what the service works on closed.
import { constants } from "node:crypto";
import {
  createServer,
  type ServerOptions as HttpServerOptions,
  type RequestListener,
  type Server,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { createAdaptorServer, type HttpBindings } from "@hono/node-server";
import { type ConnectionLimits, oneAtATime } from "./connection.ts";

export interface ServerOptions {
  /** A hono app; what is passed beside the request tells it about the connection. */
  readonly app: { fetch(request: Request, env: HttpBindings): Response | Promise<Response> };
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Closes the log; called once no request is under way. */
  readonly close: () => Promise<void>;
  /** Milliseconds after which connections that are still open are cut. */
  readonly graceMs: number;
  readonly connections?: Partial<ConnectionLimits>;
  /** Key and certificate, PEM: TLS 1.3 ends here then. */
  readonly tls?: { readonly key: string; readonly certificate: string; readonly clients?: KnownClients };
  /** Called for every connection that is accepted. */
  readonly onConnection?: () => void;
}

/** Whoever shows no certificate of these authorities is cut off before it has sent anything. */
export interface KnownClients {
  /** PEM. */
  readonly ca: string;
  /** Told of a connection that is cut off; why stands beside it, where it is for its certificate. */
  readonly onRefused: (error: Error, socket: TLSSocket) => void;
}

export interface RunningServer {
  /** Where it listens, such as http://127.0.0.1:8080 */
  readonly address: string;
  /** Stops gracefully; a second call waits for the first. */
  stop(): Promise<void>;
}

/** Time to send all headers of a request, and before them to shake hands, milliseconds. */
const HEADERS_TIMEOUT = 10_000;
/** Time to send a whole request: 96 MiB over a line of 7 Mbit/s. */
const REQUEST_TIMEOUT = 120_000;
const KEEP_ALIVE_TIMEOUT = 65_000;
const IDLE_CHECK = 50;
/** No client that reads its answers has more requests under way on one connection; 16 MiB over a slow line, beside the work itself. */
const CONNECTION_LIMITS: ConnectionLimits = { maxWaiting: 64, answerMs: 180_000 };

/** @throws the error of listening, such as EADDRINUSE. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const server = createAdaptorServer({
    fetch: (request, env) =>
      lacksOneHost(env.incoming as HttpBindings["incoming"])
        ? new Response("Host is required, once", { status: 400 })
        : options.app.fetch(request, env as HttpBindings),
    // Stands in the URL of a request without Host.
    hostname: "localhost",
    createServer: ((settings: HttpServerOptions, listener: RequestListener) => {
      const limited = oneAtATime(listener, { ...CONNECTION_LIMITS, ...options.connections });
      return options.tls === undefined
        ? createServer(settings, limited)
        : createTlsServer({ ...settings, ...tlsOptions(options.tls) }, limited);
    }) as typeof createServer,
    serverOptions: {
      requireHostHeader: false,
      headersTimeout: HEADERS_TIMEOUT,
      requestTimeout: REQUEST_TIMEOUT,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT,
      maxHeaderSize: 16_384,
    },
  }) as Server;
  if (options.onConnection !== undefined) server.on("connection", options.onConnection);
  if (options.tls?.clients !== undefined) server.on("tlsClientError", options.tls.clients.onRefused);
  await listen(server, options);
  let stopping: Promise<void> | null = null;
  return {
    address: addressOf(options.tls === undefined ? "http" : "https", server.address() as AddressInfo),
    stop() {
      stopping ??= stop(server, options);
      return stopping;
    },
  };
}

/**
 * HTTP/1.0 has no Host, and load balancers still check with it; HTTP/1.1 demands one (RFC 9112 §3.2). Of two, whoever passed the request on may
 * have gone by the other.
 */
function lacksOneHost({ httpVersion, rawHeaders }: HttpBindings["incoming"]): boolean {
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2)
    if (rawHeaders[i]?.length === 4 && /^host$/i.test(rawHeaders[i] ?? "")) hosts++;
  return hosts > 1 || (hosts === 0 && httpVersion !== "1.0");
}

function listen(server: Server, { host, port }: ServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

async function stop(server: Server, { close, graceMs }: ServerOptions): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  // A connection becomes idle when its last request is answered.
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK);
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(idle);
  clearTimeout(cut);
  await close();
}

/** No session is resumed: the key of its ticket would be as good as the key of the certificate, and nobody would see either. */
function tlsOptions({ key, certificate, clients }: NonNullable<ServerOptions["tls"]>) {
  return {
    ...(clients && { ca: clients.ca, requestCert: true, rejectUnauthorized: true }),
    key,
    cert: certificate,
    minVersion: "TLSv1.3",
    handshakeTimeout: HEADERS_TIMEOUT,
    secureOptions: constants.SSL_OP_NO_TICKET,
  } as const;
}

function addressOf(scheme: "http" | "https", { address, family, port }: AddressInfo): string {
  return `${scheme}://${family === "IPv6" ? `[${address}]` : address}:${port}`;
}
