// Defines a store of objects under keys, such as a bucket or a folder: what was put under a key stays, and what may be replaced is replaced
// by whoever knows what stands there. Nobody trusts what is in one.
import { recogniseAcrossCopies } from "../../protocol/errors.ts";

/** How an object is sent to whoever asks the store for it over HTTP. */
export interface ObjectMeta {
  readonly contentType: string;
  readonly cacheControl: string;
  /** Worth compressing: a bucket keeps and sends it as gzip, a folder may have that form beside it. `get` gives the bytes themselves. */
  readonly gzip: boolean;
}

export interface StoredObject {
  readonly bytes: Uint8Array;
  /** Names this content under this key, for `replaceIf`. */
  readonly tag: string;
}

export interface ListedObject {
  readonly key: string;
  readonly modified: Date;
}

/**
 * Keys are as `requireKey` says, relative to what the store was opened for. What fails for a reason that may pass was tried several times.
 * @throws ObjectStoreError of every call; FileError of a folder.
 */
export interface ObjectStore {
  /** Where it is, for messages: never with a secret. */
  readonly place: string;
  /**
   * Writes an object that never changes, as a whole or not at all. It is durable after the next `settle`.
   * @returns "same" where these very bytes are there already.
   * @throws ObjectDiffersError where others are, which stay.
   */
  putNew(key: string, bytes: Uint8Array, meta: ObjectMeta): Promise<"created" | "same">;
  get(key: string): Promise<StoredObject | undefined>;
  /**
   * Replaces the object of this tag as a whole; it is durable once this returns. Where no answer came, it is read whether it was written.
   * @param tag null where there must be none.
   * @returns the new tag.
   * @throws ObjectMovedError where another one stands there, or none. ObjectStoreError "outcome-unknown": it may be written yet.
   */
  replaceIf(key: string, bytes: Uint8Array, tag: string | null, meta: ObjectMeta): Promise<string>;
  /** Removes an object, if it is there. */
  delete(key: string): Promise<void>;
  /** All objects whose keys begin with a text that is empty or ends with a slash, in any order. */
  list(prefix: string): Promise<ListedObject[]>;
  /** Makes durable all that was put new. */
  settle(): Promise<void>;
}

/** An object that never changes has other bytes than it must have: the store is damaged, or of something else. */
export class ObjectDiffersError extends Error {
  override readonly name = "ObjectDiffersError";
  readonly key: string;

  constructor(place: string, key: string) {
    super(
      `${place}/${key} has other bytes than the log's signed tree: this copy is damaged. Remove it, and it is written anew`,
    );
    this.key = key;
  }
}

/** Somebody else has replaced the object, or removed it. */
export class ObjectMovedError extends Error {
  override readonly name = "ObjectMovedError";

  constructor(place: string, key: string) {
    super(`${place}/${key} was changed by somebody else meanwhile`);
  }
}

export type ObjectStoreCode =
  /** Nobody answered, or not in time, or with an error that may pass. */
  | "store-unreachable"
  /** The store answered, and refuses: the bucket, the keys or the region are not right, or somebody else stands there. */
  | "store-refuses"
  /** What stands under a key cannot be read: it is too large, or its compression is broken. */
  | "object-unreadable"
  /** It is not known whether the object was written, and it may be written yet. */
  | "outcome-unknown"
  /** The store ignores the conditions of a request, so that two writers would overwrite each other. */
  | "storage-unsafe";

/** The store of objects cannot be used, now or as it is. */
export class ObjectStoreError extends Error {
  static {
    recogniseAcrossCopies(ObjectStoreError, "ObjectStoreError");
  }

  override readonly name = "ObjectStoreError";
  readonly code: ObjectStoreCode;

  constructor(code: ObjectStoreCode, message: string) {
    super(message);
    this.code = code;
  }
}

const KEY = /^[A-Za-z0-9._-]{1,128}(?:\/[A-Za-z0-9._-]{1,128}){0,15}$/;

/** Whether it is a key: parts of letters, digits and `._-` between slashes, none of which is `.` or `..`. */
export function isKey(text: string): boolean {
  return KEY.test(text) && !text.split("/").some((part) => part === "." || part === "..");
}

/** @throws RangeError for what is none. */
export function requireKey(key: string): void {
  if (!isKey(key)) throw new RangeError(`${JSON.stringify(key)} is no key of an object`);
}
