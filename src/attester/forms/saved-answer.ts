// Reads a file as what a server answered: the body, or header and body as `curl -i` writes them, or the header alone (`curl -D`).
import { MalformedError } from "../../protocol/errors.ts";

export interface SavedAnswer {
  /** The file or URL it is from, for messages. */
  readonly name: string;
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
}

const BEGIN = "HTTP/";
const MAX_HEADER_BYTES = 64 * 1024;

/** @throws MalformedError for a header that does not end. */
export function readSavedAnswer(name: string, bytes: Uint8Array): SavedAnswer {
  const text = new TextDecoder("latin1").decode(bytes.subarray(0, MAX_HEADER_BYTES));
  if (!text.startsWith(BEGIN)) return { name, headers: new Map(), body: bytes };
  const [end] = /\r?\n\r?\n/.exec(text) ?? [];
  if (end === undefined) throw new MalformedError("saved answer", `${name}: its header does not end`);
  const header = text.slice(0, text.indexOf(end));
  const fields = header.split(/\r?\n/).slice(1).map(readField);
  return { name, headers: new Map(fields), body: bytes.subarray(header.length + end.length) };
}

function readField(line: string): readonly [name: string, value: string] {
  const colon = line.indexOf(":");
  return [line.slice(0, Math.max(0, colon)).toLowerCase(), line.slice(colon + 1).trim()];
}
