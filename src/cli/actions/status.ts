// Signs and publishes the next status with a key that is kept away from the log: it replays the log and believes nothing else.

import { audit } from "../../auditor/audit.ts";
import type { FindingCode } from "../../auditor/audit-finding.ts";
import { AuditState } from "../../auditor/audit-state.ts";
import { openSource } from "../../auditor/log-source.ts";
import { openSigners } from "../../node/signing/open-signer.ts";
import { PolicyError } from "../../protocol/errors.ts";
import { draftStatus } from "../../protocol/registration/draft-status.ts";
import { currentTrustRoot, type InForce } from "../../protocol/registration/in-force.ts";
import { signEnvelope } from "../../publisher/signing/sign.ts";
import { parseTrustFile } from "../../verifier/bundle/trust-pin.ts";
import { type CliContext, judging, show } from "../context.ts";
import { readOwn } from "../files.ts";
import { publishEnvelope } from "../publish-files.ts";

interface StatusOptions {
  readonly key: readonly string[];
  readonly trust: string;
  readonly to: string;
  readonly state?: string;
  readonly json?: boolean;
}

export async function runPublish(options: StatusOptions, context: CliContext): Promise<void> {
  const keys = await openSigners(options.key, context);
  const { inForce, indexRoot } = await replay(options, context);
  const payload = draftStatus(inForce, context.now(), indexRoot);
  const envelope = await signEnvelope({ payload, signatures: [] }, keys);
  const { index } = await publishEnvelope(envelope, options, context);
  const { version } = envelope.statement;
  show(context, options, { index, sequence: Number(version) }, [`status ${version}: entry ${index}`]);
}

/** What this one is for. */
const REPAIRED: readonly FindingCode[] = ["status-expired", "status-ahead-of-clock"];

/** What is in force, and the root of the index, by a replay that found nothing wrong but the time of the newest status. */
async function replay(
  { trust, to, state: file }: StatusOptions,
  context: CliContext,
): Promise<{ readonly inForce: InForce; readonly indexRoot: string | null }> {
  const state = AuditState.open(file ?? null);
  try {
    const pin = readOwn(trust, parseTrustFile);
    const read = openSource(to, { fetch: context.fetch });
    const { findings } = await judging(() => audit({ read, trust: pin, state, now: context.now() }));
    const wrong = findings.find(({ code }) => !REPAIRED.includes(code));
    if (wrong !== undefined) {
      throw new PolicyError<FindingCode>(
        wrong.code,
        `not signed, the log is not in order: ${wrong.message}; run 'touchstone audit'`,
      );
    }
    const inForce = state.loadInForce(state.memory.head.size);
    return { inForce, indexRoot: currentTrustRoot(inForce)?.root.index ? state.drawIndex() : null };
  } finally {
    state.close();
  }
}
