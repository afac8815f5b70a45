// Implements `touchstone evidence`: checks one piece of evidence alone, and prints what it says; or puts the pieces together. Whether a machine
// is trusted is more: `appraise`.
import { type Command, Option } from "commander";
import type { CliContext } from "../context.ts";
import { collect, parseNonce, parseTime } from "../options.ts";
import { addTestingRoots } from "../testing-root-options.ts";

export function define(evidence: Command, context: CliContext): void {
  addTdx(evidence, context);
  addNvidia(evidence, context);
  addAssemble(evidence, context);
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
    .action(async (options) => {
      const { runTdx } = await import("../actions/evidence.ts");
      await runTdx(options, context);
    });
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
    .action(async (options) => {
      const { runNvidia } = await import("../actions/evidence.ts");
      await runNvidia(options, context);
    });
}

const ASSEMBLE_EXAMPLE = `
Examples:
  touchstone evidence assemble --quote outblob --event-log CCEL --collateral https://localhost:8081 \\
    --devices gpus.json --revocation ocsp/ --cc-mode on --nonce $NONCE -o evidence.json
  touchstone evidence assemble --quote dstack-quote.json --collateral dcap-qvl.json --nonce $NONCE -o evidence.json`;

function addAssemble(evidence: Command, context: CliContext): void {
  evidence
    .command("assemble")
    .description("make evidence.json from what other tools wrote; nothing in it is judged")
    .requiredOption(
      "--quote <file>",
      "TDX quote: outblob of configfs-tsm, a file of go-tdx-guest, hex, base64, or JSON of dstack or Trustee",
    )
    .requiredOption(
      "--collateral <source>",
      "Intel's: collateral.json, dcap-qvl's JSON, a folder of answers, or the address of a PCCS; may be repeated",
      collect,
    )
    .option("--event-log <file>", "CCEL area or dstack's JSON, where it is not in the quote's file")
    .option("--devices <file>", "GPUs or switches, as nvattest prints them; may be repeated", collect, [])
    .option(
      "--revocation <source>",
      "OCSP answers and CRLs of NVIDIA: a file, a folder, or the address of a responder; may be repeated",
      collect,
      [],
    )
    .requiredOption("--nonce <hex>", "the challenge that REPORTDATA was made from, 32 bytes", parseNonce)
    .addOption(
      new Option("--cc-mode <mode>", "what the guest stated of its GPUs").choices(["on", "off", "devtools"]),
    )
    .option("--devtools", "the guest stated that devtools mode is on")
    .addOption(
      new Option("--gpu-mode <mode>", "how the guest stated that the GPUs are passed through")
        .choices(["single", "mpt", "ppcie"])
        .default("single"),
    )
    .requiredOption("-o, --output <file>", "where to write evidence.json; - is standard output")
    .addHelpText("after", ASSEMBLE_EXAMPLE)
    .action(async (options) => {
      const { runAssemble } = await import("../actions/assemble.ts");
      await runAssemble(options, context);
    });
}
