// Holds what the field types of entries share, and the rules of theirs that only code can say (docs/formats.md, "Entry").

/** 2^53 − 1: the largest integer that every JSON reader keeps exactly. */
export const MAX_INTEGER = Number.MAX_SAFE_INTEGER;

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this refuses.
export const PRINTABLE = /^[^\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]*$/;

/** Whether a file name stays in the folder that it is relative to. */
export function isRelativePath(path: string): boolean {
  return !path.split("/").some((part) => part === ".." || part === "." || part === "");
}

/** Whether a text in the form of a time is of a day that the calendar has. */
export function isRealTime(value: string): boolean {
  const ms = Date.parse(value);
  return Number.isFinite(ms) && formatTime(new Date(ms)) === value;
}

/** Writes a time as entries hold it; fractions of a second are cut. */
export function formatTime(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

/** Whether no value of a list stands in it twice. */
export function differ(values: readonly unknown[]): boolean {
  return new Set(values).size === values.length;
}
