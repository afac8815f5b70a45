// Reads the public keys that are named on the command line.

import { readPublicKey } from "../node/signing/public-key.ts";
import { MalformedError } from "../protocol/errors.ts";
import { UsageError } from "./context.ts";
import { readInput } from "./files.ts";

/** The SPKI DER that a file holds. @throws UsageError that names the file. */
export async function readPublicKeyFile(path: string): Promise<Uint8Array> {
  return readPublicKey(readInput(path)).catch((error: unknown) => {
    throw error instanceof MalformedError ? new UsageError(`${path}: ${error.message}`) : error;
  });
}
