// Keeps the high-water mark in several places. All of them must take it before a signature is shown, so that whoever has one of them left
// knows what was signed.
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { type Checkpoint, parseCheckpoint } from "../../protocol/note/checkpoint.ts";
import { parseNote } from "../../protocol/note/signed-note.ts";
import { StartRefusedError } from "../errors.ts";
import type { HighWater, HighWaterMark } from "./high-water.ts";

export class HighWaterList implements HighWater {
  readonly #marks: readonly HighWater[];

  /** @param marks in the order in which they are written: one that other candidates share comes first, since it may refuse. */
  constructor(marks: readonly HighWater[]) {
    this.#marks = marks;
  }

  /** The largest of them: a crash between two writes leaves the later ones behind, and a new place holds none. */
  async read(): Promise<HighWaterMark | undefined> {
    const found = await Promise.all(this.#marks.map((mark) => mark.read()));
    const held = found.filter((mark) => mark !== undefined);
    const [first, ...others] = held.map((mark) => ({ mark, checkpoint: checkpointOf(mark) }));
    if (first === undefined) return undefined;
    for (const { checkpoint } of others) requireSameTree(first.checkpoint, checkpoint);
    const largest = others.reduce((a, b) => (b.checkpoint.size > a.checkpoint.size ? b : a), first);
    return largest.mark;
  }

  async swap(note: string): Promise<void> {
    for (const mark of this.#marks) await mark.swap(note);
  }

  async close(): Promise<void> {
    await Promise.all(this.#marks.map((mark) => mark.close()));
  }
}

function checkpointOf({ note }: HighWaterMark): Checkpoint {
  return parseCheckpoint(parseNote(note).text);
}

/** Of different sizes the larger one is held against the tree at the start, and the smaller was written by the same hand before it. */
function requireSameTree(one: Checkpoint, other: Checkpoint): void {
  if (one.size !== other.size || equalBytes(one.root, other.root)) return;
  throw new StartRefusedError(
    "log-damaged",
    `two high-water marks say that the log has signed size ${one.size}, with different roots: it was signed in two places; find out who signed before anything else`,
  );
}
