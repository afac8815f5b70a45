// Defines what a describer is: one object that turns the artefacts of one kind into a statement, and says how a release file and the
// command line name them.
import type * as z from "zod";
import type { ReleaseKindObject } from "../../protocol/entry/kind.ts";
import type { ReleaseKind } from "../../protocol/entry/release-kinds.ts";
import type { Described } from "./described.ts";
import type { ReleaseInput } from "./release-fields.ts";
import type { PathField } from "./table-fields.ts";

/** An option of `touchstone describe KIND`. */
export interface DescribeOption {
  /** As the help shows it: "--rim <file>". */
  readonly flags: string;
  readonly description: string;
  readonly required?: true;
  /** May be given several times; its value is the list of all. */
  readonly repeated?: true;
  /** "count": a whole number from 0 to 2^53 − 1; "time": RFC 3339, a Date. Anything else is text. */
  readonly value?: "count" | "time";
  readonly choices?: readonly string[];
  readonly default?: string;
}

/** The options of a command line do not go together, or one of them cannot be read. */
export class OptionsError extends Error {}

type Awaitable<T> = T | Promise<T>;

export interface Describer<Input = unknown, Options = unknown> {
  readonly kind: ReleaseKindObject<ReleaseKind>;
  /** What it describes, in a few words. */
  readonly summary: string;
  /** Options beside those that identify every release. */
  readonly options: readonly DescribeOption[];
  /** Shown below the options. */
  readonly example: string;
  /** Keys of its table in a release file, beside those of every release. A reference has the key of the predicate's member. */
  table(path: PathField): z.ZodRawShape;
  /** What a command line says, as a table would. @throws OptionsError */
  read(options: Options): Awaitable<Input>;
  /** References are paths of statements. @throws whatever is wrong with the artefacts. */
  describe(input: Input & { readonly release: ReleaseInput }): Promise<Described>;
}

interface DescriberOf<K extends ReleaseKind, S extends z.ZodRawShape, Options>
  extends Describer<z.infer<z.ZodObject<S>>, Options> {
  readonly kind: ReleaseKindObject<K>;
  table(path: PathField): S;
}

/** Holds the table, the options and what is described to one type. */
export function describer<K extends ReleaseKind, S extends z.ZodRawShape, Options>(
  definition: DescriberOf<K, S, Options>,
): Describer<z.infer<z.ZodObject<S>>, Options> {
  return definition;
}

/** Members that are undefined left out, as exact optional members want it. */
export function given<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
