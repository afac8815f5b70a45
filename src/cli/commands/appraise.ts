// Implements `touchstone appraise`: is this machine one that the policy describes? Evidence comes from a file, or from a TLS server, to which
// nothing but a challenge is sent before the answer is yes.
import { type Command, Option } from "commander";
import type { CliContext } from "../context.ts";
import { judgeOnce } from "../judge-once.ts";
import { parseAddress, parseNonce, parseTime } from "../options.ts";
import { addTestingRoots } from "../testing-root-options.ts";

const EXAMPLE = `
Examples:
  touchstone appraise --bundle prod.bundle.json --policy prod --trust trust-root.json --state state.json \\
    --connect gpu.example.com:443
  touchstone appraise --bundle prod.bundle.json --policy prod --trust trust-root.json --state state.json \\
    --evidence evidence.json --channel-key server.pem --nonce $NONCE

Exit status: 0 trusted, 1 rejected, 2 something given is wrong, 3 the server could not be reached.`;

export function define(command: Command, context: CliContext): void {
  command
    .requiredOption("--bundle <file>", "policy bundle, as `bundle fetch` wrote it")
    .requiredOption("--policy <name>", "the policy that the bundle must be of")
    .requiredOption("--trust <file>", "trust-root.json of the log: what you pin")
    .option("--state <file>", "what was remembered of this log; created on the first visit")
    .option("--evidence <file>", "evidence.json of the machine")
    .option(
      "--connect <host:port>",
      "take the key from this TLS server, and the evidence from its certificate, or by asking for it",
      parseAddress,
    )
    .option("--channel-key <file>", "key of the TLS channel: public key or certificate, PEM or DER")
    .option("--hpke-key <hex>", "or the raw HPKE public key")
    .option(
      "--nonce <hex>",
      "the challenge that was sent, 32 bytes; drawn by --connect where the policy wants one",
      parseNonce,
    )
    .option("--now <time>", "judge as of this time (RFC 3339) instead of now", parseTime)
    .option("--ear <key>", "hand the verdict on, too: an EAT Attestation Result signed by this private key")
    .addOption(new Option("--ear-profile <name>", "whose readers it is for").choices(["veraison", "ietf-03"]))
    .option("--ear-output <file>", "where to write it")
    .option(
      "--svr <file>",
      "write the verdict as an in-toto statement (SVR 0.2), to be signed with what you sign others with",
    );
  addTestingRoots(command, ["intel", "nvidia"])
    .addHelpText("after", EXAMPLE)
    .action(async (options) => {
      judgeOnce();
      const { runAppraise } = await import("../actions/appraise.ts");
      await runAppraise(options, context);
    });
}
