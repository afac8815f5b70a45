// Describes GSP-RM firmware files: ELF containers with the image, its version and one signature a chip family
// (NVIDIA open-gpu-kernel-modules, src/nvidia/src/kernel/gpu/gsp: ".fwimage", ".fwversion", ".fwsignature_<chip>").
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { runTool } from "../../node/run-tool.ts";
import { sha256 } from "../../protocol/cryptography/hash.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import type { GspFirmware } from "../../protocol/entry/kinds/gsp-firmware.ts";
import { formatStatement, type Subject } from "../../protocol/envelope/statement.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { parseGpuReport } from "../../verifier/nvidia/report.ts";
import { MAX_REPORT_BYTES } from "../../verifier/nvidia/spdm-report.ts";
import type { Described } from "./described.ts";
import { findFiles } from "./files/find-files.ts";
import { parseWhole } from "./files/other-format.ts";
import { digestContent, digestFile, withFile } from "./files/random-access.ts";
import { type Elf, findSection, readElf, readNotes, readSectionBytes } from "./formats/elf.ts";
import { type ReleaseInput, readReleaseFields } from "./release-fields.ts";

const FORMAT = "GSP firmware";
const SIGNATURE_SECTION = /^\.fwsignature_(?:cc_)?([a-z0-9]{1,32})$/;
const VERSION = /^[0-9]{3,4}(?:\.[0-9]{1,4}){1,3}$/;
const MAX_VERSION = 64;
const SHT_NOBITS = 8;

export interface GspFirmwareInput {
  readonly release: ReleaseInput;
  readonly files: readonly string[];
  /** Path of the .deb that the files came from. */
  readonly package?: string;
  /** Paths of GPU reports of devices that ran this firmware; their FWIDs are observations. */
  readonly reports: readonly string[];
}

type FirmwareFile = GspFirmware["files"][number];

/**
 * @throws MalformedError when a file is no GSP firmware, files are of different versions, the package holds another file, or a
 * report is of another driver version or states no FWID; ToolMissingError when a package is given and dpkg-deb is missing.
 */
export async function describeGspFirmware(input: GspFirmwareInput): Promise<Described> {
  const files = await Promise.all(input.files.map(describeFile));
  const firmwareVersion = oneVersion(files);
  const subjects: Subject[] = files.map(({ fileName, sha256, sha384 }) => ({
    name: fileName,
    digest: { sha256, sha384 },
  }));
  const predicate: GspFirmware = {
    ...(await readReleaseFields(input.release, subjects)),
    firmwareVersion,
    files,
    package: input.package === undefined ? null : await readPackage(input.package, files),
    observedFwids: await Promise.all(input.reports.map((path) => readFwid(path, firmwareVersion))),
  };
  return { payload: formatStatement("gsp-firmware", predicate, subjects), attachments: [] };
}

export async function describeFile(path: string): Promise<FirmwareFile> {
  return await withFile(path, FORMAT, async (file) => {
    const elf = await readElf(file);
    if (findSection(elf, ".fwimage") === undefined) throw file.malformed("no .fwimage section", 0);
    const sections = elf.sections.map(({ name }) => name).filter((name) => name !== "");
    const chips = [...new Set(sections.flatMap((name) => SIGNATURE_SECTION.exec(name)?.[1] ?? []))].sort();
    if (chips.length === 0) throw file.malformed("no .fwsignature_<chip> section: it serves no chip", 0);
    const digests = await digestContent(file, ["sha256", "sha384"]);
    const firmwareVersion = await readVersion(elf);
    const notes = (await readNotes(elf)).map(({ section, name, type, description }) => ({
      section,
      name,
      type,
      sha256: encodeHex(sha256(description)),
    }));
    return { fileName: basename(path), ...digests, firmwareVersion, chips, sections, notes };
  });
}

async function readVersion(elf: Elf): Promise<string> {
  const section = findSection(elf, ".fwversion");
  if (section === undefined) throw elf.file.malformed("no .fwversion section", 0);
  if (section.type === SHT_NOBITS || section.size > MAX_VERSION)
    throw elf.file.malformed(`a version of ${section.size} bytes`, section.offset);
  const bytes = await readSectionBytes(elf, section);
  const end = bytes.indexOf(0);
  const version = String.fromCharCode(...(end < 0 ? bytes : bytes.subarray(0, end)));
  if (!VERSION.test(version)) throw elf.file.malformed(".fwversion is no version number", section.offset);
  return version;
}

function oneVersion(files: readonly FirmwareFile[]): string {
  const [first, ...others] = files;
  if (first === undefined) throw new MalformedError(FORMAT, "no file was given");
  const other = others.find(({ firmwareVersion }) => firmwareVersion !== first.firmwareVersion);
  if (other !== undefined) {
    const detail = `${first.fileName} is version ${first.firmwareVersion}, ${other.fileName} ${other.firmwareVersion}`;
    throw new MalformedError(FORMAT, `${detail}; describe them apart`);
  }
  return first.firmwareVersion;
}

/** dpkg-deb reads the package; every described file must be in it, byte for byte. */
async function readPackage(path: string, files: readonly FirmwareFile[]): Promise<GspFirmware["package"]> {
  const field = async (name: string) =>
    decodeUtf8(await runTool("dpkg-deb", ["--field", resolve(path), name])).trim();
  const folder = await mkdtemp(join(tmpdir(), "touchstone-package-"));
  try {
    await runTool("dpkg-deb", ["--extract", resolve(path), folder]);
    const found = await findFiles(folder, /\.bin$/);
    const digests = await Promise.all(found.map((file) => digestFile(file.path, ["sha256"])));
    const missing = files.find(({ sha256 }) => digests.every((digest) => digest.sha256 !== sha256));
    if (missing !== undefined)
      throw new MalformedError(`package ${path}`, `does not hold this ${missing.fileName}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const { sha256 } = await digestFile(path, ["sha256"]);
  return { name: await field("Package"), version: await field("Version"), sha256 };
}

/** The FWID that a report states. The report's signature is not verified here: an observation, as the entry says. */
async function readFwid(
  path: string,
  firmwareVersion: string,
): Promise<GspFirmware["observedFwids"][number]> {
  const bytes = await withFile(path, "GPU report", (file) =>
    file.read(0, Math.min(file.size, MAX_REPORT_BYTES + 1), "the report"),
  );
  const report = parseWhole({ format: "GPU report", path }, bytes, parseGpuReport);
  if (report.driverVersion !== firmwareVersion)
    throw new MalformedError(
      `GPU report ${path}`,
      `of driver ${report.driverVersion}, the firmware is ${firmwareVersion}`,
    );
  if (report.fwid === null) throw new MalformedError(`GPU report ${path}`, "states no FWID");
  return { fwid: encodeHex(report.fwid), report: (await digestFile(path, ["sha256"])).sha256 };
}
