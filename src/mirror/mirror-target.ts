// Defines where a static copy of a log is written. The layout is that of docs/formats.md ("Mirror folder"), whatever the target: a folder,
// or a bucket of objects.

export interface MirrorTarget {
  /** The bytes at a path, or undefined where there is nothing. */
  read(path: string): Promise<Uint8Array | undefined>;
  /**
   * Writes an object that never changes, as a whole or not at all. One that is there already with these bytes stays as it is.
   * @throws FileError when it is there with other bytes: the copy is damaged.
   */
  put(path: string, bytes: Uint8Array): Promise<void>;
  /** Makes durable all that was put. */
  settle(): Promise<void>;
  /** Replaces an object as a whole; it is durable once this returns. */
  replace(path: string, bytes: Uint8Array): Promise<void>;
  /** Removes partial tiles and bundles whose full one has been there since before this time. @returns how many. */
  removePartials(since: Date): Promise<number>;
}

export const CHECKPOINT = "checkpoint";
/** What the mirror itself needs to go on. */
export const MIRROR_STATE = "mirror.json";

export const attachmentPath = (digest: string): string => `v1/attachments/sha256/${digest}`;
