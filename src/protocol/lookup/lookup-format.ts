// Holds what schema and reader of a lookup's answer share (lookup-answer.ts).

/** By what entries are found (term.ts). */
export const TERM_TYPES = ["measurement", "digest", "name", "payload", "signer"] as const;
export type TermType = (typeof TERM_TYPES)[number];

/** An answer shows at most so many entries: the newest. */
export const MAX_INDICES = 1000;
