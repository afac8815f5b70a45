// Keeps the high-water mark in an object that every machine of a log can reach, and that is replaced only by whoever read it last: of two
// that would sign for one log, one is told.
import { type ObjectMeta, ObjectMovedError, type ObjectStore } from "../../node/objects/object-store.ts";
import { decodeUtf8, utf8 } from "../../protocol/encoding/text.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { parseCheckpoint } from "../../protocol/note/checkpoint.ts";
import { parseNote } from "../../protocol/note/signed-note.ts";
import { MarkMovedError, StartRefusedError } from "../errors.ts";
import type { HighWater, HighWaterMark } from "./high-water.ts";

type Objects = Pick<ObjectStore, "place" | "get" | "replaceIf">;

/** Nobody but the log reads it. */
const META: ObjectMeta = { contentType: "text/plain; charset=utf-8", cacheControl: "no-store", gzip: false };

export class ObjectHighWater implements HighWater {
  readonly #objects: Objects;
  readonly #key: string;
  /** Of the object that was read or written last; null for none. */
  #tag: string | null = null;
  /** Notes of writes of which no answer came: each may have been carried out, or may be yet. */
  readonly #tried = new Set<string>();

  constructor(objects: Objects, key: string) {
    this.#objects = objects;
    this.#key = key;
  }

  async read(): Promise<HighWaterMark | undefined> {
    const found = await this.#look();
    this.#tag = found?.tag ?? null;
    this.#tried.clear();
    return found && { note: found.note, isTorn: false };
  }

  async swap(note: string): Promise<void> {
    try {
      await this.#replace(note);
    } catch (error) {
      if (!(error instanceof ObjectMovedError)) throw this.#remembering(note, error);
      const stands = await this.#look();
      if (stands === undefined || !this.#tried.has(stands.note))
        throw new MarkMovedError(stands?.note ?? null);
      // It is what an earlier call wrote, of which no answer had come.
      this.#tag = stands.tag;
      await this.swap(note);
    }
  }

  async close(): Promise<void> {}

  async #replace(note: string): Promise<void> {
    this.#tag = await this.#objects.replaceIf(this.#key, utf8(note), this.#tag, META);
    this.#tried.clear();
  }

  #remembering(note: string, error: unknown): unknown {
    this.#tried.add(note);
    return error;
  }

  async #look(): Promise<{ readonly note: string; readonly tag: string } | undefined> {
    const found = await this.#objects.get(this.#key);
    if (found === undefined) return undefined;
    try {
      const note = decodeUtf8(found.bytes);
      parseCheckpoint(parseNote(note).text);
      return { note, tag: found.tag };
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      throw new StartRefusedError(
        "log-damaged",
        `${this.#objects.place}/${this.#key} is damaged: it holds no checkpoint (${error.message}). It cannot be known what the log has signed; remove the object and run 'touchstone recover --from MIRROR', which writes it anew`,
      );
    }
  }
}
