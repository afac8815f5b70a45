// Keeps files that can be made again in a folder, up to so many bytes: what was written first goes first.
import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** What a crash left of a file that was being written. */
const UNFINISHED = ".tmp";

/**
 * Nothing here is synced, and nothing that fails is thrown: a full disk, or a folder that somebody removed, makes it forget. After a power cut
 * a file may hold anything, so whoever reads one must be able to tell.
 */
export class FileCache {
  readonly #folder: string;
  readonly #maxBytes: number;
  /** Sizes by name, oldest first. */
  readonly #files: Map<string, number>;
  #bytes = 0;

  private constructor(folder: string, maxBytes: number, files: ReadonlyArray<readonly [string, number]>) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
    this.#files = new Map(files);
    for (const [, size] of files) this.#bytes += size;
  }

  /** @param folder is made where it is not there, and belongs to the cache alone. */
  static async open(folder: string, maxBytes: number): Promise<FileCache> {
    await mkdir(folder, { recursive: true }).catch(() => undefined);
    const names = await readdir(folder).catch(() => []);
    const found: Array<{ readonly name: string; readonly size: number; readonly at: number }> = [];
    for (const name of names) {
      if (name.endsWith(UNFINISHED)) await rm(join(folder, name), { force: true }).catch(() => undefined);
      const facts = await stat(join(folder, name)).catch(() => undefined);
      if (facts?.isFile()) found.push({ name, size: facts.size, at: facts.mtimeMs });
    }
    found.sort((a, b) => a.at - b.at);
    return new FileCache(
      folder,
      maxBytes,
      found.map(({ name, size }) => [name, size]),
    );
  }

  async read(name: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (!this.#files.has(name)) return undefined;
    return readFile(join(this.#folder, name)).then(
      (bytes) => new Uint8Array(bytes),
      () => undefined,
    );
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    const path = join(this.#folder, name);
    const unfinished = `${path}.${randomBytes(6).toString("hex")}${UNFINISHED}`;
    try {
      await writeFile(unfinished, bytes);
      await rename(unfinished, path);
    } catch {
      await rm(unfinished, { force: true }).catch(() => undefined);
      return;
    }
    this.#forget(name);
    this.#files.set(name, bytes.length);
    this.#bytes += bytes.length;
    await this.#makeRoom();
  }

  async remove(name: string): Promise<void> {
    this.#forget(name);
    await rm(join(this.#folder, name), { force: true }).catch(() => undefined);
  }

  #forget(name: string): void {
    this.#bytes -= this.#files.get(name) ?? 0;
    this.#files.delete(name);
  }

  async #makeRoom(): Promise<void> {
    for (const [oldest] of this.#files) {
      if (this.#bytes <= this.#maxBytes) return;
      await this.remove(oldest);
    }
  }
}
