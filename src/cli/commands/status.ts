// touchstone status: issues the next status with a key that is kept away from the log. The signer believes nothing that the log says: it
// replays the log, computes what is in force, and signs that.
import type { Command } from "commander";
import { audit } from "../../auditor/audit.ts";
import type { FindingCode } from "../../auditor/audit-finding.ts";
import { AuditState } from "../../auditor/audit-state.ts";
import { openSource } from "../../auditor/log-source.ts";
import { PolicyError } from "../../protocol/errors.ts";
import { draftStatus } from "../../protocol/registration/draft-status.ts";
import type { InForce } from "../../protocol/registration/in-force.ts";
import { signEnvelope } from "../../publisher/signing/sign.ts";
import { readSigningKey } from "../../publisher/signing/signing-key.ts";
import { parseTrustFile } from "../../verifier/bundle/trust-pin.ts";
import { type CliContext, judging, show } from "../context.ts";
import { readOwn } from "../files.ts";
import { DEFAULT_URL } from "../options.ts";
import { publishEnvelope } from "../publish-files.ts";

interface StatusOptions {
  readonly key: readonly string[];
  readonly trust: string;
  readonly to: string;
  readonly state?: string;
  readonly json?: boolean;
}

export function addStatus(program: Command, context: CliContext): void {
  program
    .command("status")
    .description("statuses: what is in force, summarised for verifiers")
    .command("publish")
    .description("replay the log, sign what is in force, publish it (where the service has no status key)")
    .requiredOption("--key <file|env:NAME...>", "private keys of the status role")
    .requiredOption("--trust <file>", "trust-root.json of the log: what the replay starts from")
    .option("--to <url>", "base URL of the log", DEFAULT_URL)
    .option("--state <file>", "state file of the replay, so that the next one goes on from here")
    .addHelpText(
      "after",
      "\nExample:\n  touchstone status publish --key keys/status.pem --trust trust-root.json --state status.audit",
    )
    .action(async (options: StatusOptions) => {
      const keys = options.key.map((source) => readSigningKey(source, context.environment));
      const payload = draftStatus(await replay(options, context), context.now());
      const envelope = signEnvelope({ payload, signatures: [] }, keys);
      const { index } = await publishEnvelope(envelope, options, context);
      const { version } = envelope.statement;
      show(context, options, { index, sequence: Number(version) }, [`status ${version}: entry ${index}`]);
    });
}

/** What is in force, by a replay that found nothing wrong; that the newest status has expired is what this one is for. */
async function replay({ trust, to, state: file }: StatusOptions, context: CliContext): Promise<InForce> {
  const state = AuditState.open(file ?? null);
  try {
    const pin = readOwn(trust, parseTrustFile);
    const read = openSource(to, { fetch: context.fetch });
    const { findings } = await judging(() => audit({ read, trust: pin, state, now: context.now() }));
    const wrong = findings.find(({ code }) => code !== "status-expired");
    if (wrong !== undefined) {
      throw new PolicyError<FindingCode>(
        wrong.code,
        `not signed, the log is not in order: ${wrong.message}; run 'touchstone audit'`,
      );
    }
    return state.loadInForce(state.memory.head.size);
  } finally {
    state.close();
  }
}
