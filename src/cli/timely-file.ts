// Looks at the clock before a dated document is sealed, signed or sent: an expired one in a log stops everybody who verifies.
import type { Statement } from "../protocol/envelope/statement.ts";
import { PolicyError } from "../protocol/errors.ts";
import { requireTimely } from "../protocol/registration/document-times.ts";
import { type CliContext, UsageError } from "./context.ts";

/** @throws UsageError naming the file, unless that is allowed. */
export function requireTimelyFile(
  file: string,
  statement: Statement,
  options: { readonly allowExpired?: boolean },
  { now }: Pick<CliContext, "now">,
): void {
  if (options.allowExpired === true) return;
  try {
    requireTimely(statement, now());
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    throw new UsageError(`${file}: ${error.message} (--allow-expired takes it all the same)`);
  }
}
