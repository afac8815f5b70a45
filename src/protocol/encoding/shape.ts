// Holds a JSON value against its schema: the one place where untrusted values become typed ones.
import { MalformedError } from "../errors.ts";
import type { Reading, Shape } from "../shape/shape.ts";

interface Issue {
  readonly message: string;
  /** Member names and indices down to the fault. */
  readonly path: readonly PropertyKey[];
}

/** Judges a value. A zod schema is one, and so is a shape that was generated from a schema. */
export interface Validator<T> {
  safeParse(
    value: unknown,
  ):
    | { readonly data: T; readonly error?: undefined }
    | { readonly data?: undefined; readonly error: { readonly issues: readonly Issue[] } };
}

/**
 * The value as its schema reads it, or another validator.
 * @param format what it claims to be; @param pointer JSON pointer of the value in its document.
 * @throws MalformedError with the JSON pointer (RFC 6901) of the first fault.
 */
export function readAs<T>(schema: Validator<T>, value: unknown, format: string, pointer = ""): T {
  return dataOf(schema.safeParse(value), format, pointer);
}

/** The same for part of a value that is being read already. */
export function readPart<T>(
  shape: Shape<T>,
  value: unknown,
  reading: Reading,
  format: string,
  pointer = "",
): T {
  return dataOf(shape.safeParse(value, reading), format, pointer);
}

function dataOf<T>(
  { data, error }: ReturnType<Validator<T>["safeParse"]>,
  format: string,
  pointer: string,
): T {
  if (error === undefined) return data;
  const [issue] = error.issues;
  const path = issue?.path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`) ?? [];
  throw new MalformedError(format, issue?.message ?? "not valid", pointer + path.join(""));
}
