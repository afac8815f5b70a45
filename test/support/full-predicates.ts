// One statement of every kind with nothing left out: every optional fact given, every list filled, every kind of nested object present.

import { ed25519Spki } from "../../src/protocol/cryptography/signature.ts";
import { encodeBase64 } from "../../src/protocol/encoding/base64.ts";
import { decodeHex } from "../../src/protocol/encoding/hex.ts";
import type { Kind, Predicate } from "../../src/protocol/entry/kinds.ts";
import { policyPredicate, revocationPredicate } from "./document-predicates.ts";
import { identityKeysPredicate, identityRoles } from "./identity-log.ts";
import type { TestKeys } from "./keys.ts";
import { releaseRule } from "./provider.ts";
import {
  driverPredicate,
  gpuRimPredicate,
  gspPredicate,
  kernelPredicate,
  osImagePredicate,
  platformPredicate,
  rebuildPredicate,
  sha256Of,
  sha384Of,
  switchRimPredicate,
} from "./release-predicates.ts";
import type { ReleaseSet } from "./release-set.ts";
import { referenceOf } from "./signing.ts";
import { trustRootPredicate } from "./trust-root.ts";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const file = (fileName: string) => ({ fileName, sha256: sha256Of(fileName), size: 1000 });
const measured = (fileName: string) => ({ ...file(fileName), sha384: sha384Of(fileName) });
const release = {
  source: { uri: "https://git.example/source", commit: COMMIT, sha256: sha256Of("archive") },
  provenance: {
    sha256: sha256Of("slsa"),
    builderId: "https://builds.example",
    verifiedWith: sha256Of("key"),
  },
};
const patches = {
  count: 1,
  seriesDigest: sha256Of("series"),
  inline: [
    {
      fileName: "0001-acpi.patch",
      sha256: sha256Of("patch"),
      subject: "acpi: refuse late tables",
      authorDate: "Mon, 1 Jun 2026 10:00:00 +0200",
      patchId: COMMIT,
      origin: "backport" as const,
      upstreamCommit: COMMIT,
      purpose: "badaml-acpi",
    },
  ],
  attachment: null,
};
const event = {
  register: "rtmr1" as const,
  type: "EV_EFI_ACTION",
  digest: sha384Of("event"),
  formula: "Exit Boot Services Invocation",
  source: "constant" as const,
};
const variable = { sha256: sha256Of("variable"), eventSha384: sha384Of("event") };

/** @param set what the statements refer to. */
const rsaKey = {
  kid: "kid-1",
  kty: "RSA" as const,
  alg: "RS256" as const,
  n: "v".repeat(342),
  e: "AQAB" as const,
};
const coordinates = { x: "x".repeat(43), y: "y".repeat(43) };
const ecKey = {
  kid: "kid-2",
  kty: "EC" as const,
  alg: "ES256" as const,
  crv: "P-256" as const,
  ...coordinates,
};

