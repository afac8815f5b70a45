// Measures a boot before any: MRTD and RTMR0 to RTMR2 from the firmware, the image, and a stated shape of the VM. A register one of whose
// events nothing determines is null and says why.
import type { BootPath, Layout, Vmm } from "../../../protocol/entry/boot.ts";
import { VerificationError } from "../../../protocol/errors.ts";
import type { DescribeCode } from "../describe-code.ts";
import { withFile } from "../files/random-access.ts";
import { readPeImage } from "../formats/pe.ts";
import type { PageAddOrder } from "../formats/tdvf.ts";
import type { BootFileCheck } from "./boot-file.ts";
import { type BootOption, diskBootOptions, KERNEL_BOOT_OPTIONS, readBootOptions } from "./boot-options.ts";
import { type ComputedEvent, type ComputedRegister, extendAll, unknown } from "./computed-event.ts";
import { type Firmware, readFirmware } from "./firmware.ts";
import {
  checkVariableFiles,
  type FirmwareVariables,
  measureFirmwareVariables,
} from "./firmware-variables.ts";
import { measureAuthority } from "./image-authority.ts";
import { type ImageBoot, measureUkiBoot } from "./image-boot.ts";
import { measureKernelBoot } from "./kernel-boot.ts";
import { measurePlatformBoot } from "./platform-boot.ts";
import type { SecureBootFiles } from "./secure-boot.ts";

export interface MeasureInput {
  readonly firmware?: string;
  readonly pageAddOrder?: PageAddOrder;
  readonly vmm?: Vmm;
  /** Bytes; `nodes`: of each NUMA node, where there are several. */
  readonly memory?: number;
  readonly nodes?: readonly number[];
  readonly layout?: Layout;
  readonly boot: "kernel" | "disk";
  /** A UKI, or else a bare kernel with its initrd and command line. */
  readonly uki?: string;
  readonly kernel?: string;
  readonly initrd?: string;
  readonly commandLine?: string;
  readonly disk?: string;
  /** Folder of the ACPI blobs. */
  readonly acpi?: string;
  readonly bootOptions?: readonly (readonly [number, string])[];
  /** Device and function of the virtio disk on the PCI root bus. */
  readonly diskDevice?: readonly [number, number];
  /** Whether the firmware was built with Secure Boot, or without firmware whether it is on. */
  readonly secureBoot?: "none" | "off" | "on";
  readonly secureBootFiles?: SecureBootFiles;
}

export interface Measured {
  readonly bootPath: BootPath | "kernel";
  readonly layout: Layout;
  /** Whether what the disk starts is the image; null where nothing is started from a disk. */
  readonly bootFile: BootFileCheck | null;
  readonly mrtd: Readonly<Record<PageAddOrder, string>> | null;
  readonly pageAddOrder: PageAddOrder | null;
  readonly rtmr0: ComputedRegister;
  readonly rtmr1: ComputedRegister;
  readonly rtmr2: ComputedRegister;
}

/**
 * @param read the firmware, where it was read before.
 * @throws MalformedError on a file that is not of its format; VerificationError "source-missing" when neither the firmware nor the caller
 * says which layout it has, "not-computable" where something of the machine is measured, "boot-file" where the disk starts another file, "sources-disagree" where .esl files are not the firmware's.
 */
export async function measureBoot(input: MeasureInput, read?: Firmware | null): Promise<Measured> {
  const firmware = read ?? (input.firmware === undefined ? null : await readFirmware(input.firmware));
  const layout = input.layout ?? firmware?.code?.layout ?? undefined;
  if (layout === undefined) throw missing("the layout of the firmware's events", "--layout");
  const variables = firmware && measureFirmwareVariables(firmware, supportOf(input));
  if (firmware !== null) await checkVariableFiles(firmware, input.secureBootFiles ?? {});
  const state = variables === null ? (input.secureBoot ?? null) : variables.state;
  const image = await measureImage(input, layout, state === null ? null : state === "on");
  const platform =
    firmware === null || variables === null
      ? [unknown("rtmr0", "every event", "give --firmware")]
      : await measurePlatformOf(input, layout, firmware, variables);
  return {
    bootPath: image.bootPath,
    layout,
    bootFile: image.bootFile,
    mrtd: firmware?.mrtd ?? null,
    pageAddOrder: input.pageAddOrder ?? null,
    rtmr0: extendAll(platform),
    rtmr1: extendAll(image.rtmr1),
    rtmr2: extendAll(image.rtmr2),
  };
}

function supportOf({ secureBoot }: MeasureInput): boolean | undefined {
  return secureBoot === undefined ? undefined : secureBoot !== "none";
}

async function measureImage(
  { uki, kernel, initrd, commandLine, boot, disk, memory }: MeasureInput,
  layout: Layout,
  secureBootOn: boolean | null,
): Promise<ImageBoot> {
  if (uki !== undefined) {
    const bootPath = boot === "kernel" ? "uki-kernel" : "uki-disk";
    return await measureUkiBoot({ uki, bootPath, layout, secureBootOn, ...(disk !== undefined && { disk }) });
  }
  if (kernel === undefined) {
    const none = (register: "rtmr1" | "rtmr2") => [
      unknown(register, "every event", "give --uki or --kernel"),
    ];
    return { bootPath: `uki-${boot}`, rtmr1: none("rtmr1"), rtmr2: none("rtmr2"), bootFile: null };
  }
  if (boot === "disk") throw missing("how a bare kernel on a disk is started", "--boot kernel");
  if (memory === undefined) throw missing("where QEMU puts the initrd", "--memory");
  const input = { kernel, commandLine: commandLine ?? "", layout, memory };
  return await measureKernelBoot({ ...input, ...(initrd !== undefined && { initrd }) });
}

async function measurePlatformOf(
  input: MeasureInput,
  layout: Layout,
  firmware: Firmware,
  variables: FirmwareVariables,
): Promise<ComputedEvent[]> {
  const { vmm, memory, nodes, acpi } = input;
  return await measurePlatformBoot({
    firmware,
    variables,
    layout,
    vmm,
    memory,
    ...(nodes && { nodes }),
    acpi,
    bootOptions: await chooseBootOptions(input, firmware),
    authority: variables.state === "on" ? await authorityOf(input, variables) : null,
  });
}

async function chooseBootOptions(
  { boot, bootOptions = [], diskDevice }: MeasureInput,
  { code }: Firmware,
): Promise<readonly BootOption[] | null> {
  if (bootOptions.length > 0) return await readBootOptions(bootOptions);
  if (boot === "kernel") return KERNEL_BOOT_OPTIONS;
  if (diskDevice === undefined || code === null) return null;
  return diskBootOptions(...diskDevice, code.shell);
}

async function authorityOf({ boot, uki }: MeasureInput, { db }: FirmwareVariables): Promise<ComputedEvent> {
  const type = "EV_EFI_VARIABLE_AUTHORITY";
  if (boot === "kernel")
    return unknown(
      "rtmr0",
      type,
      "an image by -kernel under Secure Boot: what OVMF measures was confirmed on no boot",
    );
  if (uki === undefined) return unknown("rtmr0", type, "who verified the image: give --uki");
  return await withFile(uki, "UKI", async (file) => measureAuthority(await readPeImage(file), db));
}

function missing(what: string, remedy: string): VerificationError<DescribeCode> {
  return new VerificationError<DescribeCode>(
    "source-missing",
    `nothing says what ${what} is: give ${remedy}`,
  );
}
