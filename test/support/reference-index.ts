// Computes the prefix tree of the index from all its keys at once, as docs/formats.md defines it: nothing is stored, and nothing added.
import { createHash } from "node:crypto";

const sha256 = (...parts: Uint8Array[]): Uint8Array => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};
const u64 = (value: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
};
const bitAt = (key: Uint8Array, depth: number) =>
  (BigInt(`0x${Buffer.from(key).toString("hex")}`) >> BigInt(255 - depth)) & 1n;

/** @param entries by key, in hex. */
export function referenceRoot(entries: ReadonlyMap<string, readonly number[]>, depth = 0): Uint8Array {
  if (entries.size === 0) return new Uint8Array(32);
  if (entries.size === 1) {
    const [[key, indices]] = [...entries] as [[string, readonly number[]]];
    let value = new Uint8Array(32) as Uint8Array;
    for (const index of indices) value = sha256(value, u64(index));
    return sha256(Buffer.of(0), Buffer.from(key, "hex"), value);
  }
  const below = (bit: bigint) =>
    new Map([...entries].filter(([key]) => bitAt(Buffer.from(key, "hex"), depth) === bit));
  return sha256(Buffer.of(1), referenceRoot(below(0n), depth + 1), referenceRoot(below(1n), depth + 1));
}
