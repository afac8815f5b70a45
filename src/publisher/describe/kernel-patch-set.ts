// Describes a patched kernel: the base source, the patches on it in order, the resolved configuration, and what was built.
import { basename } from "node:path";
import type { KernelPatchSet } from "../../protocol/entry/kinds/kernel-patch-set.ts";
import { formatStatement, type Subject } from "../../protocol/envelope/statement.ts";
import { MalformedError } from "../../protocol/errors.ts";
import type { Described } from "./described.ts";
import { digestFile, withFile } from "./files/random-access.ts";
import { type KernelConfig, readKernelConfig, stateOptions, toolchainOf } from "./kernel/kernel-config.ts";
import { readKernelRelease } from "./kernel/kernel-release.ts";
import { describePatches } from "./patches/patch-list.ts";
import { readPatchNotes } from "./patches/patch-notes.ts";
import { type PatchOrigin, readPatches } from "./patches/patch-origin.ts";
import { type ReleaseInput, readReleaseFields } from "./release-fields.ts";

export interface KernelPatchSetInput {
  readonly release: ReleaseInput;
  /** Such as "linux". */
  readonly baseName: string;
  /** Upstream version; read from the configuration's title when left out. */
  readonly baseVersion?: string;
  /** Path of the base source archive. */
  readonly baseArchive?: string;
  readonly patches: PatchOrigin;
  /** Path of the sidecar file with the patches' purposes. */
  readonly notes?: string;
  /** Path of the resolved .config. */
  readonly config?: string;
  /** Tools beside those that the configuration names. */
  readonly toolchain: readonly { readonly name: string; readonly version: string }[];
  /** Paths of built files. */
  readonly outputs: readonly string[];
}

/** @throws MalformedError naming file and place; VerificationError when the provenance is about something else. */
export async function describeKernelPatchSet(input: KernelPatchSetInput): Promise<Described> {
  const { patches, commit } = await readPatches(input.patches);
  const notes = input.notes === undefined ? new Map() : await readPatchNotes(input.notes);
  const { series, attachments } = await describePatches(patches, notes);
  const config = input.config === undefined ? null : await readKernelConfig(input.config);
  const outputs = await Promise.all(input.outputs.map(readFile));
  const kernelRelease = await releaseOf(input.outputs);
  const subjects: Subject[] = [
    ...outputs.map(({ fileName, sha256 }) => ({ name: fileName, digest: { sha256 } })),
    { name: "patch-series", digest: { sha256: series.seriesDigest } },
  ];
  const predicate: KernelPatchSet = {
    ...(await readReleaseFields(input.release, subjects)),
    base: {
      name: input.baseName,
      version: baseVersion(input, config),
      sourceArchive: input.baseArchive === undefined ? null : await readFile(input.baseArchive),
      commit,
    },
    kernelRelease,
    patches: series,
    config: config && { sha256: config.sha256, options: stateOptions(config) },
    toolchain: [...(config ? toolchainOf(config) : []), ...input.toolchain],
    outputs,
  };
  return { payload: formatStatement("kernel-patch-set", predicate, subjects), attachments };
}

function baseVersion(input: KernelPatchSetInput, config: KernelConfig | null): string {
  const version = input.baseVersion ?? config?.kernelVersion;
  if (version == null)
    throw new MalformedError(
      "kernel-patch-set",
      "give the base version: no configuration names one in its title",
    );
  return version;
}

/** The release that the kernel images among the outputs agree on. */
async function releaseOf(outputs: readonly string[]): Promise<string | null> {
  const read = await Promise.all(outputs.map((path) => withFile(path, "kernel image", readKernelRelease)));
  const releases = [...new Set(read.filter((release) => release !== null))];
  if (releases.length > 1)
    throw new MalformedError(
      "kernel-patch-set",
      `the outputs are kernels of different releases, ${releases.join(" and ")}; describe them apart`,
    );
  return releases[0] ?? null;
}

async function readFile(path: string): Promise<KernelPatchSet["outputs"][number]> {
  const { sha256, size } = await digestFile(path, ["sha256"]);
  return { fileName: basename(path), sha256, size };
}
