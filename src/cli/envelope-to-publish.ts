// Reads an envelope that is to be published, from whichever DSSE signer it is: where it is not in the log's form, it is turned into that.
import { equalBytes } from "../protocol/encoding/bytes.ts";
import { utf8 } from "../protocol/encoding/text.ts";
import { adoptEnvelope } from "../protocol/envelope/adopt-envelope.ts";
import { type Envelope, parseEnvelope } from "../protocol/envelope/dsse.ts";
import { MalformedError } from "../protocol/errors.ts";
import type { LogClient } from "../publisher/client/log-client.ts";
import { getTrustRoot } from "../publisher/client/lookup.ts";
import { type CliContext, UsageError } from "./context.ts";
import { readOwn } from "./files.ts";

export interface EnvelopeToPublish {
  /** What the file holds. */
  readonly bytes: Uint8Array;
  readonly envelope: Envelope;
}

/**
 * An envelope as `touchstone sign` writes it is taken as it is. For every other one the log is asked which keys may sign; the log decides
 * for itself, so that nothing hangs on its answer.
 * @throws UsageError naming the file; VerificationError where no key of the log's trust root signed.
 */
export async function readEnvelopeToPublish(
  file: string,
  client: LogClient,
  { warn }: Pick<CliContext, "warn">,
): Promise<EnvelopeToPublish> {
  const { bytes, own } = readOwn(file, (read) => ({ bytes: read, own: inOwnForm(read) }));
  if (own !== null) return { bytes, envelope: own };
  const { statement } = await getTrustRoot(client);
  try {
    const { envelope, changes } = await adoptEnvelope(bytes, statement.predicate.keys);
    for (const change of changes) warn(`${file}: ${change}`);
    return { bytes, envelope };
  } catch (error) {
    throw error instanceof MalformedError ? new UsageError(`${file}: ${error.message}`) : error;
  }
}

/** null for an envelope of another signer. @throws MalformedError for what is none at all. */
function inOwnForm(bytes: Uint8Array): Envelope | null {
  try {
    const envelope = parseEnvelope(bytes);
    // Only this program's own kind has an identity in a signature.
    if (envelope.signatures.some(({ identity }) => identity !== undefined)) return envelope;
    const text = new TextDecoder().decode(bytes).trim();
    return equalBytes(envelope.leaf, utf8(text)) ? envelope : null;
  } catch (error) {
    if (error instanceof MalformedError && claimsToBeEnvelope(bytes)) return null;
    throw error;
  }
}

function claimsToBeEnvelope(bytes: Uint8Array): boolean {
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof json === "object" && json !== null && "payload" in json && "signatures" in json;
  } catch {
    return false;
  }
}
