// Opens a TLS connection to the machine, by a full handshake of TLS 1.3, and reads the key that it showed in this handshake from this
// socket. No session is offered: in a resumed one nobody shows a key, and whoever holds the ticket is let in.
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP, type Socket } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { GateError } from "../sealed/gate-error.ts";
import { asGateError } from "./evidence-exchange.ts";

export interface ConnectionOptions {
  readonly to: URL;
  /** Milliseconds until the handshake is over. */
  readonly timeout: number;
  /** Asks in addition that a certificate authority vouches for the name, by Node's or these certificates (PEM). */
  readonly webPki: boolean;
  readonly ca?: string | undefined;
  /** An HTTP proxy that is asked to CONNECT; the handshake is with the machine all the same. */
  readonly proxy?: URL | undefined;
}

export interface Connection {
  readonly socket: TLSSocket;
  /** DER SubjectPublicKeyInfo of the key that the machine proved to hold. */
  readonly spki: Uint8Array;
}

const HTTPS_PORT = 443;

/** @throws GateError "unreachable" | "resumed". */
export async function openConnection(options: ConnectionOptions): Promise<Connection> {
  const { to, timeout } = options;
  const until = AbortSignal.timeout(timeout);
  try {
    const tunnel = options.proxy === undefined ? undefined : await askProxy(options.proxy, to, until);
    const socket = await handshake(options, tunnel, until);
    return { socket, spki: keyOf(socket) };
  } catch (error) {
    if (until.aborted)
      throw new GateError("unreachable", `${to.host}: no TLS connection within ${timeout} ms`);
    throw error instanceof GateError
      ? error
      : new GateError("unreachable", `${to.host}: ${messageOf(error)}`);
  }
}

function handshake(
  { to, webPki, ca }: ConnectionOptions,
  tunnel: Socket | undefined,
  until: AbortSignal,
): Promise<TLSSocket> {
  const host = hostOf(to);
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...(tunnel ? { socket: tunnel } : { host, port: Number(to.port || HTTPS_PORT) }),
      ...(isIP(host) === 0 && { servername: host }),
      minVersion: "TLSv1.3",
      maxVersion: "TLSv1.3",
      ALPNProtocols: ["http/1.1"],
      rejectUnauthorized: webPki,
      ...(ca !== undefined && { ca }),
    });
    const end = (settle: () => void) => {
      until.removeEventListener("abort", late);
      socket.off("error", fail).off("close", hangUp);
      settle();
    };
    const fail = (error: Error) =>
      end(() => {
        socket.destroy();
        reject(error);
      });
    const hangUp = () => fail(new Error("the connection was closed during the handshake"));
    const late = () => fail(new Error("late"));
    until.addEventListener("abort", late);
    // Whoever waits for a verdict is not told: at the next use the socket is found destroyed.
    socket.on("error", () => undefined);
    socket.setNoDelay(true).on("error", fail).on("close", hangUp);
    socket.once("secureConnect", () => end(() => resolve(socket)));
  });
}

/** @throws GateError */
function keyOf(socket: TLSSocket): Uint8Array {
  const refuse = (code: "resumed" | "unreachable", message: string): never => {
    socket.destroy();
    throw new GateError(code, message);
  };
  if (socket.isSessionReused())
    return refuse("resumed", "the TLS session was resumed, in which nobody shows a key");
  if (socket.alpnProtocol !== "http/1.1" && socket.alpnProtocol !== false)
    return refuse("unreachable", `the machine speaks ${socket.alpnProtocol}, not HTTP/1.1`);
  const key = socket.getPeerX509Certificate()?.publicKey.export({ type: "spki", format: "der" });
  return key === undefined ? refuse("unreachable", "the machine showed no certificate") : new Uint8Array(key);
}

/** A tunnel to the machine. What the proxy is told is the machine's name and port. */
function askProxy(proxy: URL, to: URL, signal: AbortSignal): Promise<Socket> {
  const path = `${to.hostname}:${to.port || HTTPS_PORT}`;
  const ask = proxy.protocol === "https:" ? requestHttps : requestHttp;
  const secret = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const authorization = secret === ":" ? {} : { "proxy-authorization": `Basic ${btoa(secret)}` };
  return new Promise((resolve, reject) => {
    const request = ask({
      host: hostOf(proxy),
      port: proxy.port || (proxy.protocol === "https:" ? HTTPS_PORT : 80),
      method: "CONNECT",
      path,
      headers: { host: path, ...authorization },
      agent: false,
      signal,
    });
    const refuse = (status: number | undefined) =>
      reject(new GateError("unreachable", `the proxy ${proxy.host} answered CONNECT with ${status}`));
    request.on("connect", ({ statusCode }, socket, head) => {
      if (statusCode === 200 && head.length === 0) return resolve(socket);
      socket.destroy();
      refuse(statusCode);
    });
    request.on("response", ({ statusCode }) => {
      request.destroy();
      refuse(statusCode);
    });
    request.on("error", (error) =>
      reject(asGateError(new Error(`the proxy ${proxy.host}: ${error.message}`))),
    );
    request.end();
  });
}

/** As sockets want it: an IPv6 address without its brackets. */
function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}

/** Node tries several addresses, and hides their errors in an AggregateError without a message. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === "") return error.errors.map(messageOf).join("; ");
  return error instanceof Error ? error.message : "no connection";
}
