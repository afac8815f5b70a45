// Reads an envelope as it is published.
import { nativeSha256 } from "../../node/sha256.ts";
import { type Envelope, MAX_LEAF_BYTES, parseEnvelope } from "../../protocol/envelope/dsse.ts";
import { parseJson } from "../../protocol/envelope/parse-json.ts";
import { RequestProblem } from "../problem.ts";

/** White space and another order of signatures may make an envelope longer than the leaf it becomes. */
export const MAX_ENVELOPE_BYTES = 2 * MAX_LEAF_BYTES;

/** @throws RequestProblem "signature-missing" | "too-large", or what parseEnvelope throws. */
export function readEnvelope(bytes: Uint8Array): Envelope {
  try {
    return parseEnvelope(bytes, nativeSha256);
  } catch (error) {
    refuseWithReason(parseJson(bytes, MAX_ENVELOPE_BYTES));
    throw error;
  }
}

/** Two faults have a problem of their own. */
function refuseWithReason(json: unknown): void {
  const { payload, signatures } = (json ?? {}) as { payload?: unknown; signatures?: unknown };
  if (Array.isArray(signatures) && signatures.length === 0) {
    throw new RequestProblem("signature-missing", "the envelope has no signature; sign it first", {
      pointer: "/signatures",
    });
  }
  if (typeof payload === "string" && payload.length > MAX_LEAF_BYTES) {
    throw new RequestProblem("too-large", `an entry has at most ${MAX_LEAF_BYTES} bytes; attach long lists`);
  }
}
