// Makes and reads boot options (UEFI 2.10 §3.1.3, EFI_LOAD_OPTION) as OVMF enumerates them; RTMR0 measures their bytes and their order.
import { MalformedError } from "../../../protocol/errors.ts";
import { type RandomAccess, withFile } from "../files/random-access.ts";
import { encodeGuid } from "../formats/efi-guid.ts";
import { type ComputedEvent, known, sha384Hex, unknown } from "./computed-event.ts";

const ACTIVE = 1;
/** Active, hidden, and of the category of applications. */
const APPLICATION = 0x109;
const FIRMWARE_VOLUME = "7cb8bdc9-f8eb-4f34-aaea-3ee4af6516a1";
const UI_APP = "462caa21-7614-4503-836e-8ab6f4662331";
export const SHELL = "7c04a583-9e3e-4f1c-ad65-e05268d0b4d1";
/** What BmEnumerateBootOptions puts behind options of its own (edk2 UefiBootManagerLib, mBmAutoCreateBootOptionGuid). */
const AUTO_CREATED = "8108ac4e-9f11-4d59-850e-e21a522c59b2";
const END_OF_PATH = Buffer.from("7fff0400", "hex");
const PCI_ROOT = Buffer.from("02010c00d041030a00000000", "hex");
const MAX_OPTION = 64 * 1024;
const MAX_OPTIONS = 64;
const LEAST_NODE = 4;

export interface BootOption {
  /** The number in Boot####. */
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly from: "constant" | "shape" | "given";
  readonly label: string;
}

/** The options of a boot by `-kernel`: the firmware's own menu and nothing else. */
export const KERNEL_BOOT_OPTIONS: readonly BootOption[] = [
  { number: 0, bytes: ofFirmware(APPLICATION, "UiApp", UI_APP), from: "constant", label: "UiApp" },
];

/**
 * The options of a boot from a virtio disk without serial number, which QEMU puts first.
 * @param device and `fn` of the disk on the PCI root bus; @param shell whether the firmware holds the EFI shell.
 */
export function diskBootOptions(device: number, fn: number, shell: boolean): BootOption[] {
  const label = `UEFI Misc Device, PciRoot(0)/Pci(${device},${fn})`;
  const path = Buffer.concat([PCI_ROOT, Buffer.from([1, 1, 6, 0, fn, device]), END_OF_PATH]);
  const disk = option(ACTIVE, "UEFI Misc Device", path, encodeGuid(AUTO_CREATED));
  const ofShell: BootOption = {
    number: 2,
    bytes: ofFirmware(ACTIVE, "EFI Internal Shell", SHELL),
    from: "constant",
    label: "EFI Internal Shell",
  };
  return [
    { number: 1, bytes: disk, from: "shape", label },
    ...KERNEL_BOOT_OPTIONS,
    ...(shell ? [ofShell] : []),
  ];
}

/** BootOrder and the options in that order; their data alone is hashed (edk2 TdTcg2Dxe, MeasureAllBootVariables). */
export function measureBootOptions(options: readonly BootOption[] | null): ComputedEvent[] {
  if (options === null)
    return [
      unknown(
        "rtmr0",
        "EV_EFI_VARIABLE_BOOT",
        "boot options of a disk: give --disk-device, or each --boot-option",
      ),
    ];
  const order = Buffer.alloc(2 * options.length);
  for (const [i, { number }] of options.entries()) order.writeUInt16LE(number, 2 * i);
  const source = options.every(({ from }) => from === "constant") ? "constant" : "shape";
  const measured = (digest: string, what: string, from: BootOption["from"]) =>
    known("rtmr0", "EV_EFI_VARIABLE_BOOT", from, digest, what);
  return [
    measured(
      sha384Hex(order),
      `BootOrder: ${options.map(({ number }) => nameOf(number)).join(", ")}`,
      source,
    ),
    ...options.map(({ number, bytes, label, from }) =>
      measured(sha384Hex(bytes), `${nameOf(number)}: ${label}`, from),
    ),
  ];
}

function nameOf(number: number): string {
  return `Boot${number.toString(16).toUpperCase().padStart(4, "0")}`;
}

/** @param given number and file of each option, in the order of BootOrder. @throws MalformedError for a file that is no boot option. */
export async function readBootOptions(given: readonly (readonly [number, string])[]): Promise<BootOption[]> {
  const numbers = new Set(given.map(([number]) => number));
  if (given.length > MAX_OPTIONS || numbers.size < given.length)
    throw new MalformedError("boot options", "one is given twice, or more than 64 are");
  const options: BootOption[] = [];
  for (const [number, path] of given)
    options.push({ number, from: "given", ...(await withFile(path, "boot option", readBootOption)) });
  return options;
}

async function readBootOption(file: RandomAccess): Promise<Pick<BootOption, "bytes" | "label">> {
  if (file.size > MAX_OPTION) throw file.malformed(`longer than ${MAX_OPTION} bytes`, MAX_OPTION);
  const bytes = await file.read(0, file.size, "the boot option");
  file.assertInside(0, 8, "attributes, length and description");
  const view = new DataView(bytes.buffer);
  let end = 6;
  while (end + 2 <= bytes.length && view.getUint16(end, true) !== 0) end += 2;
  if (end + 2 > bytes.length) throw file.malformed("a description without end", 6);
  const label = Buffer.from(bytes.subarray(6, end)).toString("utf16le");
  const length = view.getUint16(4, true);
  file.assertInside(end + 2, length, "the device paths");
  checkPaths(file, bytes, end + 2, length);
  return { bytes, label: label.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 128) };
}

/** Nodes fill the list of paths exactly, and the last one ends it. */
function checkPaths(file: RandomAccess, bytes: Uint8Array, start: number, length: number): void {
  const view = new DataView(bytes.buffer);
  let at = start;
  let ended = false;
  while (at < start + length) {
    const rest = start + length - at;
    const size = rest < LEAST_NODE ? rest : view.getUint16(at + 2, true);
    if (size < LEAST_NODE || size > rest)
      throw file.malformed(`a node of ${size} bytes in a path of ${length}`, at);
    ended = view.getUint16(at, false) === 0x7fff;
    at += size;
  }
  if (!ended) throw file.malformed("the device path does not end", start);
}

function ofFirmware(attributes: number, text: string, file: string): Uint8Array {
  const nodes = [
    [Buffer.from("04071400", "hex"), encodeGuid(FIRMWARE_VOLUME)],
    [Buffer.from("04061400", "hex"), encodeGuid(file)],
  ];
  return option(attributes, text, Buffer.concat([...nodes.flat(), END_OF_PATH]));
}

function option(
  attributes: number,
  text: string,
  path: Uint8Array,
  data: Uint8Array = new Uint8Array(),
): Uint8Array {
  const head = Buffer.alloc(6);
  head.writeUInt32LE(attributes, 0);
  head.writeUInt16LE(path.length, 4);
  return Buffer.concat([head, Buffer.from(`${text}\0`, "utf16le"), path, data]);
}
