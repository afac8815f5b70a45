// Says how a virtual machine's firmware and shape, and a known-good quote or event log of it, are named, to be described.
import * as z from "zod";
import { hex8 } from "../../../protocol/entry/fields.ts";
import { platform } from "../../../protocol/entry/kinds/platform.ts";
import { DANGEROUS_ATTRIBUTES, type DangerousAttribute } from "../dangerous-attributes.ts";
import { describer, given, OptionsError } from "../describer.ts";
import type { PageAddOrder } from "../formats/tdvf.ts";

const PAGE_ADD_ORDERS = ["single-pass", "two-pass"] as const satisfies readonly PageAddOrder[];

interface Options {
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
  readonly allowAttribute?: readonly string[];
}

const dangerous = z.enum(DANGEROUS_ATTRIBUTES);

export const platformDescriber = describer({
  kind: platform,
  summary: "virtual firmware and the shape of the VM",
  options: [
    {
      flags: "--firmware <file>",
      description: "TDX firmware (TDVF), whole; without it MRTD is what the quote says",
    },
    {
      flags: "--page-add-order <order>",
      description: "how the VMM adds pages; read from the quote where there is one",
      choices: PAGE_ADD_ORDERS,
    },
    { flags: "--quote <file>", description: "known-good TDX quote" },
    {
      flags: "--event-log <file>",
      description: "event log of a known-good boot: CCEL or dstack JSON",
    },
    { flags: "--acpi-loader <file>", description: "etc/table-loader as the firmware measures it" },
    { flags: "--acpi-rsdp <file>", description: "etc/acpi/rsdp" },
    { flags: "--acpi-tables <file>", description: "etc/acpi/tables" },
    {
      flags: "--machine-type <type>",
      description: "machine type of the VMM, such as q35",
      required: true,
    },
    { flags: "--vcpus <number>", description: "virtual CPUs", required: true, value: "count" },
    { flags: "--memory <bytes>", description: "memory in bytes", required: true, value: "count" },
    { flags: "--gpus <number>", description: "GPUs passed through", required: true, value: "count" },
    {
      flags: "--td-attributes <hex>",
      description: "TD_ATTRIBUTES, 8 bytes as a quote holds them; read from the quote where there is one",
    },
    { flags: "--xfam <hex>", description: "XFAM, likewise" },
    {
      flags: "--allow-attribute <name>",
      description: `state the platform although it has this attribute: ${DANGEROUS_ATTRIBUTES.join(" or ")}`,
      repeated: true,
    },
  ],
  example: `
Example:
  touchstone describe platform --name acme/h100-8 --version 2026.11 --channel stable --svn 1 \\
    --builder https://ci.acme.example --source https://git.acme.example/edk2 \\
    --firmware OVMF.fd --quote known-good-quote.bin --event-log ccel.bin \\
    --acpi-loader table-loader --acpi-rsdp rsdp --acpi-tables tables \\
    --machine-type q35 --vcpus 32 --memory 274877906944 --gpus 8 -o platform.json`,
  table: (path) => ({
    shape: platform.schema.shape.shape,
    firmware: path.exactOptional(),
    pageAddOrder: z.enum(PAGE_ADD_ORDERS).exactOptional(),
    quote: path.exactOptional(),
    eventLog: path.exactOptional(),
    acpi: z.strictObject({ loader: path, rsdp: path, tables: path }).exactOptional(),
    tdAttributes: hex8.exactOptional(),
    xfam: hex8.exactOptional(),
    allowAttributes: z.array(dangerous).exactOptional(),
  }),
  read(options: Options) {
    const { machineType, vcpus, memory: memoryBytes, gpus } = options;
    const { firmware, pageAddOrder, quote, eventLog, tdAttributes, xfam } = options;
    return {
      shape: { machineType, vcpus, memoryBytes, gpus },
      ...given({ firmware, pageAddOrder, quote, eventLog, acpi: acpiOf(options), tdAttributes, xfam }),
      ...given({ allowAttributes: options.allowAttribute?.map(readDangerous) }),
    };
  },
  describe: async (input) => (await import("../platform.ts")).describePlatform(input),
});

function readDangerous(name: string): DangerousAttribute {
  const { data } = dangerous.safeParse(name);
  if (data !== undefined) return data;
  throw new OptionsError(`--allow-attribute takes ${DANGEROUS_ATTRIBUTES.join(" or ")}, not ${name}`);
}

function acpiOf({ acpiLoader: loader, acpiRsdp: rsdp, acpiTables: tables }: Options) {
  if (loader === undefined && rsdp === undefined && tables === undefined) return undefined;
  if (loader !== undefined && rsdp !== undefined && tables !== undefined) return { loader, rsdp, tables };
  throw new OptionsError("--acpi-loader, --acpi-rsdp and --acpi-tables go together");
}
