// Computes what a boot extends into RTMR0, in order (TDVF Design Guide §3.2, §4.2; edk2 OvmfPkg SecTdxHelper, TdTcg2Dxe, QemuFwCfgAcpi): memory,
// configuration volume, Secure Boot, ACPI, boot options, and whoever verified the image.
import type { Layout, Vmm } from "../../../protocol/entry/boot.ts";
import { measureAcpi } from "./acpi-blobs.ts";
import { type BootOption, measureBootOptions } from "./boot-options.ts";
import { type ComputedEvent, known, separator, sha384Hex, unknown } from "./computed-event.ts";
import type { Firmware } from "./firmware.ts";
import type { FirmwareVariables } from "./firmware-variables.ts";
import { tdHob } from "./td-hob.ts";

export interface PlatformBootInput {
  readonly firmware: Firmware;
  readonly variables: FirmwareVariables;
  readonly layout: Layout;
  readonly vmm: Vmm | undefined;
  /** Bytes; `nodes`: of each NUMA node, where there are several. */
  readonly memory: number | undefined;
  readonly nodes?: readonly number[];
  /** Folder of the ACPI blobs. */
  readonly acpi: string | undefined;
  /** Null: not known. */
  readonly bootOptions: readonly BootOption[] | null;
  /** The event of the certificate that verified the image, where one did. */
  readonly authority: ComputedEvent | null;
}

export async function measurePlatformBoot(input: PlatformBootInput): Promise<ComputedEvent[]> {
  const { layout, variables, bootOptions, authority } = input;
  return [
    hobEvent(input),
    cfvEvent(input.firmware),
    ...variables.events,
    separator("rtmr0"),
    ...(layout === "edk2-202505" ? [FW_CFG] : []),
    ...(await measureAcpi(input.acpi)),
    ...measureBootOptions(bootOptions),
    ...(layout === "edk2-before-202411" ? [separator("rtmr0")] : []),
    ...(authority === null ? [] : [authority]),
  ];
}

const FW_CFG = unknown(
  "rtmr0",
  "EV_PLATFORM_CONFIG_FLAGS",
  "fw_cfg files, which edk2 measures since 202505: where among the others was confirmed on no boot; take RTMR0 from a known-good one",
);

function hobEvent({ vmm, memory, nodes, firmware }: PlatformBootInput): ComputedEvent {
  const type = "EV_EFI_HANDOFF_TABLES2";
  if (vmm === undefined || memory === undefined)
    return unknown("rtmr0", type, "TD HOB: give --vmm and --memory");
  const digest = sha384Hex(tdHob(vmm, firmware.sections, memory, nodes));
  return known("rtmr0", type, "shape", digest, `TD HOB of ${vmm}, ${memory} bytes of memory`);
}

function cfvEvent({ cfv, fileName }: Firmware): ComputedEvent {
  const type = "EV_EFI_PLATFORM_FIRMWARE_BLOB2";
  if (cfv === null) return unknown("rtmr0", type, `${fileName} has no configuration volume`);
  return known("rtmr0", type, "file", cfv, `${fileName}: configuration volume`);
}
