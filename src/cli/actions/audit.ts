// Replays a whole log as a stranger and shows everything that is wrong with it.
import { audit } from "../../auditor/audit.ts";
import type { AuditReport } from "../../auditor/audit-report.ts";
import { AuditState } from "../../auditor/audit-state.ts";
import { openSource } from "../../auditor/log-source.ts";
import { parseTrustFile } from "../../verifier/bundle/trust-pin.ts";
import { AnswerIsNo, type CliContext, judging, show, UsageError } from "../context.ts";
import { readOwn, writeOutput } from "../files.ts";

interface AuditCommandOptions {
  readonly trust?: string;
  readonly tofu?: boolean;
  readonly state?: string;
  readonly json?: boolean;
}

export async function runAudit(
  url: string,
  options: AuditCommandOptions,
  context: CliContext,
): Promise<void> {
  if ((options.trust === undefined) === (options.tofu !== true))
    throw new UsageError("give either --trust FILE, or --tofu to trust the log's own entry 0 on first use");
  const trust = options.trust === undefined ? null : readOwn(options.trust, parseTrustFile);
  const state = AuditState.open(options.state ?? null);
  try {
    const read = openSource(url, { fetch: context.fetch });
    const onProgress = context.interactive ? showProgress(context) : () => undefined;
    const report = await judging(() => audit({ read, trust, state, now: context.now(), onProgress }));
    const evidence = writeEvidence(report, options.state);
    show(context, options, { ...report, evidence }, reportLines(report, evidence));
    if (report.findings.length > 0) throw new AnswerIsNo("");
  } finally {
    state.close();
  }
}

function showProgress({ warn, now }: CliContext): (checked: number, size: number) => void {
  let last = 0;
  return (checked, size) => {
    if (now().getTime() - last < 1000) return;
    last = now().getTime();
    warn(`audited ${checked} of ${size} entries`);
  };
}

/** Two signed checkpoints that contradict each other convict the log before anyone who has its key. */
function writeEvidence({ evidence, size }: AuditReport, stateFile: string | undefined): string | null {
  if (evidence === null || stateFile === undefined) return null;
  const file = `${stateFile}.evidence-${size}.json`;
  writeOutput(file, `${JSON.stringify(evidence, null, 2)}\n`);
  return file;
}

function reportLines(report: AuditReport, evidence: string | null): string[] {
  const { origin, size, root, cosigned, findings, omitted } = report;
  return [
    ...(report.trust === "first-use"
      ? [`WARNING: trusted on first use: nobody vouches for ${report.pin?.digest ?? "this log"}`]
      : []),
    `log ${origin ?? "unknown"}, size ${size ?? "unknown"}, root ${root ?? "unknown"}`,
    ...cosigned.map(({ name, time }) => `  cosigned by ${name} at ${time}`),
    `${report.entriesChecked} entries (${report.since} known before), ${report.signaturesChecked} signatures, ${report.statusesRecomputed} statuses, ${report.attachmentsChecked} attachments checked`,
    `second opinion on the root (merkletreejs): ${report.secondOpinion}`,
    ...(report.successor === null ? [] : [`the log is closed; it goes on at ${report.successor}`]),
    ...findings.map(({ code, message }) => `FINDING ${code}: ${message}`),
    ...(omitted === 0 ? [] : [`and ${omitted} more findings`]),
    ...(evidence === null ? [] : [`evidence: ${evidence}`]),
    findings.length === 0 ? "nothing found" : `${findings.length + omitted} findings`,
  ];
}
