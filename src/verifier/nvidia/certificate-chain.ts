// Verifies the chain of a GPU's or switch's attestation key: AK ← device identity key (boot ROM) ← provisioner ICA ← chip identity CA ←
// device root. The supplied root is dropped and the pinned one used instead.
import { keyIdOf } from "../../protocol/cryptography/signature.ts";
import type { GpuRequirements } from "../../protocol/entry/policy.ts";
import { VerificationError } from "../../protocol/errors.ts";
import type { Certificate } from "../x509/certificate.ts";
import { requireIssued, requirePath } from "../x509/path.ts";
import type { SignatureMemo } from "../x509/signature-memo.ts";
import { COMPOSITE_DEVICE_ID, DICE_TCB_INFO } from "./fwid.ts";
import type { NvidiaCode } from "./nvidia-code.ts";

export type GpuArchitecture = GpuRequirements["architecture"];
export type SwitchArchitecture = "ls10";
export type Architecture = GpuArchitecture | SwitchArchitecture;

interface Family {
  readonly architecture: Architecture;
  /** What leaf, device and provisioner call the chip. */
  readonly chip: RegExp;
  /** What the identity CA calls it. */
  readonly identity: (chip: string) => string;
  /** The extension in which its leaf states the firmware id. */
  readonly fwid: string;
}

/** As seen in the chains that NVIDIA publishes: Rubin's CA is of the family, and that of the switch LS10 is Hopper's. */
const FAMILIES: readonly Family[] = [
  { architecture: "hopper", chip: /^GH[0-9]{3}$/, identity: (chip) => chip, fwid: COMPOSITE_DEVICE_ID },
  { architecture: "blackwell", chip: /^GB[0-9]{3}$/, identity: (chip) => chip, fwid: DICE_TCB_INFO },
  {
    architecture: "rubin",
    chip: /^GR[0-9]{3}$/,
    identity: (chip) => `${chip.slice(0, 3)}XX`,
    fwid: DICE_TCB_INFO,
  },
  { architecture: "ls10", chip: /^LS_10$/, identity: () => "GH100", fwid: COMPOSITE_DEVICE_ID },
];

const CHAIN_LENGTH = 5;

/** Four certificates of one GPU or switch, verified below the root or not: the caller's checks say. */
export interface DeviceChain {
  /** Attestation key: signs reports. */
  readonly leaf: Certificate;
  /** Key that is burnt into the device: one for each. */
  readonly device: Certificate;
  readonly provisioner: Certificate;
  /** CA of the chip family, to be issued by the device root. */
  readonly identity: Certificate;
}

/**
 * The four certificates below the root, each issued by the next, the leaf fit to sign reports and nothing else.
 * @param certificates leaf first, five with the root that came along.
 * @throws VerificationError "gpu-chain" for another number of certificates, or what requirePath throws.
 */
export async function verifyDeviceChain(
  certificates: readonly Certificate[],
  memo?: SignatureMemo,
): Promise<DeviceChain> {
  const [leaf, device, provisioner, identity] = certificates;
  if (certificates.length !== CHAIN_LENGTH || !leaf || !device || !provisioner || !identity) {
    throw new VerificationError<NvidiaCode>(
      "gpu-chain",
      `expected ${CHAIN_LENGTH} certificates, got ${certificates.length}`,
    );
  }
  await requirePath([leaf, device, provisioner, identity], memo);
  return { leaf, device, provisioner, identity };
}

/** Checks that the chip's identity CA was issued by the pinned root. @throws VerificationError */
export async function verifyUnderRoot(
  chain: DeviceChain,
  root: Certificate,
  memo?: SignatureMemo,
): Promise<void> {
  await requireIssued(chain.identity, root, 3, memo);
}

/** Certificates whose revocation NVIDIA states, each with its issuer: all but the leaf, for which its responder has no answer. */
export function revocable(
  chain: DeviceChain,
  root: Certificate,
): [certificate: Certificate, issuer: Certificate][] {
  return [
    [chain.device, chain.provisioner],
    [chain.provisioner, chain.identity],
    [chain.identity, root],
  ];
}

/** Names one device: hex SHA-256 of the SPKI of the key that is burnt into it. */
export function deviceIdOf(chain: DeviceChain): string {
  return keyIdOf(chain.device.spki);
}

/**
 * The chip, such as "GH100", and its architecture: as the four certificates name it and as the FWID extension's form says.
 * @param wanted architectures of this kind of device.
 * @throws VerificationError "gpu-architecture" when they disagree, or name another chip.
 */
export function architectureOf<A extends Architecture>(
  chain: DeviceChain,
  wanted: readonly A[],
): { chip: string; architecture: A } {
  const [chip = ""] = chain.leaf.commonName.split(" ");
  const family = FAMILIES.find((one) => one.chip.test(chip));
  const architecture = wanted.find((one) => one === family?.architecture);
  if (family === undefined || architecture === undefined)
    throw refused(
      `the certificates are of "${chain.leaf.commonName}", and only ${wanted.join(", ")} can be verified`,
    );
  const names: ReadonlyArray<readonly [Certificate, string]> = [
    [chain.leaf, chip],
    [chain.device, chip],
    [chain.provisioner, chip],
    [chain.identity, family.identity(chip)],
  ];
  const named = names.every(([{ commonName }, name]) => commonName.split(" ").includes(name));
  if (named && chain.leaf.extensions.has(family.fwid)) return { chip, architecture };
  throw refused(
    `"${chain.leaf.commonName}" and its issuers do not name one chip of that family with its FWID extension`,
  );
}

function refused(detail: string): VerificationError<NvidiaCode> {
  return new VerificationError<NvidiaCode>("gpu-architecture", detail);
}
