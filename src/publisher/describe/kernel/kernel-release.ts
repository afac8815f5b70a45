// Reads the release of a kernel, what `uname -r` will say, from a bzImage (Linux Documentation/arch/x86/boot.rst, kernel_version).
import type { RandomAccess } from "../files/random-access.ts";

const BOOT_SECTOR = 512;
const HEADER_MAGIC = 0x202;
const KERNEL_VERSION = 0x20e;
/** The pointer of the header counts from here. */
const SETUP = 0x200;
const MAX_TEXT = 256;
const RELEASE = /^([0-9]+\.[0-9A-Za-z.+~_-]{1,120})(?: |$)/;

/** @returns null for a file that is no bzImage, or says no version. */
export async function readKernelRelease(file: RandomAccess): Promise<string | null> {
  if (file.size < 2 * BOOT_SECTOR) return null;
  const header = Buffer.from(await file.read(0, 2 * BOOT_SECTOR, "the boot sector"));
  if (header.toString("latin1", HEADER_MAGIC, HEADER_MAGIC + 4) !== "HdrS") return null;
  const pointer = header.readUInt16LE(KERNEL_VERSION);
  const at = SETUP + pointer;
  if (pointer === 0 || at >= file.size) return null;
  const bytes = Buffer.from(await file.read(at, Math.min(MAX_TEXT, file.size - at), "the kernel's version"));
  const end = bytes.indexOf(0);
  return RELEASE.exec(bytes.toString("latin1", 0, end < 0 ? bytes.length : end))?.[1] ?? null;
}
