// Says how a virtual machine's firmware, VMM and shape, and a known-good quote or event log of it, are named, to be described.
import * as z from "zod";
import { LAYOUTS, type Layout, VMMS } from "../../../protocol/entry/boot.ts";
import { hex8 } from "../../../protocol/entry/fields.shape.ts";
import { vmmName, vmShape } from "../../../protocol/entry/kinds/platform.shape.ts";
import { type Platform, platform } from "../../../protocol/entry/kinds/platform.ts";
import { zodOf } from "../../zod-of.ts";
import {
  BOOT_WAYS,
  bootOptionTable,
  pciPlace,
  readBootOption,
  readPciPlace,
  SECURE_BOOT_STATES,
} from "../boot/boot-fields.ts";
import { DANGEROUS_ATTRIBUTES, type DangerousAttribute } from "../dangerous-attributes.ts";
import { describer, given, OptionsError } from "../describer.ts";
import type { PageAddOrder } from "../formats/tdvf.ts";
import { word } from "../table-fields.ts";

const PAGE_ADD_ORDERS = ["single-pass", "two-pass"] as const satisfies readonly PageAddOrder[];

interface Options {
  readonly firmware?: string;
  readonly pageAddOrder?: PageAddOrder;
  readonly quote?: string;
  readonly eventLog?: string;
  readonly layout?: Layout;
  readonly vmm: Platform["vmm"]["name"];
  readonly vmmPackage?: string;
  readonly vmmProgram?: string;
  readonly vmmArgument?: readonly string[];
  readonly boot?: "kernel" | "disk";
  readonly bootOption?: readonly string[];
  readonly diskDevice?: string;
  readonly secureBoot?: "none" | "off" | "on";
  readonly uki?: string;
  readonly acpi?: string;
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
    {
      flags: "--layout <layout>",
      description: "order of the firmware's events; read from the firmware where that is certain",
      choices: LAYOUTS,
    },
    {
      flags: "--vmm <name>",
      description: "the VMM, by how it tells the firmware of memory",
      required: true,
      choices: [...VMMS, "other"],
    },
    { flags: "--vmm-package <text>", description: "its package and version" },
    { flags: "--vmm-program <file>", description: "its program, to state the digest" },
    {
      flags: "--vmm-argument <argument>",
      description: "argument that shapes the VM, as --vmm-argument=-smp --vmm-argument=8; may be repeated",
      repeated: true,
    },
    {
      flags: "--acpi <dir>",
      description: "ACPI blobs that the VMM makes, as touchstone measure acpi writes them",
    },
    {
      flags: "--boot <way>",
      description: "how images are started: kernel, by -kernel, or disk (default: kernel)",
      choices: BOOT_WAYS,
    },
    {
      flags: "--boot-option <number=file>",
      description: "a boot option as the firmware holds it, in the order of BootOrder; may be repeated",
      repeated: true,
    },
    { flags: "--disk-device <device.function>", description: "place of the virtio disk on the PCI root bus" },
    {
      flags: "--secure-boot <state>",
      description: "none: the firmware was built without it; else it is read from the firmware",
      choices: SECURE_BOOT_STATES,
    },
    {
      flags: "--uki <file>",
      description: "UKI whose signature db must verify, under Secure Boot from a disk",
    },
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
    --vmm qemu --vmm-package 'qemu-system-x86 1:10.0.2' --acpi acpi \\
    --machine-type q35 --vcpus 32 --memory 274877906944 --gpus 8 -o platform.json`,
  table: (path) => ({
    shape: zodOf(vmShape),
    firmware: path.exactOptional(),
    pageAddOrder: z.enum(PAGE_ADD_ORDERS).exactOptional(),
    quote: path.exactOptional(),
    eventLog: path.exactOptional(),
    layout: z.enum(LAYOUTS).exactOptional(),
    vmm: z.strictObject({
      name: zodOf(vmmName),
      package: word.exactOptional(),
      program: path.exactOptional(),
      arguments: z.array(word).exactOptional(),
    }),
    acpi: path.exactOptional(),
    boot: z.enum(BOOT_WAYS).exactOptional(),
    bootOptions: z.array(bootOptionTable(path)).exactOptional(),
    diskDevice: pciPlace.exactOptional(),
    secureBoot: z.enum(SECURE_BOOT_STATES).exactOptional(),
    uki: path.exactOptional(),
    tdAttributes: zodOf(hex8).exactOptional(),
    xfam: zodOf(hex8).exactOptional(),
    allowAttributes: z.array(dangerous).exactOptional(),
  }),
  read(options: Options) {
    const { machineType, vcpus, memory: memoryBytes, gpus } = options;
    const { firmware, pageAddOrder, quote, eventLog, tdAttributes, xfam } = options;
    const { layout, acpi, boot, secureBoot, uki } = options;
    return {
      shape: { machineType, vcpus, memoryBytes, gpus },
      vmm: {
        name: options.vmm,
        ...given({
          package: options.vmmPackage,
          program: options.vmmProgram,
          arguments: options.vmmArgument && [...options.vmmArgument],
        }),
      },
      ...given({ firmware, pageAddOrder, quote, eventLog, layout, acpi, tdAttributes, xfam }),
      ...given({
        boot,
        secureBoot,
        uki,
        diskDevice: options.diskDevice === undefined ? undefined : readPciPlace(options.diskDevice),
      }),
      ...given({ bootOptions: options.bootOption?.map(readBootOption) }),
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
