// touchstone sign: statement to envelope, or one more signature on an envelope. Needs no network and no log.
import type { Command } from "commander";
import { describeReference } from "../../protocol/entry/reference.ts";
import { envelopeToJson } from "../../protocol/envelope/dsse.ts";
import { parseSignable, signEnvelope } from "../../publisher/signing/sign.ts";
import { readSigningKey } from "../../publisher/signing/signing-key.ts";
import { type CliContext, show } from "../context.ts";
import { readInput, writeOutput } from "../files.ts";

interface SignOptions {
  readonly key: readonly string[];
  readonly output?: string;
  readonly json?: boolean;
}

export function addSign(program: Command, context: CliContext): void {
  addSignTo(program, context, "touchstone sign os-image.json --key keys/publisher.pem -o os-image.dsse.json");
}

/** Adds the same command where people look for it: under what they are about to sign. */
export function addSignTo(parent: Command, context: CliContext, example: string): void {
  parent
    .command("sign <file>")
    .description("sign a statement, or add a signature to an envelope (offline; run it once for each signer)")
    .requiredOption("--key <file|env:NAME...>", "private key, PKCS#8 PEM")
    .option("-o, --output <file>", "where to write the envelope (default: <file> with .dsse.json)")
    .addHelpText("after", `\nExample:\n  ${example}`)
    .action((file: string, options: SignOptions) => {
      const keys = options.key.map((source) => readSigningKey(source, context.environment));
      const envelope = signEnvelope(parseSignable(readInput(file)), keys);
      const output = options.output ?? envelopePathOf(file);
      writeOutput(output, `${JSON.stringify(envelopeToJson(envelope))}\n`);
      const signers = envelope.signatures.map(({ keyId }) => keyId);
      show(context, options, { output, payloadDigest: envelope.payloadDigest, signers }, [
        `${output}: ${describeReference(envelope.statement)}, ${signers.length} signature(s)`,
        `payload sha256:${envelope.payloadDigest}`,
      ]);
    });
}

/** x.json becomes x.dsse.json, and an envelope stays where it is. */
export function envelopePathOf(file: string): string {
  return file.endsWith(".dsse.json") ? file : `${file.replace(/\.json$/, "")}.dsse.json`;
}
