// A body that is sent many times: compressed once, kept in memory, and handed out in the coding that the client takes best.
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { parseAccept } from "hono/utils/accept";

const compressGzip = promisify(gzip);
const compressBrotli = promisify(brotliCompress);

export type ContentCoding = "br" | "gzip" | "identity";

export interface EncodedBody {
  /** Strong, and different for each coding, as RFC 9110 §8.8.3 asks. */
  readonly etags: Readonly<Record<ContentCoding, string>>;
  readonly bytes: Readonly<Record<ContentCoding, Uint8Array>>;
}

/** Compresses on the thread pool: brotli 5 and gzip 6 are where more time stops paying for itself. */
export async function encodeBody(identity: Uint8Array): Promise<EncodedBody> {
  const [br, gz] = await Promise.all([
    compressBrotli(identity, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }),
    compressGzip(identity, { level: 6 }),
  ]);
  const tag = createHash("sha256").update(identity).digest("base64url").slice(0, 27);
  return {
    etags: { identity: `"${tag}"`, gzip: `"${tag}.gz"`, br: `"${tag}.br"` },
    bytes: { identity, gzip: gz, br },
  };
}

/** The best coding that Accept-Encoding allows (RFC 9110 §12.5.3). */
export function chooseCoding(acceptEncoding: string | undefined): ContentCoding {
  if (acceptEncoding === undefined || acceptEncoding === "") return "identity";
  const accepted = parseAccept(acceptEncoding);
  const takes = (coding: string) =>
    (accepted.find(({ type }) => type === coding) ?? accepted.find(({ type }) => type === "*"))?.q ?? 0;
  if (takes("br") > 0) return "br";
  return takes("gzip") > 0 ? "gzip" : "identity";
}

/** Whether If-None-Match names this entity tag; the comparison is weak (RFC 9110 §13.1.2). */
export function matchesEtag(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.split(",").some((tag) => tag.trim() === "*" || tag.trim().replace(/^W\//, "") === etag);
}

/** The answer to a conditional GET: 304, or the body in the best coding. `headers` must hold the content type. */
export function respondEncoded(
  request: { readonly acceptEncoding: string | undefined; readonly ifNoneMatch: string | undefined },
  body: EncodedBody,
  headers: Readonly<Record<string, string>>,
): Response {
  const coding = chooseCoding(request.acceptEncoding);
  const etag = body.etags[coding];
  const common = { ...headers, etag, vary: "accept-encoding" };
  if (matchesEtag(request.ifNoneMatch, etag)) return new Response(null, { status: 304, headers: common });
  const bytes = body.bytes[coding] as Uint8Array<ArrayBuffer>;
  return new Response(bytes, {
    headers: coding === "identity" ? common : { ...common, "content-encoding": coding },
  });
}
