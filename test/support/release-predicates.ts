// Makes a predicate of every release kind, with the least that its schema accepts.
import { createHash } from "node:crypto";
import { sha256 } from "../../src/protocol/cryptography/hash.ts";
import { encodeHex } from "../../src/protocol/encoding/hex.ts";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import { goldenTableDigest } from "../../src/protocol/entry/golden-table.ts";
import type { Predicate } from "../../src/protocol/entry/kinds.ts";
import type { Reference } from "../../src/protocol/entry/reference.ts";

const hexDigest = (algorithm: "sha256" | "sha384", text: string) =>
  createHash(algorithm).update(text).digest("hex");

/** A made-up digest that follows from a text. */
export const sha256Of = (text: string) => hexDigest("sha256", text);

export const sha384Of = (text: string) => hexDigest("sha384", text);

const release = (name: string, version: string) => ({
  name,
  version,
  channel: "stable",
  svn: 1,
  builder: { id: "https://builds.example/pipeline" },
  source: { uri: "https://git.example/source", commit: null, sha256: null },
  provenance: null,
});

const toolchain = [{ name: "gcc", version: "12.2.0" }];
const patches = () => ({
  count: 0,
  seriesDigest: encodeHex(sha256(utf8("[]"))),
  inline: [],
  attachment: null,
});

const file = (fileName: string) => ({ fileName, sha256: sha256Of(fileName), size: 1000 });

export function platformPredicate(name = "h100-vm", version = "1"): Predicate<"platform"> {
  return {
    ...release(name, version),
    firmware: null,
    mrtd: sha384Of(`mrtd ${name} ${version}`),
    pageAddOrder: "observed",
    rtmr0: sha384Of(`rtmr0 ${name} ${version}`),
    rtmr0From: "known-good quote",
    rtmr0Derivation: "observed",
    layout: "edk2-202411",
    vmm: { name: "qemu", package: null, sha256: null, arguments: [] },
    events: null,
    acpi: null,
    shape: { machineType: "q35", vcpus: 8, memoryBytes: 2 ** 36, gpus: 1 },
    tdAttributes: "0000001000000000",
    xfam: "e702060000000000",
  };
}

export function kernelPredicate(name = "linux-cc", version = "6.12.1"): Predicate<"kernel-patch-set"> {
  return {
    ...release(name, version),
    base: { name: "linux", version: "6.12.1", sourceArchive: null, commit: null },
    kernelRelease: null,
    patches: patches(),
    config: null,
    toolchain,
    outputs: [file("vmlinuz")],
  };
}

export function driverPredicate(
  kernel: Reference & { kind: "kernel-patch-set" },
  name = "nvidia-open",
  version = "580.95.05",
): Predicate<"driver-build"> {
  return {
    ...release(name, version),
    upstream: { version: "580.95.05", tag: null, commit: null },
    patches: patches(),
    kernel,
    vermagic: "6.12.1 SMP",
    modules: [
      {
        fileName: "nvidia.ko",
        sha256: sha256Of("nvidia.ko"),
        size: 1000,
        uncompressedSha256: sha256Of("nvidia.ko"),
        version: "580.95.05",
        srcversion: null,
        vermagic: "6.12.1 SMP",
        depends: [],
        signer: null,
      },
    ],
    libraries: [],
    toolchain,
    rim: null,
    ccFirmware: [],
    observed: null,
  };
}

export function gspPredicate(name = "gsp-ga10x", version = "580.95.05"): Predicate<"gsp-firmware"> {
  return {
    ...release(name, version),
    firmwareVersion: "580.95.05",
    files: [
      {
        ...file("gsp_ga10x.bin"),
        sha384: sha384Of("gsp_ga10x.bin"),
        firmwareVersion: "580.95.05",
        chips: ["gh100"],
        sections: [],
        notes: [],
      },
    ],
    package: null,
    observedFwids: [],
  };
}

export function gpuRimPredicate(name = "gh100-driver", version = "580.95.05"): Predicate<"gpu-rim"> {
  const table = [{ index: 0, active: true, alternatives: [sha384Of("golden")] }];
  return {
    ...release(name, version),
    rim: {
      id: "NV_GPU_DRIVER_GH100_580.95.05",
      tagId: "tag",
      covers: "driver",
      componentVersion: "580.95.05",
      sha256: sha256Of(`rim ${version}`),
      product: "GH100",
    },
    tableDigest: goldenTableDigest(table),
    table,
    signers: [
      {
        subject: "CN=signer",
        sha256: sha256Of("signer"),
        notBefore: "2024-01-01T00:00:00Z",
        notAfter: "2034-01-01T00:00:00Z",
      },
    ],
    verifiedAt: "2026-11-01T00:00:00Z",
  };
}

export function switchRimPredicate(name = "ls10-vbios", version = "96.10.55.00.01"): Predicate<"switch-rim"> {
  const { rim, ...common } = gpuRimPredicate(name, version);
  const { covers: _, ...ofSwitch } = rim;
  return {
    ...common,
    rim: {
      ...ofSwitch,
      id: `NV_SWITCH_BIOS_5612_0002_890_${version.replaceAll(".", "")}`,
      componentVersion: version,
      product: "LS10",
    },
  };
}

export function osImagePredicate(
  kernelPatchSet: Reference & { kind: "kernel-patch-set" },
  driverBuild: Reference & { kind: "driver-build" },
  name = "guest",
  version = "1.0",
): Predicate<"os-image"> {
  return {
    ...release(name, version),
    rootfs: {
      format: "erofs",
      sha256: sha256Of(`rootfs ${version}`),
      size: 4096,
      blockSize: 4096,
      uuid: "00000000-0000-4000-8000-000000000000",
      buildTime: "2026-11-01T00:00:00Z",
      features: [],
      mkfsArguments: [],
      sourceDateEpoch: 0,
    },
    verity: {
      rootHash: sha256Of(`verity ${version}`),
      algorithm: "sha256",
      salt: "",
      hashType: 1,
      dataBlockSize: 4096,
      hashBlockSize: 4096,
      dataBlocks: 1,
      uuid: null,
    },
    uki: {
      ...file("guest.efi"),
      authenticode: { sha256: sha256Of("uki"), sha384: sha384Of("uki") },
      sections: [],
      signatures: [],
    },
    commandLine: { text: "ro quiet", measuredAs: sha384Of("ro quiet") },
    lockdown: "confidentiality",
    secureBoot: { enabled: true, pk: null, kek: null, db: null, dbx: null },
    moduleSigning: { enforced: true, certificates: [] },
    kernelPatchSet,
    driverBuild,
    contents: null,
    measurements: [
      {
        bootPath: "uki-kernel",
        layout: "edk2-202411",
        rtmr1: sha384Of(`rtmr1 ${version}`),
        rtmr2: sha384Of(`rtmr2 ${version}`),
        derivation: "computed",
        from: "computed from guest.efi",
        events: null,
        attachment: null,
      },
    ],
    removedFromTcb: { packages: [], daemons: [], kernelModules: [] },
  };
}

/** A rebuild of that release, in which the one field that was compared is as said. */
export function rebuildPredicate(
  of: Predicate<"rebuild">["of"],
  result: "equal" | "differs" = "equal",
  name = "rebuilder/guest",
): Predicate<"rebuild"> {
  return {
    ...release(name, "1"),
    of,
    toolchain,
    result,
    fields: [
      { field: "uki.sha256", outcome: result },
      { field: "svn", outcome: "not-reproducible" },
    ],
  };
}
