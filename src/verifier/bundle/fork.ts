// Tells a fork: two signed checkpoints of one size and of different roots convict a log before everybody who has its key.
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { type Checkpoint, parseCheckpoint } from "../../protocol/note/checkpoint.ts";
import { parseNote } from "../../protocol/note/signed-note.ts";

/** The checkpoint in a signed note; its signatures are not looked at. @throws MalformedError */
export function treeOfNote(note: string): Checkpoint {
  return parseCheckpoint(parseNote(note).text);
}

/** Whether two signed notes of a log contradict each other. @throws MalformedError */
export function isFork([a, b]: readonly [string, string]): boolean {
  const [one, other] = [treeOfNote(a), treeOfNote(b)];
  return one.size === other.size && !equalBytes(one.root, other.root);
}

/** Whether two signed notes are of one tree, whoever cosigned them. @throws MalformedError */
export function isSameTree(a: string, b: string): boolean {
  const [one, other] = [treeOfNote(a), treeOfNote(b)];
  return one.size === other.size && equalBytes(one.root, other.root);
}

/** Two notes in their order where they are a fork, whichever was seen first; null where they are none. */
export function forkOf(a: string, b: string): [string, string] | null {
  const notes: [string, string] = a < b ? [a, b] : [b, a];
  return isFork(notes) ? notes : null;
}
