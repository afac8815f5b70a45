// Packs an append into the arguments of append_v1 (migrations/postgres): bytes of one kind one after the other, their lengths beside them.
// Packing copies them, so whoever passed them may go on changing its own.
import { digestPrefix } from "../digest-prefix.ts";
import type { Append } from "../log-store.ts";

/** What one statement takes in: PostgreSQL's limit for a value is 1 GiB. */
type Arguments = readonly unknown[];

/** The arguments after epoch, lease and expected size, in their order. */
export function packAppend({ entries, tiles, attachments, head }: Append): Arguments {
  const of = (list: "signers" | "tokens") => entries.flatMap((entry) => entry[list].map(() => entry.index));
  return [
    head.size,
    Buffer.from(head.root),
    Buffer.concat(entries.map(({ leaf }) => leaf)),
    entries.map(({ leaf }) => leaf.length),
    bytesOf(entries.map(({ payloadDigest }) => payloadDigest)),
    entries.map(({ kind }) => kind),
    entries.map(({ name }) => name),
    entries.map(({ version }) => version),
    bytesOf(entries.flatMap(({ signers }) => signers)),
    of("signers"),
    bytesOf(entries.flatMap(({ tokens }) => tokens)),
    of("tokens"),
    ...packPrefixes(entries),
    ...packTiles(tiles),
    Buffer.concat(attachments.map(({ bytes }) => bytes)),
    attachments.map(({ bytes }) => bytes.length),
    bytesOf(attachments.map(({ digest }) => digest)),
  ];
}

/** In the order of their index, where most rows of an append go: neighbours share pages. */
function packPrefixes(entries: Append["entries"]): Arguments {
  const rows = entries.flatMap(({ index, digests }) =>
    digests.map((digest) => [digestPrefix(digest), index] as const),
  );
  rows.sort(([a], [b]) => a - b);
  return [rows.map(([prefix]) => prefix), rows.map(([, index]) => index)];
}

function packTiles(tiles: Append["tiles"]): Arguments {
  return [
    Buffer.concat(tiles.flatMap(({ hashes, inner }) => (inner === null ? [hashes] : [hashes, inner]))),
    tiles.map(({ level }) => level),
    tiles.map(({ index }) => index),
    tiles.map(({ hashes }) => hashes.length),
    tiles.map(({ inner }) => inner?.length ?? 0),
  ];
}

/** Hex digests that were checked before they came here. */
function bytesOf(digests: readonly string[]): Buffer {
  return Buffer.from(digests.join(""), "hex");
}
