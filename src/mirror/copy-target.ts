// Writes a static copy of a log into a store of objects, a folder or a bucket. The layout is that of docs/formats.md ("Mirror folder").
import type { ObjectStore } from "../node/objects/object-store.ts";
import { metaOf } from "./path-meta.ts";

export const CHECKPOINT = "checkpoint";
/** What the mirror itself needs to go on. */
export const MIRROR_STATE = "mirror.json";

export const attachmentPath = (digest: string): string => `v1/attachments/sha256/${digest}`;

/** Asking a bucket for all of its tiles takes a request for each thousand. */
const TIDY_EVERY_MS = 3_600_000;
const PARTIAL = /^(.+)\.p\/[1-9][0-9]{0,2}$/;

export class CopyTarget {
  readonly #store: ObjectStore;
  /** Tags of what was read and may be replaced. */
  readonly #tags = new Map<string, string | null>();
  #tidied = Number.NEGATIVE_INFINITY;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** The bytes at a path, or undefined where there is nothing. */
  async read(path: string): Promise<Uint8Array | undefined> {
    const found = await this.#store.get(path);
    if (isReplaced(path)) this.#tags.set(path, found?.tag ?? null);
    return found?.bytes;
  }

  /**
   * Writes an object that never changes, as a whole or not at all. One that is there already with these bytes stays as it is.
   * @throws ObjectDiffersError when it is there with other bytes: the copy is damaged.
   */
  async put(path: string, bytes: Uint8Array): Promise<void> {
    await this.#store.putNew(path, bytes, metaOf(path));
  }

  /** Makes durable all that was put. */
  async settle(): Promise<void> {
    await this.#store.settle();
  }

  /**
   * Replaces what was read at a path last, as a whole; it is durable once this returns.
   * @throws ObjectMovedError when another process has replaced it since: this copy is written by two of them.
   */
  async replace(path: string, bytes: Uint8Array): Promise<void> {
    const tag = this.#tags.get(path);
    if (tag === undefined) throw new TypeError(`${path} was not read before it was replaced`);
    this.#tags.set(path, await this.#store.replaceIf(path, bytes, tag, metaOf(path)));
  }

  /**
   * Removes partial tiles and bundles whose full one has been there since before this time; looks for them once an hour.
   * @returns how many.
   */
  async removePartials(since: Date): Promise<number> {
    if (since.getTime() < this.#tidied + TIDY_EVERY_MS) return 0;
    this.#tidied = since.getTime();
    const listed = await this.#store.list("tile/");
    const old = new Set(listed.filter(({ modified }) => modified < since).map(({ key }) => key));
    const superseded = listed.filter(({ key }) => old.has(PARTIAL.exec(key)?.[1] ?? ""));
    for (const { key } of superseded) await this.#store.delete(key);
    return superseded.length;
  }
}

function isReplaced(path: string): boolean {
  return path === CHECKPOINT || path === MIRROR_STATE;
}
