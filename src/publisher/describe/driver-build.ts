// Describes a build of NVIDIA's open kernel modules: the modules, the patches on NVIDIA's source, the kernel they are for, the
// libraries that gate confidential computing, and the GSP firmware compiled in.

import type { DriverBuild } from "../../protocol/entry/kinds/driver-build.ts";
import { kernelPatchSet } from "../../protocol/entry/kinds/kernel-patch-set.ts";
import { formatStatement, type Subject } from "../../protocol/envelope/statement.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { MAX_XML_BYTES, parseXml } from "../rim/parse-xml.ts";
import { readRim } from "../rim/read-rim.ts";
import type { Described } from "./described.ts";
import {
  describeCcFirmware,
  type FoundImage,
  findBySource,
  findInModule,
  findInSource,
} from "./driver/cc-firmware.ts";
import type { Observation } from "./driver/running-driver.ts";
import { findFiles } from "./files/find-files.ts";
import { parseWhole } from "./files/other-format.ts";
import { digestFile, withFile } from "./files/random-access.ts";
import { describeKernelModule, type KernelModule } from "./formats/kernel-module.ts";
import { describePatches } from "./patches/patch-list.ts";
import { readPatchNotes } from "./patches/patch-notes.ts";
import { type PatchOrigin, readPatches } from "./patches/patch-origin.ts";
import { type ReleaseInput, readReleaseFields } from "./release-fields.ts";
import { readReferenced } from "./statement-reference.ts";

const FORMAT = "driver build";
const MODULE_FILE = /\.ko(?:\.gz|\.xz|\.zst)?$/;
const LIBRARY_FILE = /^libnvidia-pkcs11[a-z0-9-]*\.so(?:\.[0-9]+)*$/;
const MAX_MODULES = 32;

export interface DriverBuildInput {
  readonly release: ReleaseInput;
  /** Folder of the built modules. */
  readonly modules: string;
  /** Git tag and commit of NVIDIA's source. */
  readonly tag?: string;
  readonly commit?: string;
  /** Patches on NVIDIA's source; none when left out. */
  readonly patches?: PatchOrigin;
  readonly notes?: string;
  /** Path of the kernel-patch-set's statement, or of its DSSE envelope. */
  readonly kernel: string;
  /** Folder with libnvidia-pkcs11*.so. */
  readonly libraries?: string;
  /** Folder of NVIDIA's source, to look for the CC firmware in. */
  readonly sourceTree?: string;
  readonly toolchain: readonly { readonly name: string; readonly version: string }[];
  /** Path of the driver's RIM, and its id. */
  readonly rim?: { readonly id: string; readonly path?: string };
  /** What a host that runs this build reports. */
  readonly observed?: Observation;
}

/** @throws MalformedError naming the file and offset, or the two parts that do not belong together. */
export async function describeDriverBuild(input: DriverBuildInput): Promise<Described> {
  const inSource = input.sourceTree === undefined ? [] : await findInSource(input.sourceTree);
  const { modules, images } = await readModules(input.modules, inSource);
  const version = requireNvidia(modules);
  const vermagic = oneValue(modules, "vermagic");
  const kernel = await readReferenced(input.kernel, kernelPatchSet);
  requireKernel(vermagic, kernel.statement.predicate.kernelRelease, input.kernel);
  if (input.observed !== undefined) checkObserved(input.observed, modules, version);
  const libraries = input.libraries === undefined ? [] : await readLibraries(input.libraries);
  const { patches } = input.patches === undefined ? { patches: [] } : await readPatches(input.patches);
  const notes = input.notes === undefined ? new Map() : await readPatchNotes(input.notes);
  const { series, attachments } = await describePatches(patches, notes);
  const subjects: Subject[] = [...modules, ...libraries].map(({ fileName, sha256 }) => ({
    name: fileName,
    digest: { sha256 },
  }));
  const predicate: DriverBuild = {
    ...(await readReleaseFields(input.release, subjects)),
    upstream: { version, tag: input.tag ?? null, commit: input.commit ?? null },
    patches: series,
    kernel: kernel.reference,
    vermagic,
    modules,
    libraries,
    toolchain: [...input.toolchain],
    rim: input.rim === undefined ? null : await readDriverRim(input.rim, version),
    ccFirmware: [...images, ...inSource].map(describeCcFirmware),
    observed: input.observed ?? null,
  };
  return { payload: formatStatement("driver-build", predicate, subjects), attachments };
}

