// A Unified Kernel Image (UAPI.5): a PE image whose sections hold kernel, command line, initrd and the rest. Section digests
// are over VirtualSize bytes, as systemd-stub measures them (systemd src/boot/stub.c).
import { createHash } from "node:crypto";
import { decodeUtf8 } from "../../../protocol/encoding/text.ts";
import { digestContent, type FileHash, type RandomAccess } from "../files/random-access.ts";
import { authenticodeDigests } from "./authenticode.ts";
import { type PeImage, type PeSection, readPeImage } from "./pe.ts";
import { type PeSignature, readSignatures } from "./pe-signatures.ts";

/** The order in which systemd-stub 256 and newer measures those sections that are present; .pcrsig never is. */
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
] as const;

const MAX_COMMAND_LINE = 4096;
/** Zeros that a section may have in memory beyond its bytes in the file: the stub's own data need a few KiB. */
const MAX_ZEROS = 16 * 1024 * 1024;
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
  /** The text of .cmdline without the NUL or line feed that ends it. */
  readonly commandLine: string;
  /** Authenticode digests of the kernel in .linux, which its own PE header describes. */
  readonly kernelAuthenticode: Readonly<Record<FileHash, string>>;
}

/** @throws MalformedError when it is no PE image, lacks .linux or .cmdline, has one twice, or carries a signature over another image. */
export async function readUki(file: RandomAccess): Promise<Uki> {
  const image = await readPeImage(file);
  const linux = onlySection(image, ".linux");
  const commandLine = await readCommandLine(image, onlySection(image, ".cmdline"));
  const kernel = await readPeImage(
    file.part(linux.rawOffset, Math.min(linux.virtualSize, linux.rawSize), "kernel of"),
  );
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
  if (zeros > MAX_ZEROS)
    throw image.file.malformed(
      `section ${section.name} has ${zeros} bytes that are not in the file`,
      section.rawOffset,
    );
  update(new Uint8Array(zeros));
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
  const text = decodeUtf8(bytes).replace(/\0+$/, "").trim();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a command line has none, and one would hide what follows it.
  if (text === "" || /[\0-\x1f\x7f]/.test(text))
    throw image.file.malformed("the command line is empty or has control characters", section.rawOffset);
  return text;
}

/** The values that the command line gives for the root file system's dm-verity root hash. */
export function rootHashesOf(commandLine: string): string[] {
  return ROOT_HASH_PARAMETERS.flatMap((name) => commandLineValues(commandLine, name));
}

/** The values of `name=value` on a kernel command line, in order; a value may be quoted. */
export function commandLineValues(commandLine: string, name: string): string[] {
  const words = commandLine.match(/(?:[^\s"]|"[^"]*")+/g) ?? [];
  const plain = words.map((word) => word.replaceAll('"', ""));
  return plain.filter((word) => word.startsWith(`${name}=`)).map((word) => word.slice(name.length + 1));
}
