// A small world for tests of the log: keys with roles, a trust root that gives them, and statements of every kind with the least that
// its schema accepts. Keys follow from their names, so that a failing test fails again.
import { createHash } from "node:crypto";
import { sha256 } from "../../src/protocol/cryptography/hash.ts";
import { ed25519Spki, keyIdOf } from "../../src/protocol/cryptography/signature.ts";
import { encodeBase64 } from "../../src/protocol/encoding/base64.ts";
import { encodeHex } from "../../src/protocol/encoding/hex.ts";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import { formatTime } from "../../src/protocol/entry/fields.ts";
import type { Predicate } from "../../src/protocol/entry/kinds.ts";
import type { Kind, Reference, ReleaseKind } from "../../src/protocol/entry/reference.ts";
import type { TrustRoot } from "../../src/protocol/entry/trust-root.ts";
import { canonicalize } from "../../src/protocol/envelope/canonical-json.ts";
import { type Envelope, makeEnvelope, preAuthEncoding } from "../../src/protocol/envelope/dsse.ts";
import { formatStatement } from "../../src/protocol/envelope/statement.ts";
import {
  COSIGNATURE_ED25519,
  createPrivateKey,
  ED25519,
  formatVerifierKey,
  type NotePrivateKey,
} from "../../src/protocol/note/key.ts";
import { type InForce, summarise } from "../../src/protocol/registration/in-force.ts";
import { goldenTableDigest } from "../../src/verifier/nvidia/compare-golden-tables.ts";

export const ORIGIN = "log.example/touchstone";
/** When the tests take place, unless they say otherwise. */
export const NOW = new Date("2026-11-23T12:00:00Z");

const digest = (algorithm: "sha256" | "sha384", text: string) =>
  createHash(algorithm).update(text).digest("hex");
/** A made-up digest that follows from a text. */
export const sha256Of = (text: string) => digest("sha256", text);
export const sha384Of = (text: string) => digest("sha384", text);
const seedOf = (name: string) => new Uint8Array(createHash("sha256").update(`test key ${name}`).digest());

/** An Ed25519 key that signs envelopes. */
export interface TestKey {
  readonly keyId: string;
  readonly spki: Uint8Array;
  sign(message: Uint8Array): Promise<Uint8Array>;
}

export async function testKey(name: string): Promise<TestKey> {
  const { verifierKey, signBytes } = await createPrivateKey("unused", ED25519, seedOf(name));
  const spki = ed25519Spki(verifierKey.publicKey);
  return { keyId: keyIdOf(spki), spki, sign: signBytes };
}

/** The log's key (type 0x01), named after the origin. */
export function logKey(origin: string = ORIGIN): Promise<NotePrivateKey> {
  return createPrivateKey(origin, ED25519, seedOf(`log ${origin}`));
}

/** A witness' key (type 0x04). */
export function witnessKey(name: string): Promise<NotePrivateKey> {
  return createPrivateKey(name, COSIGNATURE_ED25519, seedOf(`witness ${name}`));
}

/** The keys of the small world: two of every role, so that thresholds and strangers can be tried. */
export interface TestKeys {
  readonly root: readonly [TestKey, TestKey];
  readonly publisher: TestKey;
  readonly otherPublisher: TestKey;
  readonly policy: TestKey;
  readonly revocation: TestKey;
  readonly status: TestKey;
}

export async function testKeys(): Promise<TestKeys> {
  const [root0, root1, publisher, otherPublisher, policy, revocation, status] = await Promise.all(
    ["root 0", "root 1", "publisher", "other publisher", "policy", "revocation", "status"].map(testKey),
  );
  return {
    root: [root0!, root1!],
    publisher: publisher!,
    otherPublisher: otherPublisher!,
    policy: policy!,
    revocation: revocation!,
    status: status!,
  };
}

const RELEASE_KINDS: readonly ReleaseKind[] = [
  "os-image",
  "kernel-patch-set",
  "driver-build",
  "gsp-firmware",
  "gpu-rim",
  "platform",
];

/** A tlog-policy with the log's key and witnesses of which `threshold` must cosign. */
export function tlogPolicy(
  log: NotePrivateKey,
  witnesses: readonly NotePrivateKey[],
  threshold = witnesses.length,
): string {
  const names = witnesses.map((_, i) => `w${i}`);
  return [
    `log ${formatVerifierKey(log.verifierKey)}`,
    ...witnesses.map(({ verifierKey }, i) => `witness w${i} ${formatVerifierKey(verifierKey)}`),
    `group all-witnesses ${threshold} ${names.join(" ")}`,
    "quorum all-witnesses",
    "",
  ].join("\n");
}

