// touchstone key: makes signing keys and shows their public half. A private key is written to a file and never printed.
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import type { Command } from "commander";
import { encodePublicKeyPem } from "../../protocol/cryptography/signature.ts";
import { decodeBase64 } from "../../protocol/encoding/base64.ts";
import {
  COSIGNATURE_ED25519,
  createPrivateKey,
  ED25519,
  formatPrivateKey,
  formatVerifierKey,
  parsePrivateKey,
} from "../../protocol/note/key.ts";
import { generateSigningKey, parseSigningKey, readSigningKey } from "../../publisher/signing/signing-key.ts";
import { type CliContext, show, UsageError } from "../context.ts";
import { readInput, writeOutput } from "../files.ts";

const PRIVATE = 0o600;

export function addKey(program: Command, context: CliContext): void {
  const key = program.command("key").description("make keys and show their public half");
  key
    .command("generate")
    .description("write a new private key to a file that only its owner can read")
    .requiredOption("-o, --output <file>", "where to write the private key; never overwritten")
    .option("--log <origin>", "a log key with this origin, instead of a key that signs entries")
    .option("--cosigner <name>", "a cosigning key with this name, instead of a key that signs entries")
    .addHelpText("after", "\nExample:\n  touchstone key generate -o keys/publisher.pem")
    .action(async (options: { output: string; log?: string; cosigner?: string; json?: boolean }) => {
      if (existsSync(options.output))
        throw new UsageError(`${options.output} exists; a key is never overwritten`);
      const shown = await generate(options);
      show(context, options, shown.value, shown.lines);
    });
  key
    .command("show <file>")
    .description("show the public half of a private key (file or env:NAME)")
    .addHelpText("after", "\nExample:\n  touchstone key show keys/publisher.pem")
    .action(async (file: string, options: { json?: boolean }) => {
      const shown = await describeKey(file, context);
      show(context, options, shown.value, shown.lines);
    });
}

interface Shown {
  readonly value: unknown;
  readonly lines: readonly string[];
}

async function generate({
  output,
  log,
  cosigner,
}: {
  output: string;
  log?: string;
  cosigner?: string;
}): Promise<Shown> {
  if (log !== undefined && cosigner !== undefined) throw new UsageError("give one of --log and --cosigner");
  const noteName = log ?? cosigner;
  if (noteName === undefined) {
    const pem = generateSigningKey();
    writeOutput(output, pem, PRIVATE);
    return describeSigningKey(parseSigningKey(pem));
  }
  const privateKey = await createPrivateKey(
    noteName,
    log === undefined ? COSIGNATURE_ED25519 : ED25519,
    randomBytes(32),
  );
  writeOutput(output, `${formatPrivateKey(privateKey)}\n`, PRIVATE);
  return describeNoteKey(formatVerifierKey(privateKey.verifierKey));
}

async function describeKey(source: string, context: CliContext): Promise<Shown> {
  if (!source.startsWith("env:")) {
    const text = new TextDecoder().decode(readInput(source)).trim();
    if (text.startsWith("PRIVATE+KEY+"))
      return describeNoteKey(formatVerifierKey((await parsePrivateKey(text)).verifierKey));
  }
  return describeSigningKey(readSigningKey(source, context.environment));
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