export async function fullPredicates(
  keys: TestKeys,
  set: ReleaseSet,
): Promise<{ readonly [K in Kind]: Predicate<K> }> {
  const kernel = kernelPredicate();
  const driver = driverPredicate(referenceOf(set.kernel));
  const gsp = gspPredicate();
  const image = osImagePredicate(referenceOf(set.kernel), referenceOf(set.driver));
  const [profile] = policyPredicate(set).profiles;
  const range = { keyId: sha256Of("stolen"), fromIndex: 0, toIndex: 5 };
  return {
    platform: {
      ...platformPredicate(),
      ...release,
      firmware: measured("OVMF.fd"),
      acpi: { loader: sha384Of("loader"), rsdp: sha384Of("rsdp"), tables: sha384Of("tables") },
      vmm: { name: "qemu", package: "qemu 10.0.2", sha256: sha256Of("qemu"), arguments: ["-smp", "8"] },
      events: [{ ...event, register: "rtmr0" }],
    },
    "kernel-patch-set": {
      ...kernel,
      ...release,
      base: { ...kernel.base, sourceArchive: file("linux.tar.xz"), commit: COMMIT },
      patches,
      config: {
        sha256: sha256Of("config"),
        options: [{ option: "CONFIG_INTEL_TDX_GUEST", required: "set", actual: "y" }],
      },
    },
    "driver-build": {
      ...driver,
      ...release,
      upstream: { version: "580.95.05", tag: "580.95.05", commit: COMMIT },
      patches,
      modules: driver.modules.map((module) => ({
        ...module,
        srcversion: "ABC",
        depends: ["drm"],
        signer: "CN=x",
      })),
      libraries: [file("libnvidia-pkcs11.so")],
      rim: { id: "NV_GPU_DRIVER_GH100_580.95.05", sha256: sha256Of("rim") },
      ccFirmware: [{ foundIn: "nvidia.ko", sha384: sha384Of("cc"), size: 1000 }],
      observed: {
        driverVersion: "580.95.05",
        modules: [{ name: "nvidia", srcversion: "ABC" }],
        gpus: [{ product: "H100", vbiosVersion: "96.00", gspFirmwareVersion: "580.95.05", ccState: "on" }],
        firmwareFiles: [file("gsp_ga10x.bin")],
      },
    },
    "gsp-firmware": {
      ...gsp,
      ...release,
      files: gsp.files.map((each) => ({
        ...each,
        sections: [".fwimage"],
        notes: [{ section: ".note", name: "NVIDIA", type: 1, sha256: sha256Of("note") }],
      })),
      package: { name: "firmware-nvidia-gsp", version: "550", sha256: sha256Of("deb") },
      observedFwids: [{ fwid: sha384Of("fwid"), report: sha256Of("report") }],
    },
    "gpu-rim": { ...gpuRimPredicate(), ...release },
    "switch-rim": { ...switchRimPredicate(), ...release },
    "os-image": {
      ...image,
      ...release,
      rootfs: { ...image.rootfs, features: ["sb_chksum"], mkfsArguments: ["-zlz4"] },
      verity: { ...image.verity, salt: "00ff", uuid: "00000000-0000-4000-8000-000000000001" },
      uki: {
        ...image.uki,
        sections: [{ name: ".linux", size: 1, sha256: sha256Of(".linux"), sha384: sha384Of(".linux") }],
        signatures: [{ sha256: sha256Of("pkcs7"), subject: "CN=db" }],
      },
      secureBoot: { enabled: true, pk: variable, kek: variable, db: variable, dbx: variable },
      moduleSigning: { enforced: true, certificates: [sha256Of("certificate")] },
      contents: {
        checkedWith: "fsck.erofs",
        files: [{ role: "module", path: "/usr/lib/modules/6.12/nvidia.ko", sha256: sha256Of("nvidia.ko") }],
      },
      measurements: image.measurements.map((row) => ({ ...row, events: [event] })),
      removedFromTcb: { packages: ["snapd"], daemons: ["sshd"], kernelModules: ["floppy"] },
    },
    rebuild: rebuildPredicate(referenceOf(set.image)),
    policy: {
      ...policyPredicate(set, { version: 2, previous: sha256Of("policy 1") }),
      rebuilds: { threshold: 1, keys: [sha256Of("rebuilder")], kinds: ["os-image"], differs: "refuse" },
      profiles: [
        {
          ...profile!,
          tdx: {
            ...profile!.tdx,
            rtmr3: { mode: "replay", events: [{ name: "compose", payloadSha256: sha256Of("compose") }] },
            mrSeam: { mode: "allow", values: [sha384Of("seam")] },
          },
        },
        {
          ...profile!,
          id: "exact",
          tdx: { ...profile!.tdx, rtmr3: { mode: "exact", value: sha384Of("rtmr3") } },
        },
      ],
    },
    revocation: revocationPredicate({
      digests: [sha256Of("bad")],
      keys: [range],
      identities: [{ rule: releaseRule.id, fromIndex: 3, toIndex: 9 }],
      advisory: "CVE-2026-12345",
    }),
    status: {
      name: "status",
      sequence: 2,
      previous: sha256Of("status 1"),
      treeSize: 9,
      trustRoot: { version: 1, digest: sha256Of("root") },
      policies: [{ name: "production", version: 1, digest: sha256Of("policy") }],
      identityKeys: [{ name: "github", version: 1, digest: sha256Of("keys") }],
      revokedDigests: [sha256Of("bad")],
      revokedKeys: [range],
      revokedIdentities: [{ rule: releaseRule.id, fromIndex: 3, toIndex: 9 }],
      index: { size: 9, root: sha256Of("index") },
      issuedAt: "2026-11-23T12:00:00Z",
      expires: "2026-11-24T12:00:00Z",
    },
    "identity-keys": identityKeysPredicate([], {
      version: 2,
      previous: sha256Of("keys 1"),
      keys: [rsaKey, ecKey],
    }),
    "trust-root": await trustRootPredicate(keys, {
      ...(await identityRoles(keys)),
      version: 2,
      previous: sha256Of("root 1"),
      receiptKeys: [encodeBase64(ed25519Spki(decodeHex(sha256Of("receipt key"))))],
      index: true,
      successor: { origin: "next.example/log", finalSize: 9, finalRoot: sha256Of("tree") },
    }),
  };
}