/** The predicate of trust root version 1; `change` replaces members. */
export async function trustRootPredicate(
  keys: TestKeys,
  change: Partial<TrustRoot> = {},
): Promise<TrustRoot> {
  const everyKey = [
    ...keys.root,
    keys.publisher,
    keys.otherPublisher,
    keys.policy,
    keys.revocation,
    keys.status,
  ];
  const only = (key: TestKey) => ({ keys: [key.keyId], threshold: 1 });
  return {
    name: "root",
    version: 1,
    previous: null,
    expires: "2036-01-01T00:00:00Z",
    maxPolicyLifetime: 90 * 86_400,
    maxStatusAge: 7 * 86_400,
    maxCheckpointAge: 86_400,
    origin: ORIGIN,
    logPolicy: tlogPolicy(await logKey(), [await witnessKey("own.example")]),
    keys: everyKey.map(({ spki }) => encodeBase64(spki)),
    roles: {
      root: { keys: keys.root.map(({ keyId }) => keyId), threshold: 1 },
      publisher: [
        { ...only(keys.publisher), kinds: [...RELEASE_KINDS], names: ["*"] },
        { ...only(keys.otherPublisher), kinds: ["platform"], names: ["other/*"] },
      ],
      policy: [{ ...only(keys.policy), names: ["*"] }],
      revocation: only(keys.revocation),
      status: only(keys.status),
    },
    successor: null,
    ...change,
  };
}

/** Signs a statement. Release kinds get one subject that follows from their name and version. */
export async function signStatement<K extends Kind>(
  kind: K,
  predicate: Predicate<K>,
  signers: readonly TestKey[],
): Promise<Envelope> {
  const subject = [
    { name: `${predicate.name}.bin`, digest: { sha256: sha256Of(`artefact of ${canonicalize(predicate)}`) } },
  ];
  const payload = formatStatement(kind, predicate, subject);
  const message = preAuthEncoding(payload);
  const signatures = signers.map(async ({ keyId, sign }) => ({ keyId, signature: await sign(message) }));
  return makeEnvelope(payload, await Promise.all(signatures));
}

/** The reference by which another statement names this one. */
export function referenceOf<K extends Kind>(
  envelope: Pick<Envelope, "statement" | "payloadDigest">,
): Reference & { kind: K } {
  const { kind, name, version } = envelope.statement;
  return { kind: kind as K, name, version, digest: envelope.payloadDigest };
}

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
    patches: patches(),
    config: null,
    toolchain,
    outputs: [file("vmlinuz")],
  };
}

