// Reads from the compressed part of OVMF what decides how it measures: the release that it says it is, whether it measures fw_cfg files, whether
// it was built with Secure Boot, and whether it holds the EFI shell. What cannot be read is null, and must be said by whoever asks.

import { runTool, ToolError, ToolMissingError } from "../../../node/run-tool.ts";
import type { Layout } from "../../../protocol/entry/boot.ts";
import type { RandomAccess } from "../files/random-access.ts";
import { MAX_READ } from "../files/random-access.ts";
import { encodeGuid } from "../formats/efi-guid.ts";
import { SHELL } from "./boot-options.ts";

/** PI 1.7 volume 3 §3.2.5: a section whose content is packed with LZMA (edk2 MdeModulePkg LzmaCustomDecompressLib). */
const LZMA_SECTION = "ee4e5898-3914-4259-9d6e-dc7bd79403cf";
const GUID_DEFINED = 0x02;
const EXTENDED_SIZE = 0xffffff;
const MAX_UNPACKED = 64 * 1024 * 1024;
/** edk2 SecurityPkg SecureBootConfigDxe, which only a build with Secure Boot holds. */
const SECURE_BOOT_DRIVER = "f0e6a44f-7195-41c3-ac64-54f202cd0a21";
/** FFS file types (PI 1.7 volume 3 §3.2.3.1), and the state of a file that is valid, as it is written on erased flash. */
const DRIVER = 0x07;
const APPLICATION = 0x09;
const VALID_FILE = 0xf8;
/** The data of the events that edk2 logs for fw_cfg files. */
const FW_CFG_EVENT = "QEMU FW CFG";
const RELEASE = /^(?:edk2-stable)?(20[0-9]{2})\.?(02|05|08|11)(?:$|[-+~. ])/;
const TEXT = /(?:[\x20-\x7e]\0){6,64}/g;

export interface FirmwareCode {
  /** Null where neither its release nor its code says so for certain. */
  readonly layout: Layout | null;
  readonly secureBoot: boolean;
  readonly shell: boolean;
}

/** Null where the firmware holds no LZMA section, or xz is not installed. @throws MalformedError where the section is broken. */
export async function readFirmwareCode(file: RandomAccess): Promise<FirmwareCode | null> {
  if (file.size > MAX_READ) throw file.malformed(`a firmware of ${file.size} bytes`, MAX_READ);
  const image = Buffer.from(await file.read(0, file.size, "the firmware"));
  const packed = packedSection(file, image);
  if (packed === null) return null;
  const code = await unpack(file, packed.bytes, packed.at);
  return (
    code && {
      layout: layoutOf(code),
      secureBoot: holdsFile(code, SECURE_BOOT_DRIVER, DRIVER),
      shell: holdsFile(code, SHELL, APPLICATION),
    }
  );
}

function packedSection(file: RandomAccess, image: Buffer): { bytes: Uint8Array; at: number } | null {
  const guid = encodeGuid(LZMA_SECTION);
  for (let at = image.indexOf(guid); at >= 4; at = image.indexOf(guid, at + 1)) {
    const start = at - 4;
    if (image[start + 3] !== GUID_DEFINED) continue;
    const size = image.readUIntLE(start, 3);
    const offset = image.readUInt16LE(at + 16);
    if (size === EXTENDED_SIZE || offset < 24 || offset >= size)
      throw file.malformed(`a packed section of ${size} bytes whose content is at ${offset}`, start);
    file.assertInside(start, size, "the packed section");
    return { bytes: image.subarray(start + offset, start + size), at: start };
  }
  return null;
}

async function unpack(file: RandomAccess, bytes: Uint8Array, at: number): Promise<Buffer | null> {
  const options = ["--format=lzma", "--decompress", "--stdout", "--memlimit-decompress=256MiB", "--quiet"];
  try {
    return Buffer.from(await runTool("xz", options, { input: bytes, maxOutput: MAX_UNPACKED }));
  } catch (error) {
    if (error instanceof ToolMissingError) return null;
    if (error instanceof ToolError)
      throw file.malformed(`the packed section does not unpack: ${error.message}`, at);
    throw error;
  }
}

/** A file of a firmware volume, not a mere mention of its name. */
function holdsFile(code: Buffer, guid: string, type: number): boolean {
  const name = encodeGuid(guid);
  for (let at = code.indexOf(name); at >= 0; at = code.indexOf(name, at + 1))
    if (code[at + 18] === type && code[at + 23] === VALID_FILE) return true;
  return false;
}

function layoutOf(code: Buffer): Layout | null {
  if (code.includes(FW_CFG_EVENT)) return "edk2-202505";
  const texts = code.toString("latin1").match(TEXT) ?? [];
  const releases = texts.flatMap((text) => {
    const [, year, month] = RELEASE.exec(text.replaceAll("\0", "").trim()) ?? [];
    return year === undefined || month === undefined ? [] : [Number(year + month)];
  });
  const [release, other] = [...new Set(releases)];
  if (release === undefined || other !== undefined || release >= 202505) return null;
  return release < 202411 ? "edk2-before-202411" : "edk2-202411";
}
