// Writes examples/release/: one coherent, made-up release as statements that a person can read. The measurements are those of the
// synthetic machine of touchstone/testing, so that the demo's machine really matches them. Run with `npm run generate`.
import { mkdirSync, writeFileSync } from "node:fs";
import { sha256, sha384 } from "../src/protocol/cryptography/hash.ts";
import { encodeHex } from "../src/protocol/encoding/hex.ts";
import { utf8 } from "../src/protocol/encoding/text.ts";
import type { Predicate } from "../src/protocol/entry/kinds.ts";
import type { Patch, PatchSeries } from "../src/protocol/entry/patch-series.ts";
import type { Policy } from "../src/protocol/entry/policy.ts";
import type { Reference } from "../src/protocol/entry/reference.ts";
import type { ReleaseKind } from "../src/protocol/entry/release-kinds.ts";
import { canonicalize } from "../src/protocol/envelope/canonical-json.ts";
import { formatStatement, type Subject } from "../src/protocol/envelope/statement.ts";
import {
  bootEvents,
  defaultBody,
  GOOD_BLOCKS,
  makeGoldenTables,
  replayEvents,
} from "../src/testing/index.ts";

const FOLDER = new URL("../examples/release/", import.meta.url);

/** Stands for the digest of a file that does not exist: the SHA-256 of what it is called. */
const digest = (what: string) => encodeHex(sha256(utf8(`example: ${what}`)));
const digest384 = (what: string) => encodeHex(sha384(utf8(`example: ${what}`)));
const reproducible = {
  channel: "stable",
  builder: { id: "https://build.example.com/confidential-images" },
  provenance: null,
};
const source = (uri: string, archive: string | null = null) => ({
  uri,
  commit: null,
  sha256: archive && digest(archive),
});

/** Keeps literal types: what is written here must be valid for its kind. */
function release<K extends ReleaseKind>(kind: K, predicate: Predicate<K>, subjects: readonly Subject[]) {
  const payload = formatStatement(kind, predicate, subjects);
  const { name, version } = predicate;
  const reference = { kind, name, version, digest: encodeHex(sha256(payload)) };
  return {
    file: `${name.replaceAll("/", "-")}.json`,
    payload,
    predicate,
    reference: reference as Reference & { kind: K },
  };
}

function series(patches: readonly Patch[]): PatchSeries {
  const seriesDigest = encodeHex(sha256(utf8(canonicalize(patches.map((patch) => patch.sha256)))));
  return { count: patches.length, seriesDigest, inline: [...patches], attachment: null };
}

function patch(fileName: string, subject: string, purpose: string, origin: Patch["origin"]): Patch {
  return {
    fileName,
    sha256: digest(fileName),
    subject,
    authorDate: null,
    patchId: null,
    origin,
    upstreamCommit: null,
    purpose,
  };
}

const kernel = release(
  "kernel-patch-set",
  {
    name: "example/kernel",
    version: "6.12.41-cc1",
    svn: 3,
    ...reproducible,
    source: source("https://kernel.example.com/linux-6.12.41.tar.xz", "linux-6.12.41.tar.xz"),
    base: {
      name: "linux",
      version: "6.12.41",
      sourceArchive: {
        fileName: "linux-6.12.41.tar.xz",
        sha256: digest("linux-6.12.41.tar.xz"),
        size: 148_000_000,
      },
      commit: null,
    },
    kernelRelease: "6.12.41-cc1",
    patches: series([
      patch(
        "0001-acpi-refuse-aml-that-touches-guest-memory.patch",
        "ACPI: refuse AML that reads or writes guest memory",
        "badaml-acpi",
        "local",
      ),
      patch(
        "0002-tdx-guest-grow-swiotlb-for-gpu-bounce-buffers.patch",
        "x86/tdx: grow SWIOTLB for GPU bounce buffers",
        "tdx-swiotlb",
        "backport",
      ),
      patch(
        "0003-dma-pin-shared-pages-for-cc-gpus.patch",
        "dma-mapping: keep shared pages of confidential GPUs pinned",
        "gpu-dma",
        "backport",
      ),
      patch(
        "0004-lockdown-refuse-late-acpi-overrides.patch",
        "lockdown: refuse late ACPI table overrides",
        "badaml-acpi",
        "local",
      ),
    ]),
    config: {
      sha256: digest("kernel.config"),
      options: [
        { option: "CONFIG_INTEL_TDX_GUEST", required: "set", actual: "y" },
        { option: "CONFIG_SECURITY_LOCKDOWN_LSM", required: "set", actual: "y" },
        { option: "CONFIG_MODULE_SIG_FORCE", required: "set", actual: "y" },
        { option: "CONFIG_DM_VERITY", required: "set", actual: "y" },
        { option: "CONFIG_ACPI_TABLE_UPGRADE", required: "not-set", actual: null },
        { option: "CONFIG_KEXEC", required: "not-set", actual: null },
        { option: "CONFIG_DEVMEM", required: "not-set", actual: null },
      ],
    },
    toolchain: [{ name: "gcc", version: "14.2.0" }],
    outputs: [{ fileName: "bzImage", sha256: digest("bzImage"), size: 13_107_200 }],
  },
  [{ name: "bzImage", digest: { sha256: digest("bzImage") } }],
);

