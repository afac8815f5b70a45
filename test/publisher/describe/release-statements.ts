// The least statements that other statements may name, for tests of describes that take them as files.
import { writeFileSync } from "node:fs";
import { formatStatement } from "../../../src/protocol/envelope/statement.ts";
import type { ReleaseInput } from "../../../src/publisher/describe/release-fields.ts";
import { sha256Of } from "../../support/release-predicates.ts";

export const RELEASE: ReleaseInput = {
  name: "example/release",
  version: "1.0.0",
  channel: "stable",
  svn: 1,
  builder: "https://ci.example",
  source: "https://git.example/release",
};

const zeros = "0".repeat(64);
const fields = {
  ...RELEASE,
  builder: { id: RELEASE.builder },
  source: { uri: RELEASE.source, commit: null, sha256: null },
  provenance: null,
};
const noPatches = { count: 0, seriesDigest: zeros, inline: [], attachment: null };
const subject = [{ name: "artefact", digest: { sha256: zeros } }];

export function writeKernelPatchSet(path: string): string {
  const base = { name: "linux", version: "6.1", sourceArchive: null, commit: null };
  const predicate = {
    ...fields,
    base,
    kernelRelease: null,
    patches: noPatches,
    config: null,
    toolchain: [],
    outputs: [],
  };
  writeFileSync(path, formatStatement("kernel-patch-set", predicate, subject));
  return path;
}

/** What the one module of the driver build consists of. */
export const MODULE = "a kernel module";

export function writeDriverBuild(path: string): string {
  const kernel = {
    kind: "kernel-patch-set" as const,
    name: "example/release",
    version: "1.0.0",
    digest: zeros,
  };
  const module = {
    fileName: "nvidia.ko",
    sha256: sha256Of(MODULE),
    size: 15,
    uncompressedSha256: sha256Of(MODULE),
    version: null,
    srcversion: null,
    vermagic: "6.1",
    depends: [],
    signer: null,
  };
  const predicate = {
    ...fields,
    upstream: { version: "550.163.01", tag: null, commit: null },
    patches: noPatches,
    kernel,
    vermagic: "6.1",
    modules: [module],
    libraries: [],
    toolchain: [],
    rim: null,
    ccFirmware: [],
    observed: null,
  };
  writeFileSync(path, formatStatement("driver-build", predicate, subject));
  return path;
}
