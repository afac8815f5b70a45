// Reads and writes a request as a binary HTTP message (RFC 9292 §3.4): the whole of it, as it is sealed.
import { concatBytes } from "../../protocol/encoding/bytes.ts";
import { ByteSource, encodeVarint } from "../byte-source.ts";
import { decodeBytes, encodeBytes } from "./byte-string.ts";
import { encodeEndedFields, encodeKnownFields, type Fields } from "./fields.ts";
import { FRAMING, type Framing, readContent, readFields, readFraming } from "./message.ts";

export interface BinaryRequest {
  readonly method: string;
  readonly scheme: string;
  /** Host and port; may be empty, where a field says them. */
  readonly authority: string;
  /** Path and query. */
  readonly path: string;
  readonly fields: Fields;
  readonly content: Uint8Array;
}

const MAX_METHOD = 32;
const MAX_AUTHORITY = 512;
const MAX_PATH = 16 * 1024;

const METHOD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const SCHEME = /^[a-z][a-z0-9+.-]*$/;
const AUTHORITY = /^[\w.~!$&'()*+,;=%:[\]-]*$/;
/** In origin form; no fragment, no backslash, which browsers take for a slash. */
const PATH = /^\/[\x21\x22\x24-\x5b\x5d-\x7e]*$/;

/** @throws MalformedError also for content of more than `maxContent` bytes. */
export async function readRequest(bytes: Uint8Array, maxContent: number): Promise<BinaryRequest> {
  const source = ByteSource.of(bytes, "binary HTTP request");
  const framing = await readFraming(source, "request");
  const method = await readText(source, "method", MAX_METHOD, METHOD);
  const scheme = await readText(source, "scheme", MAX_METHOD, SCHEME);
  const authority = await readText(source, "authority", MAX_AUTHORITY, AUTHORITY);
  const path = await readText(source, "path", MAX_PATH, PATH);
  const fields = await readFields(source, framing);
  const parts: Uint8Array[] = [];
  for await (const part of readContent(source, framing)) parts.push(part);
  const content = concatBytes(...parts);
  if (content.length > maxContent) throw source.malformed(`content of more than ${maxContent} bytes`);
  return { method, scheme, authority, path, fields, content };
}

/** @throws TypeError for a request that no reader would take. */
export function encodeRequest(request: BinaryRequest, framing: Framing = "indeterminate"): Uint8Array {
  const { method, scheme, authority, path, fields, content } = request;
  if (!METHOD.test(method) || !SCHEME.test(scheme) || !AUTHORITY.test(authority) || !PATH.test(path))
    throw new TypeError(`${method} ${path}: no request that can be sent`);
  const control = [method, scheme, authority, path].map(encodeBytes);
  const known = framing === "known";
  const length = encodeVarint(content.length);
  const ending = Uint8Array.of(0);
  return concatBytes(
    encodeVarint(FRAMING.request[framing]),
    ...control.flatMap((text) => [encodeVarint(text.length), text]),
    known ? encodeKnownFields(fields) : encodeEndedFields(fields),
    // A part of no length is the end of the parts, and is written once.
    ...(known || content.length > 0 ? [length, content] : []),
    ...(known ? [] : [ending]),
    ending,
  );
}

async function readText(source: ByteSource, what: string, most: number, form: RegExp): Promise<string> {
  const text = decodeBytes(await source.take(await source.varint(`length of the ${what}`, most), what));
  if (!form.test(text)) throw source.malformed(`no ${what}: ${JSON.stringify(text)}`);
  return text;
}