const driver = release(
  "driver-build",
  {
    name: "example/nvidia-open",
    version: "580.95.05-cc1",
    svn: 2,
    ...reproducible,
    source: source(
      "https://drivers.example.com/open-gpu-kernel-modules-580.95.05.tar.gz",
      "open-gpu-kernel-modules-580.95.05",
    ),
    upstream: { version: "580.95.05", tag: "580.95.05", commit: null },
    patches: series([
      patch(
        "0001-nv-synthesize-pmc-boot-42.patch",
        "nv: synthesize PMC_BOOT_42 where the trap reads zero",
        "pmc-boot-42-synthesis",
        "local",
      ),
    ]),
    kernel: kernel.reference,
    vermagic: "6.12.41-cc1 SMP preempt mod_unload",
    modules: ["nvidia", "nvidia-uvm"].map((name) => ({
      fileName: `${name}.ko`,
      sha256: digest(`${name}.ko`),
      size: name === "nvidia" ? 14_680_064 : 2_097_152,
      uncompressedSha256: digest(`${name}.ko`),
      version: "580.95.05",
      srcversion: digest(name).slice(0, 24).toUpperCase(),
      vermagic: "6.12.41-cc1 SMP preempt mod_unload",
      depends: name === "nvidia" ? [] : ["nvidia"],
      signer: "Example module signing key",
    })),
    libraries: [
      {
        fileName: "libnvidia-pkcs11-openssl3.so.580.95.05",
        sha256: digest("libnvidia-pkcs11"),
        size: 24_576,
      },
    ],
    toolchain: [{ name: "gcc", version: "14.2.0" }],
    rim: { id: "NV_GPU_DRIVER_GH100_580.95.05", sha256: digest("driver RIM") },
    ccFirmware: [{ foundIn: "nvidia.ko", sha384: digest384("GSP CC FMC"), size: 166_728 }],
    observed: null,
  },
  ["nvidia.ko", "nvidia-uvm.ko"].map((name) => ({ name, digest: { sha256: digest(name) } })),
);

const gsp = release(
  "gsp-firmware",
  {
    name: "example/gsp",
    version: "580.95.05",
    svn: 1,
    ...reproducible,
    source: source("https://drivers.example.com/NVIDIA-Linux-x86_64-580.95.05.run"),
    firmwareVersion: "580.95.05",
    files: [
      {
        fileName: "gsp_ga10x.bin",
        sha256: digest("gsp_ga10x.bin"),
        sha384: digest384("gsp_ga10x.bin"),
        size: 29_360_128,
        firmwareVersion: "580.95.05",
        chips: ["ga10x", "gh100"],
        sections: [".fwimage", ".fwversion", ".fwsignature_gh100"],
        notes: [],
      },
    ],
    package: null,
    observedFwids: [
      { fwid: encodeHex(sha384(utf8("synthetic FSP firmware"))), report: digest("GPU report") },
    ],
  },
  [
    {
      name: "gsp_ga10x.bin",
      digest: { sha256: digest("gsp_ga10x.bin"), sha384: digest384("gsp_ga10x.bin") },
    },
  ],
);

