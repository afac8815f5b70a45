// Computes what a boot of a bare kernel by `-kernel` extends into RTMR1 and RTMR2. QEMU changes fields of the kernel's header before the firmware
// sees it (hw/i386/x86-common.c, x86_load_linux; Linux Documentation/arch/x86/boot.rst), so the digest depends on memory and initrd.
import type { Layout } from "../../../protocol/entry/boot.ts";
import { digestFile, type RandomAccess, withFile } from "../files/random-access.ts";
import { authenticodeDigests } from "../formats/authenticode.ts";
import { readPeImage } from "../formats/pe.ts";
import { lowMemory } from "./guest-memory.ts";
import { callingEvents, EXIT_EVENTS, type ImageBoot, imageEvent, kernelInputEvents } from "./image-boot.ts";

export interface KernelBootInput {
  readonly kernel: string;
  readonly initrd?: string;
  /** What `-append` has. */
  readonly commandLine: string;
  readonly layout: Layout;
  /** Bytes. */
  readonly memory: number;
}

const HEADER = 0x260;
const SIGNATURE = 0x202;
const HDRS = 0x53726448;
/** The oldest boot protocol with the fields below. */
const PROTOCOL = 0x20c;
const LOADED_ABOVE_4G = 2;
/** What QEMU keeps free for ACPI below the end of low memory. */
const ACPI_ROOM = 0x28000n;
const MOST_INITRD = 1n << 32n;

/** @throws MalformedError where the kernel is no PE image with a Linux boot header. */
export async function measureKernelBoot(input: KernelBootInput): Promise<ImageBoot> {
  const initrd = input.initrd === undefined ? null : await digestFile(input.initrd, ["sha384"]);
  const authenticode = await withFile(input.kernel, "kernel", async (file) => {
    const patches = await headerPatches(file, initrd?.size ?? 0, input.memory);
    return await authenticodeDigests(await readPeImage(file), patches);
  });
  // OVMF's loader adds the name under which it offers the initrd.
  const commandLine = initrd === null ? input.commandLine : `${input.commandLine} initrd=initrd`;
  return {
    bootPath: "kernel",
    rtmr1: [
      imageEvent(authenticode.sha384, "kernel: Authenticode after QEMU's changes of its header"),
      ...callingEvents(input.layout),
      ...EXIT_EVENTS,
    ],
    rtmr2: kernelInputEvents(commandLine, "command line", initrd?.sha384 ?? null, "the file"),
    bootFile: null,
  };
}

/** Offsets and new bytes of what QEMU writes into the header. */
async function headerPatches(
  file: RandomAccess,
  initrdSize: number,
  memory: number,
): Promise<ReadonlyMap<number, number>> {
  const header = Buffer.from(await file.read(0, HEADER, "the boot header"));
  if (header.readUInt32LE(SIGNATURE) !== HDRS) throw file.malformed("no Linux boot header (HdrS)", SIGNATURE);
  const protocol = header.readUInt16LE(0x206);
  if (protocol < PROTOCOL) throw file.malformed(`boot protocol 0x${protocol.toString(16)}`, 0x206);
  const patched = Buffer.from(header);
  patched.writeUInt8(0xb0, 0x210);
  patched.writeUInt8(header.readUInt8(0x211) | 0x80, 0x211);
  patched.writeUInt16LE(0xfe00, 0x224);
  patched.writeUInt32LE(0x20000, 0x228);
  if (initrdSize > 0) {
    patched.writeUInt32LE(Number(initrdAddress(file, header, initrdSize, memory)), 0x218);
    patched.writeUInt32LE(initrdSize, 0x21c);
  }
  return new Map([...patched.entries()].filter(([at, byte]) => byte !== header[at]));
}

function initrdAddress(file: RandomAccess, header: Buffer, size: number, memory: number): bigint {
  const limit = (header.readUInt16LE(0x236) & LOADED_ABOVE_4G) !== 0;
  const wanted = limit ? MOST_INITRD - 1n : BigInt(header.readUInt32LE(0x22c));
  const end = lowMemory(memory) - ACPI_ROOM;
  const highest = wanted >= end ? end - 1n : wanted;
  if (BigInt(size) > highest)
    throw file.malformed(`an initrd of ${size} bytes does not fit below 4 GiB`, 0x21c);
  return (highest - BigInt(size)) & ~4095n;
}
