// Reads a Unified Kernel Image (UAPI.5): a PE image whose sections hold kernel, command line, initrd and the rest. Section digests
// are over VirtualSize bytes, as systemd-stub measures them (systemd src/boot/stub.c).
import { createHash } from "node:crypto";
import { digestContent, type FileHash, type RandomAccess } from "../files/random-access.ts";
import { authenticodeDigests } from "./authenticode.ts";
import { type PeImage, type PeSection, readPaddedPeImage, readPeImage } from "./pe.ts";
import { type PeSignature, readSignatures } from "./pe-signatures.ts";

/**
 * The order in which systemd-stub 256 and newer measures those sections that are present (systemd src/fundamental/uki.h);
 * .pcrsig never is. Of several .dtbauto or .efifw it measures the one that fits the machine.
 */
export const MEASURED_SECTIONS = [
  ".linux",
  ".osrel",
  ".cmdline",
  ".initrd",
  ".ucode",
  ".splash",
  ".dtb",
  ".uname",
  ".sbat",
  ".pcrpkey",
  ".profile",
  ".dtbauto",
  ".hwids",
  ".efifw",
] as const;

const MAX_COMMAND_LINE = 4096;
/** Zeros that a section may have in memory beyond its bytes in the file: the stub's own data need a few KiB. */
const MAX_ZEROS = 16 * 1024 * 1024;
/** In .linux they are the room that the kernel unpacks itself into: ukify 257 and newer give it the kernel's SizeOfImage. */
const MAX_KERNEL_ZEROS = 1024 * 1024 * 1024;
const ZEROS = new Uint8Array(1024 * 1024);
const ROOT_HASH_PARAMETERS = ["roothash", "systemd.verity_root_hash"];

export interface UkiSection extends Readonly<Record<FileHash, string>> {
  readonly name: string;
  /** VirtualSize in bytes. */
  readonly size: number;
}

export interface Uki extends Readonly<Record<FileHash, string>> {
  readonly fileName: string;
  readonly size: number;
  readonly authenticode: Readonly<Record<FileHash, string>>;
  /** In the order of the section table. */
  readonly sections: readonly UkiSection[];
  readonly signatures: readonly PeSignature[];
  /** The text of .cmdline as systemd-stub hands it to the kernel: control characters are spaces, and none at either end. */
  readonly commandLine: string;
  /** Authenticode digests of the kernel in .linux, which its own PE header describes. */
  readonly kernelAuthenticode: Readonly<Record<FileHash, string>>;
}

/**
 * @throws MalformedError when it is no PE image, lacks .linux or .cmdline, has one twice, has several profiles, or carries a
 * signature over another image.
 */
export async function readUki(file: RandomAccess): Promise<Uki> {
  const image = await readPeImage(file);
  checkProfiles(image);
  const linux = onlySection(image, ".linux");
  const commandLine = await readCommandLine(image, onlySection(image, ".cmdline"));
  const kernel = await readKernel(file, linux);
  const sections: UkiSection[] = [];
  for (const section of image.sections) sections.push(await digestSection(image, section));
  const authenticode = await authenticodeDigests(image);
  return {
    fileName: file.name,
    ...(await digestContent(file, ["sha256", "sha384"])),
    authenticode,
    sections,
    signatures: await readSignatures(image, authenticode),
    commandLine,
    kernelAuthenticode: await authenticodeDigests(kernel),
  };
}

/** Which of several profiles is booted is chosen at boot, and with it the command line: a statement describes one. */
function checkProfiles(image: PeImage): void {
  const profiles = image.sections.filter(({ name }) => name === ".profile");
  if (profiles.length > 1)
    throw image.file.malformed(
      `${profiles.length} profiles, of which the boot chooses one: build one UKI for each and describe it`,
      profiles[1]?.rawOffset ?? 0,
    );
}

/** Where .linux has room after its bytes, these are padded, and only the kernel's own headers say where it ends. */
async function readKernel(
  file: RandomAccess,
  { rawOffset, rawSize, virtualSize }: PeSection,
): Promise<PeImage> {
  const kernel = file.part(rawOffset, Math.min(virtualSize, rawSize), "kernel of");
  return virtualSize > rawSize ? await readPaddedPeImage(kernel) : await readPeImage(kernel);
}

/** The one section of that name: which of two is used depends on the loader, so two are refused. */
function onlySection(image: PeImage, name: string): PeSection {
  const found = image.sections.filter((section) => section.name === name);
  if (found.length === 1 && found[0] !== undefined) return found[0];
  throw image.file.malformed(`${found.length} sections ${name}, expected 1`, 0);
}

async function digestSection(image: PeImage, section: PeSection): Promise<UkiSection> {
  const hashes = { sha256: createHash("sha256"), sha384: createHash("sha384") };
  const update = (bytes: Uint8Array) => {
    hashes.sha256.update(bytes);
    hashes.sha384.update(bytes);
  };
  const stored = Math.min(section.virtualSize, section.rawSize);
  for await (const piece of image.file.chunks(section.rawOffset, stored)) update(piece);
  const zeros = section.virtualSize - stored;
  if (zeros > (section.name === ".linux" ? MAX_KERNEL_ZEROS : MAX_ZEROS))
    throw image.file.malformed(
      `section ${section.name} has ${zeros} bytes that are not in the file`,
      section.rawOffset,
    );
  for (let left = zeros; left > 0; left -= ZEROS.length) update(ZEROS.subarray(0, left));
  return {
    name: section.name,
    size: section.virtualSize,
    sha256: hashes.sha256.digest("hex"),
    sha384: hashes.sha384.digest("hex"),
  };
}

async function readCommandLine(image: PeImage, section: PeSection): Promise<string> {
  const length = Math.min(section.virtualSize, section.rawSize);
  if (length > MAX_COMMAND_LINE)
    throw image.file.malformed(
      `a command line of ${length} bytes, at most ${MAX_COMMAND_LINE}`,
      section.rawOffset,
    );
  const bytes = await image.file.read(section.rawOffset, length, "the command line");
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes).replace(/\0+$/, "");
  const refuse = (detail: string) => image.file.malformed(`the command line ${detail}`, section.rawOffset);
  if (text.includes("\0")) throw refuse("has text after a NUL, where systemd-stub stops reading");
  if (/[\ufffd\u{10000}-\u{10ffff}]/u.test(text))
    throw refuse("is not UTF-8, or has a character beyond U+FFFF: systemd-stub leaves both out");
  const handedOver = mangle(text);
  if (handedOver === "") throw refuse("is empty");
  return handedOver;
}

/** What systemd-stub makes of a command line (systemd src/boot/util.c, mangle_stub_cmdline): any other white space stays. */
function mangle(text: string): string {
  return text.replace(/[\0-\x20\x7f]/g, " ").replace(/^ +| +$/g, "");
}

/** The values that the command line gives for the root file system's dm-verity root hash. */
export function rootHashesOf(commandLine: string): string[] {
  return ROOT_HASH_PARAMETERS.flatMap((name) => commandLineValues(commandLine, name));
}

/** The values of `name=value` on a kernel command line, in order; a value may be quoted. Words end at spaces and nothing else. */
export function commandLineValues(commandLine: string, name: string): string[] {
  const words = commandLine.match(/(?:[^ "]|"[^"]*")+/g) ?? [];
  const plain = words.map((word) => word.replaceAll('"', ""));
  return plain.filter((word) => word.startsWith(`${name}=`)).map((word) => word.slice(name.length + 1));
}
