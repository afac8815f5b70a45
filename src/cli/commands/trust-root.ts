// touchstone trust-root: draft the successor of the trust root in force, collect signatures, publish it, and write the new pin.
import type { Command } from "commander";
import { formatTime } from "../../protocol/entry/fields.ts";
import type { TrustRoot } from "../../protocol/entry/trust-root.ts";
import { parseEnvelope } from "../../protocol/envelope/dsse.ts";
import { parseJson } from "../../protocol/envelope/parse-json.ts";
import { formatStatement } from "../../protocol/envelope/statement.ts";
import { getTrustRoot } from "../../publisher/client/lookup.ts";
import { nextTrustRoot } from "../../publisher/trust-root/draft-trust-root.ts";
import { formatTrustFile } from "../../verifier/bundle/trust-pin.ts";
import { type CliContext, show, UsageError } from "../context.ts";
import { readOwn, writeOutput } from "../files.ts";
import { logClient } from "../log-client.ts";
import { DEFAULT_URL, parsePositive } from "../options.ts";
import { addPublishTo } from "../publish-command.ts";
import { addSignTo } from "../sign-command.ts";

export function addTrustRoot(program: Command, context: CliContext): void {
  const trustRoot = program.command("trust-root").description("trust roots: who may do what in the log");
  trustRoot
    .command("draft")
    .description(
      "write the successor of the trust root in force, the same but for version and expiry: edit it, then sign it",
    )
    .option("--to <url>", "base URL of the log", DEFAULT_URL)
    .option("--days <number>", "until it expires", parsePositive, 5 * 365)
    .requiredOption("-o, --output <file>", "where to write the statement")
    .addHelpText("after", "\nExample:\n  touchstone trust-root draft -o root-2.json")
    .action(async (options: { to: string; days: number; output: string; json?: boolean }) => {
      const { envelope } = await getTrustRoot(logClient(options.to, context));
      if (envelope.statement.kind !== "trust-root")
        throw new UsageError("the log's answer is not a trust root");
      const expires = formatTime(new Date(context.now().getTime() + options.days * 86_400_000));
      const next = nextTrustRoot(
        { root: envelope.statement.predicate, digest: envelope.payloadDigest },
        expires,
      );
      writeOutput(options.output, `${JSON.stringify(next, null, 2)}\n`);
      show(context, options, { output: options.output, version: next.version }, [
        `${options.output}: trust root version ${next.version}; edit it, then: touchstone trust-root seal ${options.output} -o root.json`,
      ]);
    });
  trustRoot
    .command("seal <file>")
    .description("turn an edited trust root into the statement that is signed; says what is wrong with it")
    .requiredOption("-o, --output <file>", "where to write the statement")
    .addHelpText("after", "\nExample:\n  touchstone trust-root seal root-2.json -o root-2.statement.json")
    .action((file: string, options: { output: string; json?: boolean }) => {
      const payload = readOwn(file, (bytes) =>
        formatStatement("trust-root", parseJson(bytes, 1_000_000) as unknown as TrustRoot),
      );
      writeOutput(options.output, payload);
      show(context, options, { output: options.output }, [
        `${options.output}: sign it with a threshold of the old and of the new root keys`,
      ]);
    });
  addSignTo(trustRoot, context, "touchstone trust-root sign root-2.statement.json --key keys/root.pem");
  addPublishTo(trustRoot, context, "touchstone trust-root publish root-2.statement.dsse.json");
  trustRoot
    .command("pin <envelope>")
    .description("write trust-root.json for this trust root: what verifiers pin from now on")
    .requiredOption("-o, --output <file>", "where to write it")
    .addHelpText(
      "after",
      "\nExample:\n  touchstone trust-root pin root-2.statement.dsse.json -o trust-root.json",
    )
    .action((file: string, options: { output: string; json?: boolean }) => {
      const envelope = readOwn(file, parseEnvelope);
      if (envelope.statement.kind !== "trust-root") throw new UsageError(`${file} is not a trust root`);
      writeOutput(options.output, formatTrustFile(envelope));
      show(context, options, { output: options.output, digest: envelope.payloadDigest }, [
        `${options.output}: pins sha256:${envelope.payloadDigest}`,
      ]);
    });
}
