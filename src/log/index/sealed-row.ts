// Seals what a row of the index holds, so that a file whose bytes have changed is noticed before anything is made of it.
import { nativeSha256 } from "../../node/sha256.ts";
import { concatBytes, equalBytes } from "../../protocol/encoding/bytes.ts";

const SEAL_BYTES = 8;

/** The index is not as it was written: it is to be built again. */
export class IndexDamagedError extends Error {
  override readonly name = "IndexDamagedError";
}

/** @param place where the row is; its bytes are good nowhere else. */
export function seal(place: Uint8Array, bytes: Uint8Array): Uint8Array {
  return concatBytes(bytes, sealOf(place, bytes));
}

/** @throws IndexDamagedError */
export function unseal(place: Uint8Array, sealed: Uint8Array): Uint8Array {
  const end = Math.max(0, sealed.length - SEAL_BYTES);
  const bytes = sealed.subarray(0, end);
  if (!equalBytes(sealed.subarray(end), sealOf(place, bytes)))
    throw new IndexDamagedError("a row of the index is damaged");
  return bytes;
}

function sealOf(place: Uint8Array, bytes: Uint8Array): Uint8Array {
  return nativeSha256(concatBytes(place, bytes)).subarray(0, SEAL_BYTES);
}
