// Serves a mirror's folder over HTTP, as nginx would by examples/mirror/nginx.conf: the paths of the layout and nothing else.
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { type RunningServer, startServer } from "../http/server.ts";
import { publicMeta, TEXT } from "./path-meta.ts";

const COMMON = { "access-control-allow-origin": "*", "x-content-type-options": "nosniff" };
/** Bytes of a file that is read at once: nearly every entry bundle is smaller. */
const MAX_IN_MEMORY = 1024 * 1024;
/** Time that open connections get to end when it stops, milliseconds. */
const GRACE_MS = 10_000;

/** @param port 0 takes a free one. @throws the error of listening, such as EADDRINUSE. */
export function serveMirror(folder: string, host: string, port: number): Promise<RunningServer> {
  const app = { fetch: (request: Request) => answer(folder, request) };
  return startServer({ app, host, port, graceMs: GRACE_MS, close: async () => undefined });
}

async function answer(folder: string, request: Request): Promise<Response> {
  if (request.method !== "GET" && request.method !== "HEAD") return refuse(405, { allow: "GET, HEAD" });
  const { pathname, search } = new URL(request.url);
  const path = pathname.slice(1);
  const headers = search === "" ? headersFor(path) : undefined;
  const found = headers && (await findForm(folder, path, request));
  if (found === undefined) return refuse(404);
  const { file, size, etag, coding } = found;
  const all = new Headers({ ...COMMON, ...headers, etag });
  const known = request.headers.get("if-none-match")?.split(/\s*,\s*/);
  if (known?.includes(etag)) return new Response(null, { status: 304, headers: all });
  if (coding !== undefined) all.set("content-encoding", coding);
  all.set("content-length", String(size));
  return new Response(request.method === "HEAD" ? null : await bodyOf(file, size), { headers: all });
}

/** A stream costs more than a small file, and a large file more memory than a stream. */
async function bodyOf(file: string, size: number): Promise<Buffer<ArrayBuffer> | ReadableStream> {
  if (size <= MAX_IN_MEMORY) return readFile(file);
  return Readable.toWeb(createReadStream(file)) as ReadableStream<Uint8Array>;
}

function refuse(status: 404 | 405, more: Record<string, string> = {}): Response {
  const headers = { ...COMMON, ...more, "cache-control": "no-store", "content-type": TEXT };
  return new Response(status === 404 ? "there is no such object\n" : "allowed here: GET, HEAD\n", {
    status,
    headers,
  });
}

/** The header fields of what may be at a path; undefined for every path that is not of the layout. */
function headersFor(path: string): Record<string, string> | undefined {
  const meta = publicMeta(path);
  if (meta === undefined) return undefined;
  const headers = { "content-type": meta.contentType, "cache-control": meta.cacheControl };
  return meta.gzip ? { ...headers, vary: "accept-encoding" } : headers;
}

interface Found {
  readonly file: string;
  readonly size: number;
  readonly etag: string;
  readonly coding: "gzip" | undefined;
}

/** The compressed form of an entry bundle, where it is there and the client takes it. */
async function findForm(folder: string, path: string, request: Request): Promise<Found | undefined> {
  const takesGzip =
    publicMeta(path)?.gzip === true && acceptsGzip(request.headers.get("accept-encoding") ?? "");
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
