// Defines what a page says of a kind of entry in plain words: one object a kind, as the protocol and the describers have theirs.
import type { Kind, Predicate } from "../../../protocol/entry/kinds.ts";
import type { Reference } from "../../../protocol/entry/reference.ts";
import type { Html } from "../frame.ts";

export interface Section {
  readonly heading: string;
  readonly body: Html;
}

/** Draws a reference as a link to its entry, where the log has it. */
export type LinkTo = (reference: Reference) => Html;

export interface KindWords<K extends Kind = Kind> {
  readonly kind: K;
  /** What entries of the kind are called in a heading, such as "Guest image". */
  readonly title: string;
  /** The same for several. */
  readonly plural: string;
  /** One sentence that somebody who knows nothing of the format understands. */
  sentence(predicate: Predicate<K>): string;
  /** The values that a reader looks for, with where each comes from. */
  sections(predicate: Predicate<K>, link: LinkTo): Section[];
}
