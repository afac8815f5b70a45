// Reads MessagePack (msgpack specification, 2013) strictly, for the values that serde writes: no floats, extensions or negative numbers,
// no duplicate keys, nothing after the end.
import { ByteReader } from "../../protocol/encoding/bytes.ts";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import { MalformedError } from "../../protocol/errors.ts";

export type MessagePack =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | MessagePack[]
  | ReadonlyMap<string, MessagePack>;

const FORMAT = "MessagePack";
const MAX_DEPTH = 16;

/** @throws MalformedError with the byte offset of the fault. */
export function parseMessagePack(bytes: Uint8Array): MessagePack {
  const reader = new ByteReader(bytes, FORMAT);
  const value = readValue(reader, 0);
  if (reader.remaining > 0) throw new MalformedError(FORMAT, "bytes after the value", reader.offset);
  return value;
}

function readValue(reader: ByteReader, depth: number): MessagePack {
  if (depth > MAX_DEPTH) throw new MalformedError(FORMAT, `nested deeper than ${MAX_DEPTH}`);
  const tag = reader.u8("type");
  if (tag < 0x80) return tag;
  if (tag < 0x90) return readMap(reader, tag & 15, depth);
  if (tag < 0xa0) return readArray(reader, tag & 15, depth);
  if (tag < 0xc0) return decodeUtf8(reader.take(tag & 31, "string"));
  switch (tag) {
    case 0xc0:
      return null;
    case 0xc2:
    case 0xc3:
      return tag === 0xc3;
    case 0xc4:
    case 0xc5:
    case 0xc6:
      return reader.take(readUint(reader, tag - 0xc4), "bytes");
    case 0xcc:
    case 0xcd:
    case 0xce:
      return readUint(reader, tag - 0xcc);
    case 0xd9:
    case 0xda:
    case 0xdb:
      return decodeUtf8(reader.take(readUint(reader, tag - 0xd9), "string"));
    case 0xdc:
    case 0xdd:
      return readArray(reader, readUint(reader, tag - 0xdb), depth);
    case 0xde:
    case 0xdf:
      return readMap(reader, readUint(reader, tag - 0xdd), depth);
    default:
      throw new MalformedError(FORMAT, `type 0x${tag.toString(16)} is not used here`, reader.offset - 1);
  }
}

/** A big-endian integer of 1, 2 or 4 bytes: 2^power of them. */
function readUint(reader: ByteReader, power: number): number {
  return reader.take(2 ** power, "integer").reduce((value, byte) => value * 256 + byte, 0);
}

function readArray(reader: ByteReader, count: number, depth: number): MessagePack[] {
  // Every item has at least one byte, so a count above what is left is a lie that must not reach the allocator.
  if (count > reader.remaining) throw new MalformedError(FORMAT, "array is cut short", reader.offset);
  return Array.from({ length: count }, () => readValue(reader, depth + 1));
}

function readMap(reader: ByteReader, count: number, depth: number): Map<string, MessagePack> {
  const map = new Map<string, MessagePack>();
  for (let i = 0; i < count; i++) {
    const key = readValue(reader, depth + 1);
    if (typeof key !== "string") throw new MalformedError(FORMAT, "a key is not text", reader.offset);
    if (map.has(key)) throw new MalformedError(FORMAT, `key "${key}" appears twice`, reader.offset);
    map.set(key, readValue(reader, depth + 1));
  }
  return map;
}
