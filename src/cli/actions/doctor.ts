// Says in one list how a log's whole set-up is.
import { StoreUnreachableError } from "../../log/errors.ts";
import { AnswerIsNo, type CliContext, show } from "../context.ts";
import { examine } from "../doctor/examine.ts";
import type { Finding } from "../doctor/finding.ts";
import { readConfig } from "../open-log.ts";

interface DoctorOptions {
  readonly config: string;
  readonly json?: boolean;
}

/** @throws AnswerIsNo where something is at fault; StoreUnreachableError where nothing is but that somebody did not answer. */
export async function runDoctor(options: DoctorOptions, context: CliContext): Promise<void> {
  const findings = await examine(readConfig(options.config, context), context);
  const faults = findings.filter(({ level }) => level === "fault");
  const warnings = findings.filter(({ level }) => level === "warning").length;
  const report = { sound: faults.length === 0, faults: faults.length, warnings, findings };
  show(context, options, report, [...findings.flatMap(linesOf), "", summaryOf(report)]);
  if (faults.some(({ unanswered }) => !unanswered)) throw new AnswerIsNo();
  if (faults.length > 0) throw new StoreUnreachableError("");
}

const LEVEL_WIDTH = "warning".length;
const CHECK_WIDTH = "high-water".length;

function linesOf({ level, check, detail, advice }: Finding): string[] {
  const line = `${level.padEnd(LEVEL_WIDTH)}  ${check.padEnd(CHECK_WIDTH)}  ${detail}`;
  return advice === null ? [line] : [line, `${" ".repeat(LEVEL_WIDTH + CHECK_WIDTH + 4)}→ ${advice}`];
}

function summaryOf({ faults, warnings }: { faults: number; warnings: number }): string {
  const counted = `${faults} faults, ${warnings} warnings`;
  return faults > 0 ? `NOT SOUND: ${counted}` : `sound: ${counted}`;
}
