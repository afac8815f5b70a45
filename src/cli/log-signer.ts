// Opens what signs the log's checkpoints: its key in a file or a variable, or a program or a token that keeps it.
import { signingNatively } from "../node/ed25519.ts";
import { openSigner } from "../node/signing/open-signer.ts";
import { isElsewhere } from "../node/signing/signer-source.ts";
import { signatureAlgorithmOf } from "../protocol/cryptography/signature.ts";
import { decodeBase64 } from "../protocol/encoding/base64.ts";
import { MalformedError } from "../protocol/errors.ts";
import { createNoteSigner, createVerifierKey, ED25519, type VerifierKey } from "../protocol/note/key.ts";
import type { NoteSigner } from "../protocol/note/signed-note.ts";
import type { CliContext } from "./context.ts";
import { readNoteKey } from "./note-key.ts";

export interface LogSigner {
  readonly verifierKey: VerifierKey;
  readonly signer: NoteSigner;
}

/**
 * @param source a file or `env:NAME` with PRIVATE+KEY+…, or a signer that keeps an Ed25519 key elsewhere.
 * @param origin the log's, under which a key signs that has no name by itself.
 * @throws MalformedError; SignerError.
 */
export async function openLogSigner(
  source: string,
  origin: string,
  context: Pick<CliContext, "environment" | "warn">,
): Promise<LogSigner> {
  if (!isElsewhere(source)) {
    const key = await readNoteKey(source, context);
    return { verifierKey: key.verifierKey, signer: createNoteSigner(signingNatively(key)) };
  }
  const { spki, sign } = await openSigner(source, context);
  const der = decodeBase64(spki);
  if (signatureAlgorithmOf(der) !== "ed25519")
    throw new MalformedError("log key", "checkpoints are signed with Ed25519, and this key is another");
  const verifierKey = createVerifierKey(origin, ED25519, der.subarray(-32));
  const { name, keyId, type } = verifierKey;
  return { verifierKey, signer: { name, keyId, type, sign } };
}
