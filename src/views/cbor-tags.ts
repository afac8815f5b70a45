// Says what the tags of these formats are.
import { Tagged } from "cborg";
import type { Cbor } from "../protocol/cose/cbor.ts";

const tagged = (tag: number) => (value: Cbor) => new Tagged(tag, value);

/** A time as RFC 3339 text. */
export const dateTime = tagged(0);
export const uri = tagged(32);
/** unsigned-corim-map, and CoMID and CoTL in it: draft-ietf-rats-corim. */
export const unsignedCorim = tagged(501);
export const comid = tagged(506);
export const cotl = tagged(508);
/** tagged-bytes of CoMID: the name of a key that nobody can misread as the key. */
export const taggedBytes = tagged(560);

/** Seconds since the epoch, of an RFC 3339 time: tag 1. */
export function epochTime(time: string): Tagged {
  return new Tagged(1, Math.floor(Date.parse(time) / 1000));
}
