// Reads objects, arrays and what they can be made of. Members are read in the order of the schema, so that the first fault is the one that
// zod names first; a value in which nothing changes is handed on, not copied.
import { type Check, Fault, hold, notOfType, type Reading, Shape } from "./shape.ts";

/** A shape for each member. */
export type Members<T> = { readonly [M in keyof T]-?: Shape<T[M]> };

/** The shape of an object whose members are known. */
export class ObjectShape<T> extends Shape<T> {
  readonly names: readonly string[];

  constructor(names: readonly string[], read: Shape<T>["read"]) {
    super(read);
    this.names = names;
  }
}

/** An object with these members and no other. */
// @__NO_SIDE_EFFECTS__
export function object<T extends object>(
  members: Members<T>,
  ...checks: Check<NoInfer<T>>[]
): ObjectShape<T> {
  const names = Object.keys(members);
  const readMembers = memberReader(members);
  const checkNames = nameChecker(names);
  return new ObjectShape(names, (value, reading, depth) => {
    const input = readObject(value, reading, depth);
    const read = readMembers(input, reading, depth) as T;
    checkNames(input, reading, depth);
    hold(read, checks, reading, depth);
    return read;
  });
}

/** An object whose other members are left out: a vendor may add some to its format. */
// @__NO_SIDE_EFFECTS__
export function openObject<T extends object>(members: Members<T>, ...checks: Check<NoInfer<T>>[]): Shape<T> {
  const names = Object.keys(members);
  const readMembers = memberReader(members);
  return new Shape((value, reading, depth) => {
    const read = readMembers(readObject(value, reading, depth), reading, depth);
    const known = Object.fromEntries(
      names.filter((name) => name in read).map((name) => [name, read[name]]),
    ) as T;
    hold(known, checks, reading, depth);
    return known;
  });
}

type Input = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Input {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readObject(value: unknown, reading: Reading, depth: number): Input {
  return isObject(value) ? value : reading.refuse(depth, notOfType("object", value));
}

function memberReader<T>(members: Members<T>): (input: Input, reading: Reading, depth: number) => Input {
  const names = Object.keys(members);
  const shapes: readonly Shape<unknown>[] = Object.values(members);
  return (input, reading, depth) => {
    let output: Record<string, unknown> | undefined;
    for (let i = 0; i < names.length; i++) {
      const name = names[i] as string;
      reading.path[depth] = name;
      const read = (shapes[i] as Shape<unknown>).read(input[name], reading, depth + 1);
      if (read === input[name]) continue;
      output ??= { ...input };
      output[name] = read;
    }
    return output ?? input;
  };
}

/** Refuses other names, and sees whether all stand in the order of RFC 8785: by UTF-16 code units. */
function nameChecker(names: readonly string[]): (input: Input, reading: Reading, depth: number) => void {
  const sorted = names.toSorted();
  const ranks = new Map(sorted.map((name, rank) => [name, rank]));
  return (input, reading, depth) => {
    let next = 0;
    const unknown: string[] = [];
    for (const name in input) {
      const rank = name === sorted[next] ? next : ranks.get(name);
      if (rank === undefined) unknown.push(name);
      else {
        if (rank < next) reading.isSorted = false;
        next = rank + 1;
      }
    }
    if (unknown.length === 0) return;
    const list = unknown.map((name) => `"${name}"`).join(", ");
    reading.refuse(depth, `Unrecognized key${unknown.length > 1 ? "s" : ""}: ${list}`, true);
  };
}

// @__NO_SIDE_EFFECTS__
export function list<T>(item: Shape<T>, ...checks: Check<NoInfer<T>[]>[]): Shape<T[]> {
  return new Shape((value, reading, depth) => {
    if (!Array.isArray(value)) return reading.refuse(depth, notOfType("array", value));
    for (const check of checks)
      if (value.length > (check.mostItems ?? value.length)) reading.refuse(depth, check(value) ?? "Too big");
    const read = readItems(value, () => item, reading, depth);
    hold(read, checks, reading, depth);
    return read;
  });
}

function readItems<T>(
  items: T[],
  shapeOf: (index: number) => Shape<T>,
  reading: Reading,
  depth: number,
): T[] {
  let output: T[] | undefined;
  for (let i = 0; i < items.length; i++) {
    reading.path[depth] = i;
    const read = shapeOf(i).read(items[i], reading, depth + 1);
    if (read === items[i]) continue;
    output ??= [...items];
    output[i] = read;
  }
  return output ?? items;
}

/** An array of so many items, each of its own shape. */
// @__NO_SIDE_EFFECTS__
export function tuple<T extends unknown[]>(...shapes: { readonly [I in keyof T]: Shape<T[I]> }): Shape<T> {
  return new Shape((value, reading, depth) => {
    if (!Array.isArray(value)) return reading.refuse(depth, notOfType("tuple", value));
    const found = value.length - shapes.length;
    if (found < 0) reading.refuse(depth, `Too small: expected array to have >=${shapes.length} items`);
    if (found > 0) reading.refuse(depth, `Too big: expected array to have <=${shapes.length} items`);
    return readItems(value, (i) => shapes[i] as Shape<unknown>, reading, depth) as T;
  });
}

/** An object whose names are data. */
// @__NO_SIDE_EFFECTS__
export function record<T>(name: Shape<string>, item: Shape<T>): Shape<Record<string, T>> {
  return new Shape((value, reading, depth) => {
    if (!isObject(value)) return reading.refuse(depth, notOfType("record", value));
    // Names of data have an order that nobody has looked at.
    reading.isSorted = false;
    const members = Object.entries(value).map(([key, member]) => {
      reading.path[depth] = key;
      if (name.safeParse(key).error) reading.refuse(depth + 1, "Invalid key in record");
      return [key, item.read(member, reading, depth + 1)] as const;
    });
    return Object.fromEntries(members);
  });
}

// @__NO_SIDE_EFFECTS__
export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return new Shape((value, reading, depth) => (value === null ? null : shape.read(value, reading, depth)));
}

