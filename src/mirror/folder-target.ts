// Writes a mirror into a folder that any web server can serve. A crash leaves a file as a whole or not at all.
import { randomBytes } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { sync, writeDurably } from "../node/durable-file.ts";
import { FileError } from "../node/file-error.ts";
import { equalBytes } from "../protocol/encoding/bytes.ts";
import type { MirrorTarget } from "./mirror-target.ts";

const compress = promisify(gzip);
const UNFINISHED = ".tmp";

export interface FolderOptions {
  /** Keeps each entry bundle compressed beside the plain one, under its name with `.gz`, as nginx' `gzip_static` wants it. */
  readonly gzip?: boolean;
}

export class FolderTarget implements MirrorTarget {
  readonly #folder: string;
  readonly #gzip: boolean;
  /** Folders with new names in them that are not durable yet. */
  readonly #changed = new Set<string>();

  constructor(folder: string, { gzip = false }: FolderOptions = {}) {
    this.#folder = folder;
    this.#gzip = gzip;
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    try {
      return new Uint8Array(await readFile(join(this.#folder, path)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw new FileError(join(this.#folder, path), `cannot be read: ${(error as Error).message}`);
    }
  }

  async put(path: string, bytes: Uint8Array): Promise<void> {
    const there = await this.read(path);
    if (there !== undefined && !equalBytes(there, bytes))
      throw new FileError(
        join(this.#folder, path),
        "has other bytes than the log's signed tree: this copy is damaged. Remove the file, and run the command again",
      );
    if (there === undefined) await this.#write(path, bytes);
    if (this.#gzip && path.startsWith("tile/entries/") && !(await this.#has(`${path}.gz`)))
      await this.#write(`${path}.gz`, await compress(bytes));
  }

  /** File contents are synced as they are written, names here: a folder once, however many names it got. */
  async settle(): Promise<void> {
    for (const folder of this.#changed) sync(folder);
    this.#changed.clear();
  }

  async replace(path: string, bytes: Uint8Array): Promise<void> {
    await this.#makeFolder(dirname(join(this.#folder, path)));
    writeDurably(join(this.#folder, path), bytes);
  }

  async removePartials(since: Date): Promise<number> {
    return this.#removeBelow(join(this.#folder, "tile"), since);
  }

  async #has(path: string): Promise<boolean> {
    return (await stat(join(this.#folder, path)).catch(() => undefined)) !== undefined;
  }

  async #write(path: string, bytes: Uint8Array): Promise<void> {
    const target = join(this.#folder, path);
    await this.#makeFolder(dirname(target));
    const unfinished = `${target}.${randomBytes(6).toString("hex")}${UNFINISHED}`;
    const file = await open(unfinished, "wx");
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, target);
    this.#changed.add(dirname(target));
  }

  /** Every folder that this makes is a new name in the one above it. */
  async #makeFolder(folder: string): Promise<void> {
    const first = await mkdir(folder, { recursive: true });
    for (let made = folder; first !== undefined && made.length >= first.length; made = dirname(made))
      this.#changed.add(dirname(made));
  }

  /** Partial tiles lie in a folder that is named after the full one, `005.p` beside `005`. What a kill left unfinished goes, too. */
  async #removeBelow(folder: string, since: Date): Promise<number> {
    let removed = 0;
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      const path = join(folder, entry.name);
      if (entry.name.endsWith(UNFINISHED)) {
        if (await isOlder(path, since)) await rm(path, { force: true });
      } else if (entry.isDirectory() && !entry.name.endsWith(".p")) {
        removed += await this.#removeBelow(path, since);
      } else if (entry.isDirectory() && (await isOlder(path.slice(0, -".p".length), since))) {
        removed += (await readdir(path)).filter((file) => !file.endsWith(".gz")).length;
        await rm(path, { recursive: true });
      }
    }
    return removed;
  }
}

async function isOlder(file: string, since: Date): Promise<boolean> {
  const facts = await stat(file).catch(() => undefined);
  return facts?.isFile() === true && facts.mtime < since;
}