export function driverPredicate(
  kernel: Reference & { kind: "kernel-patch-set" },
  name = "nvidia-open",
  version = "550.144.03",
): Predicate<"driver-build"> {
  return {
    ...release(name, version),
    upstream: { version: "550.144.03", tag: null, commit: null },
    patches: patches(),
    kernel,
    vermagic: "6.12.1 SMP",
    modules: [
      {
        fileName: "nvidia.ko",
        sha256: sha256Of("nvidia.ko"),
        size: 1000,
        uncompressedSha256: sha256Of("nvidia.ko"),
        version: "550.144.03",
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

export function gspPredicate(name = "gsp-ga10x", version = "550.144.03"): Predicate<"gsp-firmware"> {
  return {
    ...release(name, version),
    firmwareVersion: "550.144.03",
    files: [
      {
        ...file("gsp_ga10x.bin"),
        sha384: sha384Of("gsp_ga10x.bin"),
        firmwareVersion: "550.144.03",
        chips: ["gh100"],
        sections: [],
        notes: [],
      },
    ],
    package: null,
    observedFwids: [],
  };
}

export function gpuRimPredicate(name = "gh100-driver", version = "550.144.03"): Predicate<"gpu-rim"> {
  const table = [{ index: 0, active: true, alternatives: [sha384Of("golden")] }];
  return {
    ...release(name, version),
    rim: {
      id: "NV_GPU_DRIVER_GH100_550.144.03",
      tagId: "tag",
      covers: "driver",
      componentVersion: "550.144.03",
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
    measurements: {
      rtmr1: sha384Of(`rtmr1 ${version}`),
      rtmr2: sha384Of(`rtmr2 ${version}`),
      derivation: "observed",
      from: "event log",
      events: null,
      attachment: null,
    },
    removedFromTcb: { packages: [], daemons: [], kernelModules: [] },
  };
}

/** One whole release set, each entry referring to the ones before it. */
export interface ReleaseSet {
  readonly platform: Envelope;
  readonly kernel: Envelope;
  readonly driver: Envelope;
  readonly gsp: Envelope;
  readonly rim: Envelope;
  readonly image: Envelope;
}

export async function signReleaseSet(keys: TestKeys, version = "1.0"): Promise<ReleaseSet> {
  const by = [keys.publisher];
  const platform = await signStatement("platform", platformPredicate("h100-vm", version), by);
  const kernel = await signStatement("kernel-patch-set", kernelPredicate("linux-cc", version), by);
  const driver = await signStatement(
    "driver-build",
    driverPredicate(referenceOf(kernel), "nvidia-open", version),
    by,
  );
  const gsp = await signStatement("gsp-firmware", gspPredicate("gsp-ga10x", version), by);
  const rim = await signStatement("gpu-rim", gpuRimPredicate("gh100-driver", version), by);
  const image = await signStatement(
    "os-image",
    osImagePredicate(referenceOf(kernel), referenceOf(driver), "guest", version),
    by,
  );
  return { platform, kernel, driver, gsp, rim, image };
}

/** In an order in which every reference points backwards. */
export function inOrder({ platform, kernel, driver, gsp, rim, image }: ReleaseSet): Envelope[] {
  return [platform, kernel, driver, gsp, rim, image];
}

export function policyPredicate(
  set: ReleaseSet,
  change: Partial<Predicate<"policy">> = {},
  now: Date = NOW,
): Predicate<"policy"> {
  const zero = "0".repeat(96);
  return {
    name: "production",
    version: 1,
    previous: null,
    validFrom: formatTime(new Date(now.getTime() - 3_600_000)),
    expires: formatTime(new Date(now.getTime() + 30 * 86_400_000)),
    svnFloor: {
      "os-image": 0,
      "kernel-patch-set": 0,
      "driver-build": 0,
      "gsp-firmware": 0,
      "gpu-rim": 0,
      platform: 0,
    },
    profiles: [
      {
        id: "h100",
        platforms: [referenceOf(set.platform)],
        osImage: referenceOf(set.image),
        kernelPatchSet: referenceOf(set.kernel),
        driverBuild: referenceOf(set.driver),
        gspFirmware: referenceOf(set.gsp),
        gpuRims: [referenceOf(set.rim)],
        tdx: {
          mrConfigId: zero,
          mrOwner: zero,
          mrOwnerConfig: zero,
          rtmr3: { mode: "zero" },
          mrSeam: { mode: "intel-signed" },
          minTeeTcbSvn: "0".repeat(32),
          tcbStatuses: ["UpToDate"],
          minTcbEvaluationDataNumber: 1,
          mrServiceTd: "zero",
          debug: false,
        },
        gpu: {
          count: 1,
          architecture: "hopper",
          driverVersions: ["550.144.03"],
          vbiosVersions: ["96.00.9F.00.01"],
          rimTables: [sha256Of("table")],
          fwids: [sha384Of("fwid")],
          ccMode: "on",
          devtools: false,
          revocation: "ocsp-stapled",
        },
        binding: { format: "touchstone-binding/v1", channel: "tls-spki", freshness: "nonce" },
      },
    ],
    ...change,
  };
}

export function revocationPredicate(change: Partial<Predicate<"revocation">>): Predicate<"revocation"> {
  return { name: "cve", version: "1", digests: [], keys: [], reason: "a test", advisory: null, ...change };
}

/** The true status of a state; `change` makes it lie. */
export function statusPredicate(
  inForce: InForce,
  change: Partial<Predicate<"status">> = {},
  now: Date = NOW,
): Predicate<"status"> {
  return {
    name: "status",
    sequence: (inForce.status?.sequence ?? 0) + 1,
    previous: inForce.status?.digest ?? null,
    treeSize: inForce.size,
    ...summarise(inForce),
    issuedAt: formatTime(now),
    expires: formatTime(new Date(now.getTime() + 86_400_000)),
    ...change,
  };
}

/** Many small entries: platforms of distinct names. */
export function signPlatforms(keys: TestKeys, prefix: string, count: number): Promise<Envelope[]> {
  return Promise.all(
    Array.from({ length: count }, (_, i) =>
      signStatement("platform", platformPredicate(`${prefix}-${i}`), [keys.publisher]),
    ),
  );
}
