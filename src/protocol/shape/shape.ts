// Defines what a generated validator is: it reads an untrusted JSON value once, and throws at the first fault, with the words that zod has
// for it. `npm run generate` composes the shapes of a format (*.shape.ts) from its zod schema (*.schema.ts), which is not loaded at run time.
import type { Validator } from "../encoding/shape.ts";

/** Where a reading stands, and what it has seen. */
export class Reading {
  /** Member names and indices down to the value that is being read; what is below that is left over from others. */
  readonly path: (string | number)[] = [];
  /** Members stood in the order of RFC 8785 in every object so far. */
  isSorted = true;

  /** @param goesOn the value is of the right type, only not as its checks want it: zod would go on, and a choice keeps to it. */
  refuse(depth: number, message: string, goesOn = false): never {
    throw new Fault(message, this.path.slice(0, depth), goesOn);
  }
}

/** Not an Error: choices make and drop them, and the stack says nothing that the path does not. */
export class Fault {
  readonly message: string;
  readonly path: readonly (string | number)[];
  readonly goesOn: boolean;

  constructor(message: string, path: readonly (string | number)[], goesOn: boolean) {
    this.message = message;
    this.path = path;
    this.goesOn = goesOn;
  }
}

/** Says what is wrong with a value of the right type, or null. */
export interface Check<T> {
  (value: T): string | null;
  /** Of an array with more items not one is read. */
  readonly mostItems?: number;
}

/** Judges and reads values of one form. Stands where a zod schema could. */
export class Shape<T> implements Validator<T> {
  /** @param depth length of the value's path. @throws Fault */
  readonly read: (value: unknown, reading: Reading, depth: number) => T;

  constructor(read: (value: unknown, reading: Reading, depth: number) => T) {
    this.read = read;
  }

  /** The value, or the first of its faults. */
  safeParse(value: unknown, reading: Reading = new Reading()): ReturnType<Validator<T>["safeParse"]> {
    try {
      return { data: this.read(value, reading, 0) };
    } catch (error) {
      if (error instanceof Fault) return { error: { issues: [error] } };
      throw error;
    }
  }
}

/** The shape of a value whose type `isType` decides. */
// @__NO_SIDE_EFFECTS__
export function typed<T>(
  expected: string,
  isType: (value: unknown) => value is T,
  checks: Check<T>[],
): Shape<T> {
  return new Shape((value, reading, depth) => {
    if (!isType(value)) return reading.refuse(depth, notOfType(expected, value));
    hold(value, checks, reading, depth);
    return value;
  });
}

/** @throws Fault of the first check that fails. */
export function hold<T>(value: T, checks: readonly Check<T>[], reading: Reading, depth: number): void {
  for (const check of checks) {
    const fault = check(value);
    if (fault !== null) reading.refuse(depth, fault, true);
  }
}

export function notOfType(expected: string, value: unknown): string {
  const type = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
  const received = typeof value === "number" && !Number.isFinite(value) ? String(value) : type;
  return `Invalid input: expected ${expected}, received ${received}`;
}

/** A rule of the format that only code can say: a named function of the file that defines the format. */
// @__NO_SIDE_EFFECTS__
export function rule<T>(holds: (value: T) => boolean, message: string): Check<T> {
  return (value) => (holds(value) ? null : message);
}
