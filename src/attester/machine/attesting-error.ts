// Defines the error of a machine that cannot show what it is asked for: a device, the kernel or a tool fails.

export class AttestingError extends Error {
  override readonly name = "AttestingError";

  /** An error with what was tried before its own words. */
  static of(what: string, error: unknown): AttestingError {
    return new AttestingError(`${what}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
