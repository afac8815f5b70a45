// Makes evidence.json from what other tools wrote. Every input is recognised by its content, or refused with what it is and what to do.
import { claimsOf, encodeEvidence } from "../../attester/evidence-document.ts";
import { readDeviceEvidence } from "../../attester/forms/device-evidence.ts";
import { readEventLog } from "../../attester/forms/event-log.ts";
import { readQuoteEvidence } from "../../attester/forms/quote-evidence.ts";
import { staple } from "../../attester/vendors/fetch-stapled.ts";
import { platformOf } from "../../attester/vendors/platform.ts";
import type { GpuClaims } from "../../verifier/evidence.ts";
import { type CliContext, show, UsageError } from "../context.ts";
import { readOwn, writeOutput } from "../files.ts";

interface Options {
  readonly quote: string;
  readonly collateral: readonly string[];
  readonly eventLog?: string;
  readonly devices: readonly string[];
  readonly revocation: readonly string[];
  readonly nonce: Uint8Array;
  readonly ccMode?: GpuClaims["ccMode"];
  readonly devtools?: boolean;
  readonly gpuMode: GpuClaims["mode"];
  readonly output: string;
  readonly json?: boolean;
}

export async function runAssemble(options: Options, context: CliContext): Promise<void> {
  const shown = readOwn(options.quote, readQuoteEvidence);
  const eventLog = options.eventLog === undefined ? shown.eventLog : readOwn(options.eventLog, readEventLog);
  const devices = options.devices.flatMap((file) => readOwn(file, readDeviceEvidence));
  const claims = claimsOf(stateOf(options), devices);
  const sources = { collateral: options.collateral, revocation: options.revocation, fetch: context.fetch };
  const stapled = await staple(sources, platformOf(shown.quote), devices);
  const evidence = encodeEvidence({ ...stapled, ...shown, eventLog, devices, nonce: options.nonce, claims });
  writeOutput(options.output, evidence);
  const gpus = claims.reports.length;
  const switches = claims.switches.length;
  const log = eventLog?.format ?? null;
  show(context, options, { output: options.output, gpus, switches, eventLog: log, bytes: evidence.length }, [
    `${options.output}: a quote, ${log ?? "no"} event log, ${gpus} GPUs, ${switches} switches, ${evidence.length} bytes`,
  ]);
}

/** Of a machine without GPUs nothing has to be said; of one with some nothing is guessed. */
function stateOf({
  ccMode,
  devtools,
  gpuMode,
  devices,
}: Options): Pick<GpuClaims, "ccMode" | "devtools" | "mode"> {
  if (ccMode === undefined && devices.length > 0)
    throw new UsageError("missing: --cc-mode <mode>, as the guest stated it: REPORTDATA covers it");
  return {
    ccMode: ccMode ?? "off",
    devtools: devtools ?? ccMode === "devtools",
    mode: gpuMode,
  };
}
