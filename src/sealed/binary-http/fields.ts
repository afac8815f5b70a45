// Reads and writes the fields of a binary HTTP message (RFC 9292 §3.6), strictly: names in lower case, no character in a value that could
// begin another line.
import { concatBytes } from "../../protocol/encoding/bytes.ts";
import { type ByteSource, encodeVarint } from "../byte-source.ts";
import { decodeBytes, encodeBytes } from "./byte-string.ts";

/** Names and values in their order. A value is a byte string as in Fetch: each character is a byte. */
export type Fields = ReadonlyArray<readonly [name: string, value: string]>;

/** Bytes of a section, names, values and lengths together. */
const MAX_SECTION = 64 * 1024;
const MAX_FIELDS = 256;

/** A token (RFC 9110 §5.6.2) without capitals. */
const NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
/** No control character but the tab, and no blank at either end (RFC 9110 §5.5). */
const VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;

/** Reads a section that begins with its length. */
export async function readKnownFields(source: ByteSource): Promise<Fields> {
  const length = await source.varint("length of a field section", MAX_SECTION);
  const section = source.within(await source.take(length, "field section"));
  const fields: [string, string][] = [];
  while (!(await section.isAtEnd())) fields.push(await readField(section, await nameLength(section)));
  return limited(source, fields);
}

/** Reads a section that ends with an empty name. */
export async function readEndedFields(source: ByteSource): Promise<Fields> {
  const fields: [string, string][] = [];
  let size = 0;
  for (;;) {
    const length = await nameLength(source);
    if (length === 0) return fields;
    const [name, value] = await readField(source, length);
    fields.push([name, value]);
    size += name.length + value.length;
    if (size > MAX_SECTION) throw source.malformed(`a field section of more than ${MAX_SECTION} bytes`);
    limited(source, fields);
  }
}

export function encodeKnownFields(fields: Fields): Uint8Array {
  const section = concatBytes(...fields.flatMap(encodeField));
  return concatBytes(encodeVarint(section.length), section);
}

export function encodeEndedFields(fields: Fields): Uint8Array {
  return concatBytes(...fields.flatMap(encodeField), Uint8Array.of(0));
}

const nameLength = (source: ByteSource) => source.varint("length of a field name", MAX_SECTION);

async function readField(source: ByteSource, length: number): Promise<[name: string, value: string]> {
  const name = decodeBytes(await source.take(length, "field name"));
  if (!NAME.test(name)) throw source.malformed(`no name of a field: ${JSON.stringify(name)}`);
  const valueLength = await source.varint("length of a field value", MAX_SECTION);
  const value = decodeBytes(await source.take(valueLength, "field value"));
  if (!VALUE.test(value)) throw source.malformed(`the value of ${name} has a character that no value has`);
  return [name, value];
}

function limited(source: ByteSource, fields: Fields): Fields {
  if (fields.length > MAX_FIELDS) throw source.malformed(`more than ${MAX_FIELDS} fields`);
  return fields;
}

function encodeField([name, value]: Fields[number]): Uint8Array[] {
  if (!NAME.test(name) || !VALUE.test(value)) throw new TypeError(`${name}: no field of an HTTP message`);
  const bytes = [encodeBytes(name), encodeBytes(value)];
  return bytes.flatMap((text) => [encodeVarint(text.length), text]);
}
