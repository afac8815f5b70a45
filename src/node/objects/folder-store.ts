// Keeps objects as files in a folder that any web server can serve. A crash leaves a file as a whole or not at all.
import { randomBytes } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { sync, writeDurably } from "../durable-file.ts";
import { FileError } from "../file-error.ts";
import { nativeSha256 } from "../sha256.ts";
import {
  isKey,
  type ListedObject,
  ObjectDiffersError,
  type ObjectMeta,
  ObjectMovedError,
  type ObjectStore,
  requireKey,
  type StoredObject,
} from "./object-store.ts";

const compress = promisify(gzip);
const UNFINISHED = ".tmp";
const COMPRESSED = ".gz";

export interface FolderOptions {
  /** Keeps what is worth compressing beside the plain file, under its name with `.gz`, as nginx' `gzip_static` wants it. */
  readonly gzip?: boolean;
}

/** One process has the folder: whoever opens it for writing holds a lock on it. In that process each key is written by one at a time. */
export class FolderStore implements ObjectStore {
  readonly place: string;
  readonly #gzip: boolean;
  /** Folders with names in them that may not be durable yet. */
  readonly #changed = new Set<string>();
  /** The last write of each key that is under way. */
  readonly #writing = new Map<string, Promise<unknown>>();

  constructor(folder: string, { gzip = false }: FolderOptions = {}) {
    this.place = resolve(folder);
    this.#gzip = gzip;
  }

  async get(key: string): Promise<StoredObject | undefined> {
    const file = this.#file(key);
    try {
      const bytes = new Uint8Array(await readFile(file));
      return { bytes, tag: encodeHex(nativeSha256(bytes)) };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw new FileError(file, `cannot be read: ${(error as Error).message}`);
    }
  }

  async putNew(key: string, bytes: Uint8Array, meta: ObjectMeta): Promise<"created" | "same"> {
    const file = this.#file(key);
    return this.#inTurn(key, async () => {
      const there = await this.get(key);
      if (there !== undefined && !equalBytes(there.bytes, bytes))
        throw new ObjectDiffersError(this.place, key);
      await this.#makeFolderOf(file);
      if (there === undefined) await this.#create(file, bytes);
      if (this.#gzip && meta.gzip && !(await exists(`${file}${COMPRESSED}`)))
        await this.#create(`${file}${COMPRESSED}`, await compress(bytes));
      return there === undefined ? "created" : "same";
    });
  }

  async replaceIf(key: string, bytes: Uint8Array, tag: string | null, _meta: ObjectMeta): Promise<string> {
    const file = this.#file(key);
    return this.#inTurn(key, async () => {
      const there = await this.get(key);
      if ((there?.tag ?? null) !== tag) throw new ObjectMovedError(this.place, key);
      await this.#makeFolderOf(file);
      writeDurably(file, bytes);
      await this.settle();
      return encodeHex(nativeSha256(bytes));
    });
  }

  async delete(key: string): Promise<void> {
    const file = this.#file(key);
    await rm(file, { force: true });
    await rm(`${file}${COMPRESSED}`, { force: true });
    if (key.includes("/")) await this.#removeIfEmpty(dirname(file));
  }

  async list(prefix: string): Promise<ListedObject[]> {
    const listed: ListedObject[] = [];
    await this.#walk(prefix, async (key) => {
      const isObject = isKey(key) && !key.endsWith(UNFINISHED) && !key.endsWith(COMPRESSED);
      const facts = isObject ? await stat(join(this.place, key)).catch(() => undefined) : undefined;
      if (facts?.isFile() === true) listed.push({ key, modified: facts.mtime });
    });
    return listed;
  }

  /** Contents are synced as they are written, names here: a folder once, however many names are in it. */
  async settle(): Promise<void> {
    for (const folder of this.#changed) sync(folder);
    this.#changed.clear();
  }

  /** Removes what a kill or a power cut left unfinished: for the process that has just got the folder. */
  async removeUnfinished(): Promise<void> {
    await this.#walk("", async (key) => {
      if (key.endsWith(UNFINISHED)) await rm(join(this.place, key), { force: true });
    });
  }

  #file(key: string): string {
    requireKey(key);
    return join(this.place, key);
  }

  /** The folder goes with its last file: one of partial tiles would stay for ever. */
  async #removeIfEmpty(folder: string): Promise<void> {
    try {
      await rmdir(folder);
      this.#changed.delete(folder);
    } catch {
      // There is more in it.
    }
  }

  /** After all earlier writes of this key: each reads what the one before has written. */
  #inTurn<T>(key: string, write: () => Promise<T>): Promise<T> {
    const before = this.#writing.get(key) ?? Promise.resolve();
    const written = before.then(write);
    const ended = written
      .catch(() => undefined)
      .then(() => {
        if (this.#writing.get(key) === ended) this.#writing.delete(key);
      });
    this.#writing.set(key, ended);
    return written;
  }

  /** Writes a file that is not there, as a whole. */
  async #create(target: string, bytes: Uint8Array): Promise<void> {
    const unfinished = `${target}.${randomBytes(6).toString("hex")}${UNFINISHED}`;
    await writeSynced(unfinished, bytes);
    await rename(unfinished, target);
  }

  /** Whoever wrote what is there already may have been killed before its names were synced: every folder on the way is, whoever made it. */
  async #makeFolderOf(file: string): Promise<void> {
    await mkdir(dirname(file), { recursive: true });
    for (let folder = dirname(file); folder.length >= this.place.length; folder = dirname(folder)) {
      this.#changed.add(folder);
      if (folder === dirname(folder)) break;
    }
  }

  /** Calls `visit` with the path of each file below a folder. */
  async #walk(prefix: string, visit: (key: string) => Promise<void>): Promise<void> {
    const entries = await readdir(join(this.place, prefix), { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const key = `${prefix}${entry.name}`;
      await (entry.isDirectory() ? this.#walk(`${key}/`, visit) : visit(key));
    }
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, "wx");
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

function isMissing(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "");
}
