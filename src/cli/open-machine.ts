// Opens the machine that the program runs in, as its options say.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseCollector } from "../attester/machine/collector.ts";
import { type Machine, thisMachine } from "../attester/machine/machine.ts";
import { configfs } from "../attester/machine/tsm-report.ts";
import type { StapleSources } from "../attester/vendors/fetch-stapled.ts";
import type { CliContext } from "./context.ts";
import type { MachineOptions } from "./machine-options.ts";

/** Where Linux shows the log that the CCEL table of ACPI points to. */
const CCEL = "sys/firmware/acpi/tables/data/CCEL";

export function openMachine(
  options: MachineOptions,
  context: CliContext,
): { machine: Machine; sources: StapleSources } {
  const { root, collect, nvidiaSmi, collateral, revocation } = options;
  const ccel = join(root, CCEL);
  const machine = thisMachine({
    reports: (context.reportFolder ?? configfs)(root),
    eventLog: options.eventLog ?? (existsSync(ccel) ? ccel : null),
    collectors: collect.map(parseCollector),
    nvidiaSmi,
  });
  return { machine, sources: { collateral, revocation, fetch: context.fetch } };
}
