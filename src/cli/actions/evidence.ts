// Checks a TDX quote or a GPU report alone.
import { judgeGpu } from "../../publisher/evidence/check-gpu-report.ts";
import { judgeTdx } from "../../publisher/evidence/check-quote.ts";
import type { Check } from "../../verifier/check-list.ts";
import { pemTextOf } from "../../verifier/x509/pem.ts";
import { checkLines, warningLines } from "../check-lines.ts";
import { AnswerIsNo, type CliContext, judging, show, UsageError } from "../context.ts";
import { readInput } from "../files.ts";
import { readTestingRoot } from "../testing-root.ts";

interface TdxOptions {
  readonly quote: string;
  readonly collateral: string;
  readonly eventLog?: string;
  readonly asOf: Date;
  readonly intelRoot?: string;
  readonly json?: boolean;
}

interface NvidiaOptions {
  readonly report?: string;
  readonly chain?: string;
  readonly rim: readonly string[];
  readonly nonce?: Uint8Array;
  readonly asOf: Date;
  readonly nvidiaRoot?: string;
  readonly rimRoot?: string;
  readonly json?: boolean;
}

interface Judged {
  readonly accepted: boolean;
  readonly warnings: readonly string[];
  readonly notCompared: readonly string[];
  readonly checks: readonly Check[];
}

/** Evidence alone can be genuine; whether it is what was published is more, and the line says what of that was left open. */
function verdictLine({ accepted, notCompared }: Judged): string {
  return accepted ? `ACCEPTED as genuine; not compared: ${notCompared.join(", ")}` : "REJECTED";
}

type Fact = readonly [name: string, value: string];

export async function runTdx(options: TdxOptions, context: CliContext): Promise<void> {
  const judged = await judgeTdx({
    quote: readInput(options.quote),
    collateral: readInput(options.collateral),
    eventLog: options.eventLog === undefined ? null : readInput(options.eventLog),
    now: options.asOf,
    root: readTestingRoot("intel", options.intelRoot, context),
  });
  const { body, extended } = judged;
  answer(context, options, judged, [
    ["TCB status", judged.tcbStatus ?? "unknown"],
    ...Object.entries({ ...body, ...extended }).map(
      ([field, value]): Fact => [field, value ?? "none in this body"],
    ),
  ]);
}

export async function runNvidia(options: NvidiaOptions, context: CliContext): Promise<void> {
  const judged = await judging(() =>
    judgeGpu({
      gpu: readGpu(options),
      rims: options.rim.map(readInput),
      nonce: options.nonce ?? null,
      now: options.asOf,
      deviceRoot: readTestingRoot("nvidia", options.nvidiaRoot, context),
      rimRoot: readTestingRoot("rim", options.rimRoot, context),
    }),
  );
  const { rimMatch } = judged;
  answer(context, options, judged, [
    ["driver", judged.driverVersion ?? "not known"],
    ["VBIOS", judged.vbiosVersion ?? "not known"],
    ["mode", judged.mode ?? "not known"],
    ["FWID", judged.fwid ?? "not stated by the report"],
    ["RIM match", rimMatch === null ? "not compared" : `${rimMatch.matched}/${rimMatch.compared}`],
  ]);
}

function readGpu({ report, chain, rim }: NvidiaOptions): { report: Uint8Array; chain: string } | null {
  if (report === undefined && chain === undefined && rim.length > 0) return null;
  if (report === undefined || chain === undefined)
    throw new UsageError("--report and --chain go together; without them give --rim");
  return { report: readInput(report), chain: pemTextOf(readInput(chain)) };
}

function answer(
  context: CliContext,
  options: { readonly json?: boolean },
  judged: Judged,
  facts: readonly Fact[],
): void {
  const width = Math.max(...facts.map(([name]) => name.length));
  show(context, options, judged, [
    verdictLine(judged),
    "",
    ...facts.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`),
    ...warningLines(judged.warnings),
    ...checkLines(judged.checks),
  ]);
  if (!judged.accepted) throw new AnswerIsNo("");
}