/** The modules under a folder, and the CC firmware in them. */
export async function readModules(
  folder: string,
  inSource: readonly FoundImage[],
): Promise<{ modules: KernelModule[]; images: FoundImage[] }> {
  const files = await findFiles(folder, MODULE_FILE);
  if (files.length === 0) throw new MalformedError(FORMAT, `no kernel modules (.ko) under ${folder}`);
  if (files.length > MAX_MODULES)
    throw new MalformedError(
      FORMAT,
      `${files.length} kernel modules under ${folder}, at most ${MAX_MODULES}: is it the driver's own folder?`,
    );
  const modules: KernelModule[] = [];
  const images: FoundImage[] = [];
  for (const { path, fileName } of files) {
    modules.push(
      await describeKernelModule(path, fileName, async (elf) => {
        const named = await findInModule(elf, fileName);
        images.push(...(named.length > 0 ? named : await findBySource(elf, fileName, inSource)));
      }),
    );
  }
  return { modules, images };
}

/** Modules of one build agree on the driver's version and on the kernel they were built for. */
function oneValue(modules: readonly KernelModule[], field: "version" | "vermagic"): string {
  const values = [...new Set(modules.flatMap((module) => module[field] ?? []))];
  const [value] = values;
  if (value === undefined) throw new MalformedError(FORMAT, `no module states its ${field}`);
  if (values.length > 1)
    throw new MalformedError(
      FORMAT,
      `modules of different builds: ${field} is ${values.map((v) => JSON.stringify(v)).join(" and ")}`,
    );
  return value;
}

/** What makes a build one of NVIDIA's driver: nvidia.ko is there and states the version, and no other vendor's module is. */
function requireNvidia(modules: readonly KernelModule[]): string {
  const core = modules.find(({ fileName }) => moduleName(fileName) === "nvidia");
  if (core === undefined)
    throw new MalformedError(
      FORMAT,
      "nvidia.ko is not among the modules: is it the folder of NVIDIA's driver?",
    );
  if (core.version === null) throw new MalformedError(FORMAT, `${core.fileName} states no version`);
  const foreign = modules.find(({ fileName }) => !/^nvidia(?:_|$)/.test(moduleName(fileName)));
  if (foreign !== undefined)
    throw new MalformedError(
      FORMAT,
      `${foreign.fileName} is no module of NVIDIA's driver; give the folder of the driver alone`,
    );
  return oneValue(modules, "version");
}

/** vermagic begins with the release of the kernel that the modules were built for (Linux include/linux/vermagic.h). */
function requireKernel(vermagic: string, kernelRelease: string | null, path: string): void {
  const [builtFor] = vermagic.split(" ");
  if (kernelRelease === null || builtFor === kernelRelease) return;
  throw new MalformedError(
    FORMAT,
    `the modules are built for kernel ${builtFor}, ${path} describes kernel ${kernelRelease}`,
  );
}

/** An observation of another build says nothing about this one. */
function checkObserved(observed: Observation, modules: readonly KernelModule[], version: string): void {
  if (observed.driverVersion !== version)
    throw new MalformedError(
      FORMAT,
      `the host runs driver ${observed.driverVersion}, the modules are ${version}`,
    );
  for (const { name, srcversion } of observed.modules) {
    const built = modules.find(({ fileName }) => moduleName(fileName) === name);
    if (built?.srcversion != null && srcversion !== null && built.srcversion !== srcversion)
      throw new MalformedError(
        FORMAT,
        `the host runs ${name} of srcversion ${srcversion}, ${built.fileName} is ${built.srcversion}`,
      );
  }
}

/** The kernel names a loaded module with _ for -. */
function moduleName(fileName: string): string {
  const base = fileName.slice(fileName.lastIndexOf("/") + 1);
  return base.replace(MODULE_FILE, "").replaceAll("-", "_");
}

async function readLibraries(folder: string): Promise<DriverBuild["libraries"]> {
  const files = await findFiles(folder, LIBRARY_FILE);
  if (files.length === 0) throw new MalformedError(FORMAT, `no libnvidia-pkcs11*.so under ${folder}`);
  return await Promise.all(
    files.map(async ({ path, fileName }) => ({ fileName, ...(await digestFile(path, ["sha256"])) })),
  );
}

/** The signature is checked where the RIM itself is described, as an entry of its own. */
const statedVersion = (bytes: Uint8Array) => readRim(parseXml(bytes)).colloquialVersion;

/** NVIDIA names a driver's RIM after chip and version, and the file says the version again. */
async function readDriverRim(
  { id, path }: { readonly id: string; readonly path?: string },
  version: string,
): Promise<NonNullable<DriverBuild["rim"]>> {
  const named = /^NV_GPU_DRIVER_[^_]+_(.+)$/.exec(id)?.[1];
  if (named !== undefined && named !== version)
    throw new MalformedError(FORMAT, `RIM ${id} is of driver ${named}, the modules are ${version}`);
  if (path === undefined) return { id, sha256: null };
  const stated = await withFile(path, "RIM", async (file) =>
    parseWhole(file, await file.read(0, Math.min(file.size, MAX_XML_BYTES + 1), "the RIM"), statedVersion),
  );
  if (stated !== version)
    throw new MalformedError(FORMAT, `RIM ${path} is of ${stated}, the modules are ${version}`);
  return { id, sha256: (await digestFile(path, ["sha256"])).sha256 };
}
