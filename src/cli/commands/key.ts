// Implements `touchstone key`: makes signing keys and shows their public half. A private key is written to a file and never printed.
import type { Command } from "commander";
import type { CliContext } from "../context.ts";

export function define(key: Command, context: CliContext): void {
  key
    .command("generate")
    .description("write a new private key to a file that only its owner can read")
    .requiredOption("-o, --output <file>", "where to write the private key; never overwritten")
    .option("--log <origin>", "a log key with this origin, instead of a key that signs entries")
    .option("--cosigner <name>", "a cosigning key with this name, instead of a key that signs entries")
    .option("--ml-dsa-44", "with --log or --cosigner: an ML-DSA-44 key, instead of Ed25519")
    .addHelpText("after", "\nExample:\n  touchstone key generate -o keys/publisher.pem")
    .action(async (options) => {
      const { runGenerate } = await import("../actions/key.ts");
      await runGenerate(options, context);
    });
  key
    .command("show <file>")
    .description(
      "show the public half of a key: file, env:NAME, -, or what keeps it (cmd:, ssh-agent:, pkcs11:)",
    )
    .addHelpText("after", "\nExample:\n  touchstone key show keys/publisher.pem")
    .action(async (file, options) => {
      const { runShow } = await import("../actions/key.ts");
      await runShow(file, options, context);
    });
}
