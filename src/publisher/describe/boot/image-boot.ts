// Computes what a boot of an image extends into RTMR1 and RTMR2, in order (UEFI 2.10 §38.4.1; edk2 TdTcg2Dxe and DxeTpm2MeasureBootLib; systemd
// src/boot/measure.c; Linux drivers/firmware/efi/libstub). docs/measurements.md has the sequence of each boot path.
import type { BootPath, Layout } from "../../../protocol/entry/boot.ts";
import { withFile } from "../files/random-access.ts";
import { measureGpt } from "../formats/gpt.ts";
import { type PeImage, readPeImage } from "../formats/pe.ts";
import { readUki, type Uki } from "../formats/uki.ts";
import { type BootFileCheck, checkBootFile } from "./boot-file.ts";
import { action, type ComputedEvent, known, separator, sha384Hex, unknown } from "./computed-event.ts";
import { readStub, requireForeseeable, type Stub } from "./stub.ts";
import { digestHandedOverInitrd } from "./stub-initrd.ts";

/** What of an image and its way of being started decides what is measured. */
export interface ImageBoot {
  readonly bootPath: BootPath | "kernel";
  readonly rtmr1: readonly ComputedEvent[];
  readonly rtmr2: readonly ComputedEvent[];
  /** Whether what the disk starts is the image; null where it is not started from a disk. */
  readonly bootFile: BootFileCheck | null;
}

export interface UkiBootInput {
  readonly uki: string;
  readonly bootPath: BootPath;
  readonly layout: Layout;
  /** Null: not known, which leaves RTMR1 unknown. */
  readonly secureBootOn: boolean | null;
  /** The disk image, for uki-disk. */
  readonly disk?: string;
}

interface BootedUki {
  readonly uki: Uki;
  readonly image: PeImage;
  readonly stub: Stub;
  /** SHA-384 of the initrd that the kernel gets, hex; null where it gets none. */
  readonly initrd: string | null;
}

/**
 * The events of a UKI.
 * @throws MalformedError on a file that is not of its format; VerificationError "not-computable" where something of the machine is measured
 * too, or add-ons are on the disk; "boot-file" where the disk starts another file.
 */
export async function measureUkiBoot(input: UkiBootInput): Promise<ImageBoot> {
  const booted = await withFile(input.uki, "UKI", async (file): Promise<BootedUki> => {
    const uki = await readUki(file);
    const image = await readPeImage(file);
    const stub = await readStub(image);
    requireForeseeable(input.uki, stub, uki.commandLine, input.bootPath);
    return { uki, image, stub, initrd: await digestHandedOverInitrd(image, stub) };
  });
  return {
    bootPath: input.bootPath,
    rtmr1: await startEvents(input, booted),
    rtmr2: stubEvents(booted),
    bootFile: input.bootPath === "uki-disk" ? await checkBootFile(input.disk, input.uki) : null,
  };
}

const CALLING = action("Calling EFI Application from Boot Option");
export const EXIT_EVENTS = [
  action("Exit Boot Services Invocation"),
  action("Exit Boot Services Returned with Success"),
] as const;

async function startEvents(
  { bootPath, layout, secureBootOn, disk }: UkiBootInput,
  { uki, stub }: BootedUki,
): Promise<ComputedEvent[]> {
  const image = imageEvent(uki.authenticode.sha384, `${uki.fileName}: Authenticode`);
  const kernel = kernelEvents(uki, stub, secureBootOn);
  if (bootPath === "uki-kernel") return [image, ...callingEvents(layout), ...kernel, ...EXIT_EVENTS];
  return [...callingEvents(layout), await gptEvent(disk), image, ...kernel, ...EXIT_EVENTS];
}

/** Before edk2-stable202411 the separator that follows is in RTMR0. */
export function callingEvents(layout: Layout): ComputedEvent[] {
  return layout === "edk2-before-202411" ? [CALLING] : [CALLING, separator("rtmr1")];
}

export function imageEvent(digest: string, formula: string): ComputedEvent {
  return known("rtmr1", "EV_EFI_BOOT_SERVICES_APPLICATION", "file", digest, formula);
}

async function gptEvent(disk: string | undefined): Promise<ComputedEvent> {
  if (disk === undefined) return unknown("rtmr1", "EV_EFI_GPT_EVENT", "the partition table: give --disk");
  const digest = await withFile(disk, "disk image", measureGpt);
  return known("rtmr1", "EV_EFI_GPT_EVENT", "file", digest, "disk: GPT header and entries in use");
}

/** The stub starts the kernel as an image, which is measured unless Secure Boot makes the stub go round the firmware. */
function kernelEvents(uki: Uki, { hidesKernel }: Stub, secureBootOn: boolean | null): ComputedEvent[] {
  const type = "EV_EFI_BOOT_SERVICES_APPLICATION";
  if (secureBootOn === false)
    return [imageEvent(uki.kernelAuthenticode.sha384, `${uki.fileName} .linux: Authenticode`)];
  if (secureBootOn === null)
    return [unknown("rtmr1", type, ".linux: say whether Secure Boot is on (--secure-boot)")];
  return hidesKernel === true
    ? []
    : [unknown("rtmr1", type, ".linux: not known of this stub under Secure Boot")];
}

function stubEvents({ uki, stub, initrd }: BootedUki): ComputedEvent[] {
  const measured = stub.measured.flatMap((name) => uki.sections.filter((section) => section.name === name));
  const section = (source: "constant" | "file", digest: string, formula: string) =>
    known("rtmr2", "EV_IPL", source, digest, formula);
  return [
    ...measured.flatMap(({ name, sha384 }) => [
      section("constant", sha384Hex(Buffer.from(`${name}\0`)), `name of section ${name}`),
      section("file", sha384, `${uki.fileName}: content of ${name}`),
    ]),
    ...kernelInputEvents(uki.commandLine, `${uki.fileName} .cmdline`, initrd, "as the stub hands it over"),
  ];
}

/** What Linux's EFI stub measures of its command line, UTF-16LE with a final NUL, and of its initrd. */
export function kernelInputEvents(
  commandLine: string,
  from: string,
  initrd: string | null,
  ofInitrd: string,
): ComputedEvent[] {
  const tagged = (digest: string, formula: string) => known("rtmr2", "EV_EVENT_TAG", "file", digest, formula);
  const options = tagged(measureLoadOptions(commandLine), `load options: ${from}, UTF-16LE with NUL`);
  return initrd === null ? [options] : [options, tagged(initrd, `initrd, ${ofInitrd}`)];
}

/** SHA-384 in hex of a command line as the kernel's EFI stub measures it: UTF-16LE with a final NUL. */
export function measureLoadOptions(commandLine: string): string {
  return sha384Hex(Buffer.from(`${commandLine}\0`, "utf16le"));
}