const tables = makeGoldenTables(GOOD_BLOCKS);
function rim(covers: "driver" | "vbios", componentVersion: string, id: string) {
  const table = tables[covers];
  return release(
    "gpu-rim",
    {
      name: `example/rim-${covers}`,
      version: componentVersion,
      svn: 1,
      ...reproducible,
      source: source("https://rim.example.com/"),
      rim: {
        id,
        tagId: digest(id).slice(0, 32),
        covers,
        componentVersion,
        sha256: digest(`${covers} RIM`),
        product: "GH100",
      },
      tableDigest: encodeHex(sha256(utf8(canonicalize(table)))),
      table,
      signers: [
        {
          subject: "CN=Example RIM signer",
          sha256: digest("RIM signer"),
          notBefore: "2026-01-01T00:00:00Z",
          notAfter: "2028-01-01T00:00:00Z",
        },
      ],
      verifiedAt: "2026-11-01T00:00:00Z",
    },
    [{ name: id, digest: { sha256: digest(`${covers} RIM`) } }],
  );
}
const driverRim = rim("driver", "580.95.05", "NV_GPU_DRIVER_GH100_580.95.05");
const vbiosRim = rim("vbios", "96.00.CF.00.01", "NV_GPU_VBIOS_1010_0210_886_9600CF0001");

const body = defaultBody();
const [rtmr0, rtmr1, rtmr2] = replayEvents(bootEvents("synthetic image 1")).map(encodeHex) as [
  string,
  string,
  string,
  string,
];

const platform = release(
  "platform",
  {
    name: "example/tdx-8vcpu-1gpu",
    version: "2026.11",
    svn: 1,
    ...reproducible,
    source: source("https://firmware.example.com/edk2-stable202508.tar.gz"),
    firmware: {
      fileName: "OVMF.inteltdx.fd",
      sha256: digest("OVMF"),
      sha384: digest384("OVMF"),
      size: 4_194_304,
    },
    mrtd: encodeHex(body.mrTd),
    pageAddOrder: "two-pass",
    rtmr0,
    rtmr0From: "event log of a known-good boot",
    rtmr0Derivation: "observed",
    layout: "edk2-202505",
    vmm: {
      name: "qemu",
      package: "qemu-system-x86 1:10.0.2+ds-2",
      sha256: digest("qemu-system-x86_64"),
      arguments: ["-machine", "q35", "-smp", "8", "-m", "65536"],
    },
    events: null,
    acpi: {
      loader: digest384("ACPI loader"),
      rsdp: digest384("ACPI rsdp"),
      tables: digest384("ACPI tables"),
    },
    shape: { machineType: "q35", vcpus: 8, memoryBytes: 68_719_476_736, gpus: 1 },
    tdAttributes: encodeHex(body.tdAttributes),
    xfam: encodeHex(body.xfam),
  },
  [{ name: "OVMF.inteltdx.fd", digest: { sha256: digest("OVMF"), sha384: digest384("OVMF") } }],
);

