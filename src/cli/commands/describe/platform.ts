// touchstone describe platform: TDX firmware, the shape of the VM, and a known-good quote or event log into a statement.
import { type Command, Option } from "commander";
import type { PageAddOrder } from "../../../publisher/describe/formats/tdvf.ts";
import { describePlatform } from "../../../publisher/describe/platform.ts";
import { type CliContext, UsageError } from "../../context.ts";
import { parseCount } from "../../options.ts";
import { addReleaseOptions, type ReleaseOptions } from "./release-options.ts";
import { writeAndShow } from "./write-and-show.ts";

interface Options extends ReleaseOptions {
  readonly firmware?: string;
  readonly pageAddOrder?: PageAddOrder;
  readonly quote?: string;
  readonly eventLog?: string;
  readonly acpiLoader?: string;
  readonly acpiRsdp?: string;
  readonly acpiTables?: string;
  readonly machineType: string;
  readonly vcpus: number;
  readonly memory: number;
  readonly gpus: number;
  readonly tdAttributes?: string;
  readonly xfam?: string;
  readonly json?: boolean;
}

const EXAMPLE = `
Example:
  touchstone describe platform --name acme/h100-8 --version 2026.11 --channel stable --svn 1 \\
    --builder https://ci.acme.example --source https://git.acme.example/edk2 \\
    --firmware OVMF.fd --quote known-good-quote.bin --event-log ccel.bin \\
    --acpi-loader table-loader --acpi-rsdp rsdp --acpi-tables tables \\
    --machine-type q35 --vcpus 32 --memory 274877906944 --gpus 8 -o platform.json`;

export function addPlatform(describe: Command, context: CliContext): void {
  const command = describe.command("platform").description("virtual firmware and the shape of the VM");
  addReleaseOptions(command)
    .option("--firmware <file>", "TDX firmware (TDVF), whole; without it MRTD is what the quote says")
    .addOption(
      new Option(
        "--page-add-order <order>",
        "how the VMM adds pages; read from the quote where there is one",
      ).choices(["single-pass", "two-pass"]),
    )
    .option("--quote <file>", "known-good TDX quote")
    .option("--event-log <file>", "event log of a known-good boot: CCEL or dstack JSON")
    .option("--acpi-loader <file>", "etc/table-loader as the firmware measures it")
    .option("--acpi-rsdp <file>", "etc/acpi/rsdp")
    .option("--acpi-tables <file>", "etc/acpi/tables")
    .requiredOption("--machine-type <type>", "machine type of the VMM, such as q35")
    .requiredOption("--vcpus <number>", "virtual CPUs", parseCount)
    .requiredOption("--memory <bytes>", "memory in bytes", parseCount)
    .requiredOption("--gpus <number>", "GPUs passed through", parseCount)
    .option(
      "--td-attributes <hex>",
      "TD_ATTRIBUTES, 8 bytes as a quote holds them; read from the quote where there is one",
    )
    .option("--xfam <hex>", "XFAM, likewise")
    .addHelpText("after", EXAMPLE)
    .action(async (options: Options) => {
      const { machineType, vcpus, memory: memoryBytes, gpus } = options;
      const acpi = acpiOf(options);
      const described = await describePlatform({
        ...options,
        release: options,
        shape: { machineType, vcpus, memoryBytes, gpus },
        ...(acpi === undefined ? {} : { acpi }),
      });
      await writeAndShow(context, options, described);
    });
}

function acpiOf({ acpiLoader: loader, acpiRsdp: rsdp, acpiTables: tables }: Options) {
  if (loader === undefined && rsdp === undefined && tables === undefined) return undefined;
  if (loader !== undefined && rsdp !== undefined && tables !== undefined) return { loader, rsdp, tables };
  throw new UsageError("--acpi-loader, --acpi-rsdp and --acpi-tables go together");
}
