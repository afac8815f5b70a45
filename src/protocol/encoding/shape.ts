// A JSON value held against its zod schema: the one place where untrusted values become typed ones.
import type * as z from "zod";
import { MalformedError } from "../errors.ts";

/**
 * The value as its schema reads it.
 * @param format what it claims to be; @param pointer JSON pointer of the value in its document.
 * @throws MalformedError with the JSON pointer (RFC 6901) of the first fault.
 */
export function readAs<T>(schema: z.ZodType<T>, value: unknown, format: string, pointer = ""): T {
  const { data, error } = schema.safeParse(value);
  if (error === undefined) return data;
  const [issue] = error.issues;
  const path = issue?.path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`) ?? [];
  throw new MalformedError(format, issue?.message ?? "not valid", pointer + path.join(""));
}