const rootHash = digest("verity root");
const commandLine = `roothash=${rootHash} lockdown=confidentiality console=ttyS0 panic=-1`;
const efiVariable = (name: string) => ({ sha256: digest(name), eventSha384: digest384(name) });
const image = release(
  "os-image",
  {
    name: "example/inference",
    version: "2026.11.1",
    svn: 4,
    ...reproducible,
    source: source("https://git.example.com/inference-image"),
    rootfs: {
      format: "erofs",
      sha256: digest("rootfs.erofs"),
      size: 1_610_612_736,
      blockSize: 4096,
      uuid: "8f2a4c1e-93b7-4d52-a6f0-1c7e5b9d3a84",
      buildTime: "2026-11-01T00:00:00Z",
      features: ["zero_padding", "sb_chksum"],
      mkfsArguments: ["-T1793491200", "-U8f2a4c1e-93b7-4d52-a6f0-1c7e5b9d3a84", "--all-root"],
      sourceDateEpoch: 1_793_491_200,
    },
    verity: {
      rootHash,
      algorithm: "sha256",
      salt: digest("verity salt"),
      hashType: 1,
      dataBlockSize: 4096,
      hashBlockSize: 4096,
      dataBlocks: 393_216,
      uuid: null,
    },
    uki: {
      fileName: "inference.efi",
      sha256: digest("inference.efi"),
      size: 52_428_800,
      authenticode: {
        sha256: digest("inference.efi authenticode"),
        sha384: digest384("inference.efi authenticode"),
      },
      sections: [".linux", ".osrel", ".cmdline", ".initrd", ".uname"].map((name, i) => ({
        name,
        size: 1024 * (i + 1),
        sha256: digest(name),
        sha384: digest384(name),
      })),
      signatures: [{ sha256: digest("db signature"), subject: "Example image signing key" }],
    },
    commandLine: { text: commandLine, measuredAs: encodeHex(sha384(utf16le(`${commandLine}\0`))) },
    lockdown: "confidentiality",
    secureBoot: {
      enabled: true,
      pk: efiVariable("PK"),
      kek: efiVariable("KEK"),
      db: efiVariable("db"),
      dbx: efiVariable("dbx"),
    },
    moduleSigning: { enforced: true, certificates: [digest("module signing certificate")] },
    kernelPatchSet: kernel.reference,
    driverBuild: driver.reference,
    contents: {
      checkedWith: "fsck.erofs",
      files: driver.predicate.modules.map(({ fileName, sha256 }) => ({
        role: "module" as const,
        path: `/usr/lib/modules/6.12.0/updates/${fileName}`,
        sha256,
      })),
    },
    measurements: [
      {
        bootPath: "uki-kernel",
        layout: "edk2-202505",
        rtmr1,
        rtmr2,
        derivation: "observed",
        from: "event log of a known-good boot",
        events: null,
        attachment: null,
      },
    ],
    removedFromTcb: {
      packages: ["openssh-server"],
      daemons: ["cloud-init"],
      kernelModules: ["vfat", "kexec_core"],
    },
  },
  [
    { name: "rootfs.erofs", digest: { sha256: digest("rootfs.erofs") } },
    { name: "inference.efi", digest: { sha256: digest("inference.efi") } },
  ],
);

function utf16le(text: string): Uint8Array {
  return Uint8Array.from(
    [...text].flatMap((letter) => [letter.charCodeAt(0) & 255, letter.charCodeAt(0) >> 8]),
  );
}

const zero = "00".repeat(48);
const content: Pick<Policy, "svnFloor" | "rebuilds" | "profiles"> = {
  rebuilds: null,
  svnFloor: {
    "os-image": 4,
    "kernel-patch-set": 3,
    "driver-build": 2,
    "gsp-firmware": 1,
    "gpu-rim": 1,
    "switch-rim": 0,
    platform: 1,
  },
  profiles: [
    {
      id: "h100-inference",
      platforms: [platform.reference],
      osImage: image.reference,
      kernelPatchSet: kernel.reference,
      driverBuild: driver.reference,
      gspFirmware: gsp.reference,
      gpuRims: [driverRim.reference, vbiosRim.reference],
      switchRims: [],
      bootPath: "uki-kernel",
      tdx: {
        mrConfigId: zero,
        mrOwner: zero,
        mrOwnerConfig: zero,
        rtmr3: { mode: "zero" },
        mrSeam: { mode: "intel-signed" },
        minTeeTcbSvn: "05010200000000000000000000000000",
        tcbStatuses: ["UpToDate"],
        minTcbEvaluationDataNumber: 20,
        bodies: ["1.5"],
        requiredAttributes: ["sept-ve-disable", "not-migratable", "reserved-zero", "xfam-mandatory"],
        mrServiceTd: "zero",
        debug: false,
      },
      gpu: {
        count: 1,
        architecture: "hopper",
        mode: "single",
        modeNotStated: "reject",
        switches: null,
        driverVersions: ["580.95.05"],
        vbiosVersions: ["96.00.CF.00.01"],
        rimTables: [driverRim.predicate.tableDigest, vbiosRim.predicate.tableDigest],
        fwids: [gsp.predicate.observedFwids[0]?.fwid ?? ""],
        ccMode: "on",
        devtools: false,
        revocation: "ocsp-stapled",
      },
      binding: { format: "touchstone-binding/v1", channel: "tls-spki", freshness: "nonce" },
    },
  ],
};

mkdirSync(FOLDER, { recursive: true });
const write = (name: string, value: unknown) =>
  writeFileSync(new URL(name, FOLDER), `${JSON.stringify(value, null, 2)}\n`);
const releases = [kernel, driver, gsp, driverRim, vbiosRim, platform, image];
for (const { file, payload } of releases) write(file, JSON.parse(new TextDecoder().decode(payload)));
write("policy.json", content);
