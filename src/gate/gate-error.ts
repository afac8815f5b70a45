// Finds the refusal of a gate in what others make of it.
import { GateError } from "../sealed/gate-error.ts";

/** The gate's refusal in an error that a client library wrapped around it, or null. */
export function gateErrorIn(error: unknown): GateError | null {
  for (let inner = error; inner instanceof Error; inner = inner.cause)
    if (inner instanceof GateError) return inner;
  return null;
}
