// Keeps objects as files in a folder that any web server can serve. A crash leaves a file as a whole or not at all.
import { randomBytes } from "node:crypto";
import { link, mkdir, open, readdir, readFile, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
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

/** One process has the folder: whoever opens it for writing holds a lock on it. */
export class FolderStore implements ObjectStore {
  readonly place: string;
  readonly #gzip: boolean;
  /** Folders with new names in them that are not durable yet. */
  readonly #changed = new Set<string>();
  /** The last replacement: each reads what the one before has written. */
  #replacing: Promise<unknown> = Promise.resolve();

  constructor(folder: string, { gzip = false }: FolderOptions = {}) {
    this.place = folder;
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
    const there = await this.get(key);
    const isCreated = there === undefined && (await this.#create(this.#file(key), bytes));
    const kept = there ?? (isCreated ? undefined : await this.get(key));
    if (kept !== undefined && !equalBytes(kept.bytes, bytes)) throw new ObjectDiffersError(this.place, key);
    if (this.#gzip && meta.gzip) await this.#createCompressed(`${this.#file(key)}${COMPRESSED}`, bytes);
    return isCreated ? "created" : "same";
  }

  replaceIf(key: string, bytes: Uint8Array, tag: string | null, _meta: ObjectMeta): Promise<string> {
    const replaced = this.#replacing.then(() => this.#replace(key, bytes, tag));
    this.#replacing = replaced.catch(() => undefined);
    return replaced;
  }

  async delete(key: string): Promise<void> {
    const file = this.#file(key);
    await rm(file, { force: true });
    await rm(`${file}${COMPRESSED}`, { force: true });
    // The folder goes with its last file: a folder of partial tiles would stay for ever.
    if (key.includes("/")) await rmdir(dirname(file)).catch(() => undefined);
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

  /** Contents are synced as they are written, names here: a folder once, however many names it got. */
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

  async #replace(key: string, bytes: Uint8Array, tag: string | null): Promise<string> {
    const there = await this.get(key);
    if ((there?.tag ?? null) !== tag) throw new ObjectMovedError(this.place, key);
    await this.#makeFolder(dirname(this.#file(key)));
    writeDurably(this.#file(key), bytes);
    return encodeHex(nativeSha256(bytes));
  }

  /** A second name for a file fails where the name is taken, as renaming it would not. @returns whether it was free. */
  async #create(target: string, bytes: Uint8Array): Promise<boolean> {
    await this.#makeFolder(dirname(target));
    const unfinished = `${target}.${randomBytes(6).toString("hex")}${UNFINISHED}`;
    try {
      await writeSynced(unfinished, bytes);
      await link(unfinished, target);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      return false;
    } finally {
      await rm(unfinished, { force: true });
    }
    this.#changed.add(dirname(target));
    return true;
  }

  async #createCompressed(target: string, bytes: Uint8Array): Promise<void> {
    const isThere = (await stat(target).catch(() => undefined)) !== undefined;
    if (!isThere) await this.#create(target, await compress(bytes));
  }

  /** Every folder that this makes is a new name in the one above it. */
  async #makeFolder(folder: string): Promise<void> {
    const first = await mkdir(folder, { recursive: true });
    for (let made = folder; first !== undefined && made.length >= first.length; made = dirname(made))
      this.#changed.add(dirname(made));
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
