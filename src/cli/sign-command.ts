// Defines `sign`, which stands at the top and again under `policy` and `trust-root`, where people look for it. It needs no network.
import type { Command } from "commander";
import { describeReference } from "../protocol/entry/reference.ts";
import { envelopeToJson } from "../protocol/envelope/dsse.ts";
import { parseSignable, signEnvelope } from "../publisher/signing/sign.ts";
import { readSigningKey } from "../publisher/signing/signing-key.ts";
import { type CliContext, show } from "./context.ts";
import { readOwn, writeOutput } from "./files.ts";
import { envelopePathOf } from "./statement-files.ts";

interface SignOptions {
  readonly key: readonly string[];
  readonly output?: string;
  readonly json?: boolean;
}

export function addSignTo(parent: Command, context: CliContext, example: string): void {
  parent
    .command("sign <file>")
    .description("sign a statement, or add a signature to an envelope (offline; run it once for each signer)")
    .requiredOption("--key <file|env:NAME...>", "private key, PKCS#8 PEM")
    .option("-o, --output <file>", "where to write the envelope (default: <file> with .dsse.json)")
    .addHelpText("after", `\nExample:\n  ${example}`)
    .action((file: string, options: SignOptions) => {
      const keys = options.key.map((source) => readSigningKey(source, context.environment));
      const envelope = signEnvelope(readOwn(file, parseSignable), keys);
      const output = options.output ?? envelopePathOf(file);
      writeOutput(output, `${JSON.stringify(envelopeToJson(envelope))}\n`);
      const signers = envelope.signatures.map(({ keyId }) => keyId);
      show(context, options, { output, payloadDigest: envelope.payloadDigest, signers }, [
        `${output}: ${describeReference(envelope.statement)}, ${signers.length} signature(s)`,
        `payload sha256:${envelope.payloadDigest}`,
      ]);
    });
}
