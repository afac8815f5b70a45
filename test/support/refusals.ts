// What a parser does with input it should refuse.
import { MalformedError, PolicyError, VerificationError } from "../../src/protocol/errors.ts";
import { RefusedError } from "../../src/verifier/service-errors.ts";

/** Runs the parser and returns what it threw, or undefined when it accepted. Anything but a MalformedError is rethrown. */
export async function malformedOf(parse: () => unknown): Promise<MalformedError | undefined> {
  try {
    await parse();
    return undefined;
  } catch (error) {
    if (error instanceof MalformedError) return error;
    throw error;
  }
}

/** The code of the VerificationError, PolicyError or RefusedError that the call ends with, "malformed", or "accepted". */
export async function outcomeOf(call: () => unknown): Promise<string> {
  try {
    await call();
    return "accepted";
  } catch (error) {
    if (error instanceof MalformedError) return "malformed";
    if (error instanceof VerificationError || error instanceof PolicyError || error instanceof RefusedError)
      return error.code;
    throw error;
  }
}
