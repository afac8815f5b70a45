// Signs what a release prepared. Signatures that others have made over the same statements stay, whichever machine they come from.
import { existsSync } from "node:fs";
import type { Signer } from "../../node/signing/signer.ts";
import { sha256 } from "../../protocol/cryptography/hash.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { type Envelope, parseEnvelope } from "../../protocol/envelope/dsse.ts";
import { MalformedError } from "../../protocol/errors.ts";
import type { IdentitySigner } from "../identity/sign-by-identity.ts";
import { parseSignable, type Signable, signEnvelope } from "../signing/sign.ts";
import { envelopePath, type PlannedEntry, statementPath } from "./plan.ts";
import { readSmallFile } from "./read-file.ts";
import type { ReleaseTools } from "./release-tools.ts";

/**
 * Adds the signatures of the keys that have not signed yet, and last that of an identity, whose token is good for minutes.
 * @returns undefined when nobody has signed and there is no key to sign with.
 * @throws MalformedError when a file holds another statement than the one that was prepared.
 */
export async function signPlanned(
  entry: PlannedEntry,
  folder: string,
  keys: readonly Signer[],
  { write }: Pick<ReleaseTools, "write">,
  identity: IdentitySigner | null = null,
): Promise<Envelope | undefined> {
  const path = envelopePath(folder, entry.table);
  const signable = readSignable(entry, folder);
  const missing = keys.filter(
    ({ keyId }) => !signable.signatures.some((signature) => signature.keyId === keyId),
  );
  if (identity !== null) {
    const others = missing.length === 0 ? signable : await signEnvelope(signable, missing);
    const envelope = await identity.sign(others);
    write(path, envelope.leaf);
    return envelope;
  }
  if (missing.length === 0)
    return signable.signatures.length === 0 ? undefined : parseEnvelope(readSmallFile(path));
  const envelope = await signEnvelope(signable, missing);
  write(path, envelope.leaf);
  return envelope;
}

function readSignable(entry: PlannedEntry, folder: string): Signable {
  const signed = envelopePath(folder, entry.table);
  const path = existsSync(signed) ? signed : statementPath(folder, entry.table);
  const signable = parseSignable(readSmallFile(path));
  const payloadDigest = encodeHex(sha256(signable.payload));
  if (payloadDigest !== entry.digest)
    throw new MalformedError(
      "release",
      `${path} holds another statement (sha256:${payloadDigest}) than the plan's`,
    );
  return signable;
}
