// Makes keys and shows their public half. A private key is written to a file and never printed.
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { readKeyText } from "../../node/signing/key-source.ts";
import { openSigner } from "../../node/signing/open-signer.ts";
import { isElsewhere } from "../../node/signing/signer-source.ts";
import { generateSigningKey, parseSigningKey, signingKeyOf } from "../../node/signing/signing-key.ts";
import { encodePublicKeyPem } from "../../protocol/cryptography/signature.ts";
import { decodeBase64 } from "../../protocol/encoding/base64.ts";
import {
  COSIGNATURE_ED25519,
  COSIGNATURE_ML_DSA_44,
  createPrivateKey,
  ED25519,
  formatPrivateKey,
  formatVerifierKey,
} from "../../protocol/note/key.ts";
import { type CliContext, show, UsageError } from "../context.ts";
import { STANDARD, writeOutput } from "../files.ts";
import { noteKeyOf } from "../note-key.ts";

interface Shown {
  readonly value: unknown;
  readonly lines: readonly string[];
}

export async function runGenerate(
  options: GenerateOptions & { json?: boolean },
  context: CliContext,
): Promise<void> {
  if (options.output === STANDARD) throw new UsageError("a private key is written to a file, never printed");
  if (existsSync(options.output))
    throw new UsageError(`${options.output} exists; a key is never overwritten`);
  const shown = await generate(options);
  show(context, options, shown.value, shown.lines);
}

export async function runShow(file: string, options: { json?: boolean }, context: CliContext): Promise<void> {
  const shown = await describeKey(file, context);
  show(context, options, shown.value, shown.lines);
}

const PRIVATE = 0o600;

interface GenerateOptions {
  readonly output: string;
  readonly log?: string;
  readonly cosigner?: string;
  readonly mlDsa44?: boolean;
}

async function generate({ output, log, cosigner, mlDsa44 = false }: GenerateOptions): Promise<Shown> {
  if (log !== undefined && cosigner !== undefined) throw new UsageError("give one of --log and --cosigner");
  const noteName = log ?? cosigner;
  if (noteName === undefined) {
    if (mlDsa44)
      throw new UsageError("entries are not signed with ML-DSA-44: give --log or --cosigner with it");
    const pem = generateSigningKey();
    writeOutput(output, pem, PRIVATE);
    return describeSigningKey(parseSigningKey(pem));
  }
  const ed25519 = log === undefined ? COSIGNATURE_ED25519 : ED25519;
  const privateKey = await createPrivateKey(
    noteName,
    mlDsa44 ? COSIGNATURE_ML_DSA_44 : ed25519,
    randomBytes(32),
  );
  writeOutput(output, `${formatPrivateKey(privateKey)}\n`, PRIVATE);
  return describeNoteKey(formatVerifierKey(privateKey.verifierKey));
}

async function describeKey(source: string, context: CliContext): Promise<Shown> {
  if (isElsewhere(source)) return describeSigningKey(await openSigner(source, context));
  const key = readKeyText(source, context.environment, context.warn);
  if (key.text.trimStart().startsWith("PRIVATE+KEY+"))
    return describeNoteKey(formatVerifierKey((await noteKeyOf(key)).verifierKey));
  return describeSigningKey(signingKeyOf(key));
}

function describeSigningKey({ keyId, spki }: { keyId: string; spki: string }): Shown {
  return {
    value: { keyId, spki },
    lines: [`key id  ${keyId}`, encodePublicKeyPem(decodeBase64(spki)).trimEnd()],
  };
}

function describeNoteKey(verifierKey: string): Shown {
  return { value: { verifierKey }, lines: [verifierKey] };
}
