// Reads one kernel module file: what its .modinfo section says (NUL-separated `key=value`, Linux include/linux/moduleparam.h), who
// signed it, and the digests of the file as shipped and of the module inside it.
import { decodeUtf8 } from "../../../protocol/encoding/text.ts";
import type { DriverBuild } from "../../../protocol/entry/kinds/driver-build.ts";
import { digestContent, digestFile, type RandomAccess } from "../files/random-access.ts";
import { withUnpacked } from "./decompress.ts";
import { type Elf, findSection, readElf, readSectionBytes } from "./elf.ts";
import { readModuleSignature } from "./module-signature.ts";

const FORMAT = "kernel module";
const RELOCATABLE = 1;
const MAX_MODINFO = 1024 * 1024;

export type KernelModule = DriverBuild["modules"][number];

/**
 * Describes the module at `path` (.ko, .ko.gz, .ko.xz or .ko.zst). `fileName` is how the statement names it.
 * @param inspect is called with the unpacked module, for whoever looks for more in it.
 * @throws MalformedError naming the file and the offset; ToolMissingError when xz or zstd is needed and not installed.
 */
export async function describeKernelModule(
  path: string,
  fileName: string,
  inspect: (elf: Elf) => Promise<void> = async () => {},
): Promise<KernelModule> {
  const { sha256, size } = await digestFile(path, ["sha256"]);
  return await withUnpacked(path, FORMAT, async (file) => {
    const elf = await readElf(file);
    if (elf.type !== RELOCATABLE) throw file.malformed("not a relocatable ELF file", 16);
    const facts = await readModinfo(elf);
    const unpacked = await digestContent(file, ["sha256"]);
    const signer = (await readModuleSignature(file))?.signer ?? null;
    await inspect(elf);
    return { fileName, sha256, size, uncompressedSha256: unpacked.sha256, ...facts, signer };
  });
}

type ModuleFacts = Pick<KernelModule, "version" | "srcversion" | "vermagic" | "depends">;

async function readModinfo(elf: Elf): Promise<ModuleFacts> {
  const section = findSection(elf, ".modinfo");
  if (section === undefined) throw elf.file.malformed("no .modinfo section", 0);
  if (section.size > MAX_MODINFO)
    throw elf.file.malformed(`${section.size} bytes of .modinfo`, section.offset);
  const values = parseModinfo(elf.file, await readSectionBytes(elf, section), section.offset);
  const vermagic = values.get("vermagic");
  if (vermagic === undefined) throw elf.file.malformed(".modinfo has no vermagic", section.offset);
  const depends = values.get("depends") ?? "";
  return {
    version: values.get("version") ?? null,
    srcversion: values.get("srcversion") ?? null,
    vermagic,
    depends: depends === "" ? [] : depends.split(","),
  };
}

/** Keys that name one thing; others, such as alias and parm, repeat by design. */
const SINGLE = new Set(["version", "srcversion", "vermagic", "depends"]);

function parseModinfo(file: RandomAccess, bytes: Uint8Array, at: number): Map<string, string> {
  const values = new Map<string, string>();
  if (bytes.at(-1) !== 0) throw file.malformed(".modinfo does not end with a NUL", at + bytes.length - 1);
  for (const line of splitAtNul(bytes)) {
    const text = decodeText(file, line, at + line.byteOffset - bytes.byteOffset);
    const equals = text.indexOf("=");
    const key = text.slice(0, Math.max(equals, 0));
    if (!SINGLE.has(key)) continue;
    if (values.has(key)) throw file.malformed(`.modinfo gives ${key} twice`, at);
    values.set(key, text.slice(equals + 1));
  }
  return values;
}

function* splitAtNul(bytes: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(0, start);
    // Entries are aligned with NULs, so that several may follow each other.
    if (end > start) yield bytes.subarray(start, end);
    start = end + 1;
  }
}

function decodeText(file: RandomAccess, bytes: Uint8Array, at: number): string {
  try {
    return decodeUtf8(bytes);
  } catch {
    throw file.malformed("a .modinfo entry is not UTF-8", at);
  }
}
