// touchstone evidence: checks one piece of evidence alone, and prints what it says. Whether a machine is trusted is more: `appraise`.
import type { Command } from "commander";
import { judgeGpu } from "../../publisher/evidence/check-gpu-report.ts";
import { judgeTdx } from "../../publisher/evidence/check-quote.ts";
import type { Check } from "../../verifier/check-list.ts";
import { pemTextOf } from "../../verifier/x509/pem.ts";
import { checkLines } from "../check-lines.ts";
import { AnswerIsNo, type CliContext, judging, show, UsageError } from "../context.ts";
import { readInput } from "../files.ts";
import { collect, parseNonce, parseTime } from "../options.ts";
import { addTestingRoots, readTestingRoot } from "../testing-root.ts";

export function addEvidence(program: Command, context: CliContext): void {
  const evidence = program.command("evidence").description("check one piece of evidence alone, and print it");
  addTdx(evidence, context);
  addNvidia(evidence, context);
}

interface TdxOptions {
  readonly quote: string;
  readonly collateral: string;
  readonly eventLog?: string;
  readonly asOf: Date;
  readonly intelRoot?: string;
  readonly json?: boolean;
}

function addTdx(evidence: Command, context: CliContext): void {
  const command = evidence
    .command("tdx")
    .description("a TDX quote: genuine, up to date, no debug TD, no service TD")
    .requiredOption("--quote <file>", "quote version 4 or 5, binary")
    .requiredOption("--collateral <file>", "Intel's collateral for it, JSON (docs/appraisal.md)")
    .option(
      "--event-log <file>",
      "CCEL table or dstack's JSON; must replay to RTMR0 to RTMR2 of the quote, and to RTMR3 if it logs it",
    )
    .requiredOption("--as-of <time>", "judge as of this time, RFC 3339", parseTime);
  addTestingRoots(command, ["intel"])
    .addHelpText(
      "after",
      "\nExample:\n  touchstone evidence tdx --quote quote.bin --collateral collateral.json --as-of 2026-11-23T14:00:00Z",
    )
    .action(async (options: TdxOptions) => {
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
    });
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

function addNvidia(evidence: Command, context: CliContext): void {
  const command = evidence
    .command("nvidia")
    .description("a GPU's report and certificate chain, held against RIM files; or RIM files alone")
    .option("--report <file>", "SPDM GET_MEASUREMENTS request and response, binary")
    .option("--chain <file>", "certificate chain of the report's key, PEM, leaf first")
    .option("--rim <file>", "RIM of the driver or VBIOS, XML; may be given several times", collect, [])
    .option("--nonce <hex>", "the nonce that the report must answer, 32 bytes", parseNonce)
    .requiredOption("--as-of <time>", "judge as of this time, RFC 3339", parseTime);
  addTestingRoots(command, ["nvidia", "rim"])
    .addHelpText(
      "after",
      "\nExample:\n  touchstone evidence nvidia --report report.bin --chain chain.pem --rim driver.xml --rim vbios.xml --as-of 2026-11-23T14:00:00Z",
    )
    .action(async (options: NvidiaOptions) => {
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
        ["FWID", judged.fwid ?? "not stated by the report"],
        ["RIM match", rimMatch === null ? "not compared" : `${rimMatch.matched}/${rimMatch.compared}`],
      ]);
    });
}

function readGpu({ report, chain, rim }: NvidiaOptions): { report: Uint8Array; chain: string } | null {
  if (report === undefined && chain === undefined && rim.length > 0) return null;
  if (report === undefined || chain === undefined)
    throw new UsageError("--report and --chain go together; without them give --rim");
  return { report: readInput(report), chain: pemTextOf(readInput(chain)) };
}

type Fact = readonly [name: string, value: string];

function answer(
  context: CliContext,
  options: { readonly json?: boolean },
  judged: { readonly accepted: boolean; readonly reason: string | null; readonly checks: readonly Check[] },
  facts: readonly Fact[],
): void {
  const width = Math.max(...facts.map(([name]) => name.length));
  show(context, options, judged, [
    judged.accepted ? "ACCEPTED" : "REJECTED",
    "",
    ...facts.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`),
    ...checkLines(judged.checks),
  ]);
  if (!judged.accepted) throw new AnswerIsNo("");
}
