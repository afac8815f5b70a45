// A mirror in a folder: what the log publishes, as files under their tlog-tiles paths, and the reader that recovery is given.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ReadPath } from "../../src/log/maintenance/recover.ts";
import type { PublishedLog } from "../../src/log/published-log.ts";
import { entriesPath, TILE_WIDTH, tilePath, tilesOfSize } from "../../src/protocol/merkle/tile.ts";

type Readable = Pick<PublishedLog, "published" | "tile" | "entryBundle" | "attachment">;

/** Writes the published log into a folder, with these attachments. */
export async function writeMirror(
  log: Readable,
  folder: string,
  attachments: readonly string[] = [],
): Promise<void> {
  const { note, checkpoint } = log.published()!;
  for (const { level, full, partial } of tilesOfSize(checkpoint.size)) {
    for (let index = 0; index < full + (partial > 0 ? 1 : 0); index++) {
      const width = index < full ? TILE_WIDTH : partial;
      put(folder, tilePath(level, index, width), (await log.tile(level, index, width))!);
      if (level === 0) put(folder, entriesPath(index, width), (await log.entryBundle(index, width))!);
    }
  }
  for (const digest of attachments)
    put(folder, `v1/attachments/sha256/${digest}`, (await log.attachment(digest))!);
  put(folder, "checkpoint", Buffer.from(note));
}

function put(folder: string, path: string, bytes: Uint8Array): void {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, bytes);
}

export function readMirror(folder: string): ReadPath {
  return async (path) => {
    try {
      return new Uint8Array(readFileSync(join(folder, path)));
    } catch {
      return undefined;
    }
  };
}
