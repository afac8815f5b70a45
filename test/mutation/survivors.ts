// Holds the mutants that no test noticed against the list of those that none can notice (survivors.json, with a reason for each). A mutant
// is named by what it changes, and not by a line number, so that the list stays true when code moves.
import { readFileSync } from "node:fs";

/** A small change of the code, and what became of it. Line and column count from 1. */
export interface Mutant {
  readonly file: string;
  readonly start: { readonly line: number; readonly column: number };
  readonly end: { readonly line: number; readonly column: number };
  readonly replacement: string;
  readonly fate: "killed" | "timed out" | "survived" | "left out";
}

/** What a mutant changes: the line of code that it begins in, and a part of that in another way. */
export interface Change {
  readonly file: string;
  readonly code: string;
  readonly change: string;
}

export interface ListedSurvivor extends Change {
  /** How many mutants of a file have this line and change; 1 unless given. */
  readonly times?: number;
  readonly reason: string;
}

/** A long text is cut where it is still told from others. */
const SHOWN = 160;

export function readListed(): ListedSurvivor[] {
  return JSON.parse(readFileSync(new URL("survivors.json", import.meta.url), "utf8"));
}

/** @param source the text of the file that was mutated. */
export function changeOf({ file, start, end, replacement }: Mutant, source: string): Change {
  const lines = source.split("\n");
  const offsetOf = ({ line, column }: Mutant["start"]) =>
    lines.slice(0, line - 1).reduce((sum, { length }) => sum + length + 1, 0) + column - 1;
  const original = source.slice(offsetOf(start), offsetOf(end));
  const code = oneLine(lines[start.line - 1] ?? "");
  return { file, code, change: `${oneLine(original)} → ${oneLine(replacement)}` };
}

function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > SHOWN ? `${line.slice(0, SHOWN)}…` : line;
}

/**
 * What survived and is not listed, and what is listed and did not survive.
 * @param timedOut says nothing of what is listed: it may be an endless loop, or a machine that was busy with others.
 */
export function compare(
  survived: readonly Change[],
  listed: readonly ListedSurvivor[],
  timedOut: readonly Change[] = [],
): { readonly unlisted: Change[]; readonly stale: ListedSurvivor[] } {
  const left = new Map<string, number>();
  for (const entry of listed) left.set(keyOf(entry), entry.times ?? 1);
  const unlisted: Change[] = [];
  for (const change of survived) {
    const times = left.get(keyOf(change)) ?? 0;
    if (times === 0) unlisted.push(change);
    else left.set(keyOf(change), times - 1);
  }
  for (const change of timedOut) left.set(keyOf(change), Math.max(0, (left.get(keyOf(change)) ?? 0) - 1));
  return { unlisted, stale: listed.filter((entry) => left.get(keyOf(entry)) !== 0) };
}

const keyOf = ({ file, code, change }: Change): string => JSON.stringify([file, code, change]);
