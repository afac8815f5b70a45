// Signs a statement, or adds a signature to an envelope.
import { openSigners } from "../../node/signing/open-signer.ts";
import { describeReference } from "../../protocol/entry/reference.ts";
import { parseStatement } from "../../protocol/envelope/statement.ts";
import { parseSignable, signEnvelope } from "../../publisher/signing/sign.ts";
import { type CliContext, show } from "../context.ts";
import { readOwn, writeOutput } from "../files.ts";
import { envelopePathOf } from "../statement-files.ts";
import { requireTimelyFile } from "../timely-file.ts";

interface SignOptions {
  readonly key: readonly string[];
  readonly output?: string;
  readonly allowExpired?: boolean;
  readonly json?: boolean;
}

export async function runSign(file: string, options: SignOptions, context: CliContext): Promise<void> {
  const keys = await openSigners(options.key, context);
  const signable = readOwn(file, parseSignable);
  requireTimelyFile(file, parseStatement(signable.payload), options, context);
  const envelope = await signEnvelope(signable, keys);
  const output = options.output ?? envelopePathOf(file);
  writeOutput(output, envelope.leaf);
  const signers = envelope.signatures.map(({ keyId }) => keyId);
  show(context, { ...options, output }, { output, payloadDigest: envelope.payloadDigest, signers }, [
    `${output}: ${describeReference(envelope.statement)}, ${signers.length} signature(s)`,
    `payload sha256:${envelope.payloadDigest}`,
  ]);
}
