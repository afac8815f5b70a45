// Writes CBOR in its core deterministic encoding (RFC 8949 §4.2.1), and says what the tags of these formats are.
import { encode, rfc8949EncodeOptions, Tagged } from "cborg";

/** What CBOR is made of here. A Map keeps integer keys. */
export type Cbor =
  | string
  | number
  | boolean
  | null
  | Uint8Array
  | Tagged
  | readonly Cbor[]
  | ReadonlyMap<string | number, Cbor>;

export function encodeCbor(value: Cbor): Uint8Array {
  return encode(value, rfc8949EncodeOptions);
}

/** A map from pairs, without those whose value is undefined. */
export function map(...pairs: ReadonlyArray<readonly [string | number, Cbor | undefined]>) {
  return new Map(pairs.filter((pair): pair is readonly [string | number, Cbor] => pair[1] !== undefined));
}

const tagged = (tag: number) => (value: Cbor) => new Tagged(tag, value);

export const uri = tagged(32);
/** COSE_Sign1, RFC 9052 §4.2. */
export const coseSign1 = tagged(18);
/** unsigned-corim-map, and CoMID and CoTL in it: draft-ietf-rats-corim. */
export const unsignedCorim = tagged(501);
export const comid = tagged(506);
export const cotl = tagged(508);

/** Seconds since the epoch, of an RFC 3339 time: tag 1. */
export function epochTime(time: string): Tagged {
  return new Tagged(1, Math.floor(Date.parse(time) / 1000));
}
