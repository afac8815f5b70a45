// Finds out which log a policy or a revocation is to be signed for.
import { getTrustRoot } from "../publisher/client/lookup.ts";
import { parseTrustFile } from "../verifier/bundle/trust-pin.ts";
import type { CliContext } from "./context.ts";
import { readOwn } from "./files.ts";
import { logClient } from "./log-client.ts";

export interface LogChoice {
  /** Base URL of the log. */
  readonly to: string;
  /** trust-root.json of the log. */
  readonly trust?: string;
}

/** The origin in the pinned trust root; without one, in the trust root that the log shows, which nothing proves to be its own. */
export async function logOrigin({ to, trust }: LogChoice, context: CliContext): Promise<string> {
  if (trust !== undefined) return readOwn(trust, parseTrustFile).origin;
  return (await getTrustRoot(logClient(to, context))).statement.predicate.origin;
}
