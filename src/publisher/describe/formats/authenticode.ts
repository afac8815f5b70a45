// Computes the Authenticode digest of a PE image ("Windows Authenticode Portable Executable Signature Format", 2008) as UEFI firmware
// computes and measures it (edk2 DxeTpm2MeasureBootLib): the file without checksum, certificate directory entry and table.
import { createHash } from "node:crypto";
import type { FileHash } from "../files/random-access.ts";
import type { PeImage } from "./pe.ts";

/**
 * SHA-256 and SHA-384 in lower-case hex. A file whose length is no multiple of 8 is hashed as it is, as the firmware does;
 * signing tools pad it first, so its digest changes when it is signed.
 * @param patches bytes by offset that stand in place of the file's.
 */
export async function authenticodeDigests(
  image: PeImage,
  patches: ReadonlyMap<number, number> = new Map(),
): Promise<Readonly<Record<FileHash, string>>> {
  const hashes = { sha256: createHash("sha256"), sha384: createHash("sha384") };
  for (const [from, to] of hashedRanges(image)) {
    let at = from;
    for await (const piece of image.file.chunks(from, to - from)) {
      for (const [offset, byte] of patches)
        if (offset >= at && offset < at + piece.length) piece[offset - at] = byte;
      at += piece.length;
      hashes.sha256.update(piece);
      hashes.sha384.update(piece);
    }
  }
  return { sha256: hashes.sha256.digest("hex"), sha384: hashes.sha384.digest("hex") };
}

function hashedRanges(image: PeImage): [from: number, to: number][] {
  const afterChecksum = image.checksumOffset + 4;
  const end = image.certificateTable?.offset ?? image.file.size;
  const entry = image.certificateEntryOffset;
  const rest: [number, number][] =
    entry === undefined
      ? [[afterChecksum, end]]
      : [
          [afterChecksum, entry],
          [entry + 8, end],
        ];
  return [[0, image.checksumOffset], ...rest];
}