// @__NO_SIDE_EFFECTS__
export function optional<T>(shape: Shape<T>): Shape<T | undefined> {
  return new Shape((value, reading, depth) =>
    value === undefined ? undefined : shape.read(value, reading, depth),
  );
}

/** @param fallback JSON, read anew each time that it is needed. */
// @__NO_SIDE_EFFECTS__
export function withDefault<T>(shape: Shape<T>, fallback: T): Shape<T> {
  const text = JSON.stringify(fallback);
  return new Shape((value, reading, depth) =>
    value === undefined ? JSON.parse(text) : shape.read(value, reading, depth),
  );
}

/** The value that `convert`, a named function of the file that defines the format, makes of what was read. */
// @__NO_SIDE_EFFECTS__
export function converted<T, U>(shape: Shape<T>, convert: (value: T) => U): Shape<U> {
  return new Shape((value, reading, depth) => convert(shape.read(value, reading, depth)));
}

/** One of these values. */
// @__NO_SIDE_EFFECTS__
export function oneOf<const T extends string | number | boolean>(...values: T[]): Shape<T> {
  const texts = values.map((value) => (typeof value === "string" ? `"${value}"` : String(value)));
  const message =
    values.length === 1
      ? `Invalid input: expected ${texts[0]}`
      : `Invalid option: expected one of ${texts.join("|")}`;
  return new Shape((value, reading, depth) =>
    values.includes(value as T) ? (value as T) : reading.refuse(depth, message),
  );
}

/** The first of these shapes that fits. Where the value has the form of one alone, that one's fault is told. */
// @__NO_SIDE_EFFECTS__
export function either<T extends unknown[]>(
  ...shapes: { readonly [I in keyof T]: Shape<T[I]> }
): Shape<T[number]> {
  return new Shape((value, reading, depth) => {
    const near: Fault[] = [];
    for (const shape of shapes) {
      try {
        return shape.read(value, reading, depth);
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        if (error.goesOn) near.push(error);
      }
    }
    if (near.length === 1) throw near[0];
    return reading.refuse(depth, "Invalid input");
  });
}

type ReadBy<S> = S extends Shape<infer T> ? T : never;

/** Objects of several forms, which one member tells apart: a shape for each of its values. */
// @__NO_SIDE_EFFECTS__
export function variants<S extends Readonly<Record<string, Shape<object>>>>(
  member: string,
  shapes: S,
): Shape<ReadBy<S[keyof S]>> {
  const values = Object.keys(shapes).map((value) => `'${value}'`);
  return new Shape((value, reading, depth) => {
    const input = readObject(value, reading, depth);
    const chosen = input[member];
    if (typeof chosen === "string" && Object.hasOwn(shapes, chosen))
      return (shapes[chosen] as Shape<ReadBy<S[keyof S]>>).read(input, reading, depth);
    reading.path[depth] = member;
    return reading.refuse(depth + 1, `Invalid discriminator value. Expected ${values.join(" | ")}`);
  });
}
