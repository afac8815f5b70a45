// Serves a body that is sent many times: compressed once, kept in memory, and handed out in the coding that the client takes best.
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import type { Context } from "hono";
import { acceptsCoding } from "./accept.ts";
import { requestHeader } from "./request-header.ts";

const compressGzip = promisify(gzip);
const compressBrotli = promisify(brotliCompress);

export type ContentCoding = "br" | "gzip" | "identity";

/** One coding of a body, with every header field of the answer. */
export interface Representation {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Strong, and different for each coding, as RFC 9110 §8.8.3 asks. */
  readonly etag: string;
  readonly headers: Readonly<Record<string, string>>;
}

export type EncodedBody = Readonly<Record<ContentCoding, Representation>>;

/**
 * Compresses on the thread pool: brotli 5 and gzip 6 are where more time stops paying for itself.
 * @param headers of the answer, the content type among them.
 */
export async function encodeBody(
  identity: Uint8Array<ArrayBuffer>,
  headers: Readonly<Record<string, string>>,
): Promise<EncodedBody> {
  const [br, gz] = await Promise.all([
    compressBrotli(identity, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }),
    compressGzip(identity, { level: 6 }),
  ]);
  const tag = digestOf(identity);
  const representation = (bytes: Uint8Array<ArrayBuffer>, etag: string, coding: object): Representation => ({
    bytes,
    etag,
    headers: {
      ...headers,
      ...coding,
      etag,
      vary: [headers.vary, "accept-encoding"].filter((field) => field !== undefined).join(", "),
    },
  });
  return {
    identity: representation(identity, `"${tag}"`, {}),
    gzip: representation(gz, `"${tag}.gz"`, { "content-encoding": "gzip" }),
    br: representation(br, `"${tag}.br"`, { "content-encoding": "br" }),
  };
}

/** The best coding that Accept-Encoding allows (RFC 9110 §12.5.3). */
export function chooseCoding(acceptEncoding: string | undefined): ContentCoding {
  if (acceptEncoding === undefined || acceptEncoding === "") return "identity";
  // What browsers and programs send; weights are what the parser is for.
  if (/^[a-z, ]*$/.test(acceptEncoding) && /(?:^|[, ])br(?:[, ]|$)/.test(acceptEncoding)) return "br";
  if (acceptsCoding(acceptEncoding, "br")) return "br";
  return acceptsCoding(acceptEncoding, "gzip") ? "gzip" : "identity";
}

/** A strong entity tag of exactly these bytes. */
export function etagOf(bytes: Uint8Array): string {
  return `"${digestOf(bytes)}"`;
}

function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("base64url").slice(0, 27);
}

/** Whether If-None-Match names this entity tag; the comparison is weak (RFC 9110 §13.1.2). */
export function matchesEtag(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.split(",").some((tag) => tag.trim() === "*" || tag.trim().replace(/^W\//, "") === etag);
}

/**
 * The answer to a conditional GET: 304, or the body in the best coding.
 * @param ofNow header fields that are not the same for every answer.
 */
export function respondEncoded(
  c: Context,
  body: EncodedBody,
  ofNow?: Readonly<Record<string, string>>,
): Response {
  const { bytes, etag, headers: kept } = body[chooseCoding(requestHeader(c, "accept-encoding"))];
  const headers = ofNow === undefined ? kept : { ...kept, ...ofNow };
  if (matchesEtag(requestHeader(c, "if-none-match"), etag)) return notModified(headers);
  return new Response(bytes, { headers });
}

/** 304 says what 200 would say of caching, and nothing of a body. */
function notModified({ "content-encoding": _, ...headers }: Readonly<Record<string, string>>): Response {
  return new Response(null, { status: 304, headers });
}
