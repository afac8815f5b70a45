// Holds a JSON value against its schema: the one place where untrusted values become typed ones.
import { MalformedError } from "../errors.ts";

interface Issue {
  readonly message: string;
  /** Member names and indices down to the fault. */
  readonly path: readonly PropertyKey[];
}

/** Judges a value. A zod schema is one, and a function that was generated from a schema can stand in its place. */
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
  const { data, error } = schema.safeParse(value);
  if (error === undefined) return data;
  const [issue] = error.issues;
  const path = issue?.path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`) ?? [];
  throw new MalformedError(format, issue?.message ?? "not valid", pointer + path.join(""));
}
