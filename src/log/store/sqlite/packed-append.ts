// Packs an append into one message for the thread that writes it: all bytes in one buffer, which is handed over and not copied again.
// Packing copies them, so whoever passed them may go on changing its own.
import type { Append } from "../log-store.ts";

/** Where bytes lie in the buffer: offset and length. */
type Place = readonly [number, number];
type Packed<T, Bytes extends keyof T> = { readonly [K in keyof T]: K extends Bytes ? Place : T[K] };

export interface PackedAppend {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly entries: ReadonlyArray<Packed<Append["entries"][number], "leaf">>;
  readonly tiles: ReadonlyArray<
    Packed<Omit<Append["tiles"][number], "inner">, "hashes"> & { readonly inner: Place | null }
  >;
  readonly attachments: ReadonlyArray<Packed<Append["attachments"][number], "bytes">>;
  readonly head: Packed<Append["head"], "root">;
}

export function packAppend({ entries, tiles, attachments, head }: Append): PackedAppend {
  const parts: Uint8Array[] = [];
  let length = 0;
  const place = (bytes: Uint8Array): Place => {
    parts.push(bytes);
    length += bytes.length;
    return [length - bytes.length, bytes.length];
  };
  const packed = {
    entries: entries.map((entry) => ({ ...entry, leaf: place(entry.leaf) })),
    tiles: tiles.map(({ level, index, hashes, inner }) => ({
      level,
      index,
      hashes: place(hashes),
      inner: inner === null ? null : place(inner),
    })),
    attachments: attachments.map(({ digest, bytes }) => ({ digest, bytes: place(bytes) })),
    head: { size: head.size, root: place(head.root) },
  };
  return { ...packed, bytes: concatenate(parts, length) };
}

export function unpackAppend({ bytes, entries, tiles, attachments, head }: PackedAppend): Append {
  const at = ([offset, length]: Place) => bytes.subarray(offset, offset + length);
  return {
    entries: entries.map((entry) => ({ ...entry, leaf: at(entry.leaf) })),
    tiles: tiles.map((tile) => ({
      ...tile,
      hashes: at(tile.hashes),
      inner: tile.inner === null ? null : at(tile.inner),
    })),
    attachments: attachments.map(({ digest, bytes }) => ({ digest, bytes: at(bytes) })),
    head: { size: head.size, root: at(head.root) },
  };
}

/** Into a buffer that holds nothing else, so that it can be handed over. */
function concatenate(parts: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
