// Serves a mirror's folder over HTTP, as nginx would by examples/mirror/nginx.conf: the paths of the layout and nothing else.
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { MalformedError } from "../protocol/errors.ts";
import { parseTilePath } from "../protocol/merkle/tile.ts";

const IMMUTABLE = "public, max-age=31536000, immutable";
const ATTACHMENT = /^v1\/attachments\/sha256\/[0-9a-f]{64}$/;
const SEEN_CHECKPOINT = /^checkpoints\/(?:x[0-9]{3}\/){0,6}[0-9]{3}\/[0-9a-f]{64}$/;
const TEXT = "text/plain; charset=utf-8";

/** Time to send all headers of a request, and for the whole of one, milliseconds. A mirror takes no bodies. */
const TIMEOUTS = { headersTimeout: 10_000, requestTimeout: 20_000, keepAliveTimeout: 65_000 };
/** A client that reads nothing is cut off after this, milliseconds. */
const IDLE_MS = 60_000;

export interface ServedMirror {
  /** Where it listens, such as http://127.0.0.1:8081 */
  readonly address: string;
  stop(): Promise<void>;
}

/** @param port 0 takes a free one. @throws the error of listening, such as EADDRINUSE. */
export async function serveMirror(folder: string, host: string, port: number): Promise<ServedMirror> {
  const server = createServer({ ...TIMEOUTS, maxHeaderSize: 16_384 }, (request, response) => {
    answer(folder, request, response).catch(() => response.destroy());
  });
  server.setTimeout(IDLE_MS);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return { address: addressOf(server), stop: () => stop(server) };
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}

function addressOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
}

async function answer(folder: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.setHeader("access-control-allow-origin", "*");
  response.setHeader("x-content-type-options", "nosniff");
  if (request.method !== "GET" && request.method !== "HEAD")
    return refuse(response.setHeader("allow", "GET, HEAD"), 405);
  const path = (request.url ?? "").slice(1);
  const headers = headersFor(path);
  if (headers === undefined) return refuse(response, 404);
  const found = await findForm(folder, path, request);
  if (found === undefined) return refuse(response, 404);
  const { file, size, etag, coding } = found;
  for (const [name, value] of Object.entries({ ...headers, etag })) response.setHeader(name, value);
  if (request.headers["if-none-match"]?.split(/\s*,\s*/).includes(etag))
    return void response.writeHead(304).end();
  if (coding !== undefined) response.setHeader("content-encoding", coding);
  response.setHeader("content-length", size);
  if (request.method === "HEAD") return void response.end();
  await pipeline(createReadStream(file), response);
}

function refuse(response: ServerResponse, status: 404 | 405): void {
  response.writeHead(status, { "cache-control": "no-store", "content-type": TEXT });
  response.end(status === 404 ? "there is no such object\n" : "allowed here: GET, HEAD\n");
}

/** The header fields of what may be at a path; undefined for every path that is not of the layout. */
function headersFor(path: string): Record<string, string> | undefined {
  if (path === "checkpoint") return { "content-type": TEXT, "cache-control": "no-cache" };
  if (SEEN_CHECKPOINT.test(path)) return { "content-type": TEXT, "cache-control": IMMUTABLE };
  if (ATTACHMENT.test(path)) return { "content-type": "application/json", "cache-control": IMMUTABLE };
  if (!isTile(path)) return undefined;
  const octets = { "content-type": "application/octet-stream", "cache-control": IMMUTABLE };
  return isBundle(path) ? { ...octets, vary: "accept-encoding" } : octets;
}

function isTile(path: string): boolean {
  try {
    parseTilePath(path);
    return true;
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return false;
  }
}

const isBundle = (path: string): boolean => path.startsWith("tile/entries/");

interface Found {
  readonly file: string;
  readonly size: number;
  readonly etag: string;
  readonly coding: "gzip" | undefined;
}

/** The compressed form of an entry bundle, where it is there and the client takes it. */
async function findForm(folder: string, path: string, request: IncomingMessage): Promise<Found | undefined> {
  const takesGzip = isBundle(path) && acceptsGzip(String(request.headers["accept-encoding"] ?? ""));
  const gzipped = takesGzip ? await find(join(folder, `${path}.gz`), "gzip") : undefined;
  return gzipped ?? (await find(join(folder, path), undefined));
}

async function find(file: string, coding: "gzip" | undefined): Promise<Found | undefined> {
  const facts = await stat(file).catch(() => undefined);
  if (!facts?.isFile()) return undefined;
  const etag = `"${facts.ino.toString(16)}-${facts.mtimeMs.toString(16)}-${facts.size.toString(16)}"`;
  return { file, size: facts.size, etag, coding };
}

/** Named with a weight above 0 (RFC 9110 §12.5.3); a client that names nothing gets plain bytes. */
function acceptsGzip(acceptEncoding: string): boolean {
  return acceptEncoding.split(",").some((part) => {
    const [coding = "", ...parameters] = part.split(";").map((text) => text.trim().toLowerCase());
    return (coding === "gzip" || coding === "*") && !parameters.some((text) => /^q=0(?:\.0*)?$/.test(text));
  });
}
