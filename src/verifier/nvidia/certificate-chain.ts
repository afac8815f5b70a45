// Verifies the chain of a GPU's attestation key: AK ← device identity key (boot ROM) ← provisioner ICA ← chip identity CA ← device root.
// The supplied root is dropped and the pinned one used instead.
import { keyIdOf } from "../../protocol/cryptography/signature.ts";
import { VerificationError } from "../../protocol/errors.ts";
import type { Certificate } from "../x509/certificate.ts";
import { requireIssued, requirePath } from "../x509/path.ts";
import { BLACKWELL_FWID, HOPPER_FWID } from "./fwid.ts";
import type { NvidiaCode } from "./nvidia-code.ts";

export type Architecture = "hopper" | "blackwell";

const CHAIN_LENGTH = 5;

/** Four certificates of one GPU, verified below the root or not: the caller's checks say. */
export interface GpuChain {
  /** Attestation key: signs reports. */
  readonly leaf: Certificate;
  /** Key that is burnt into the GPU: one for each device. */
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
export async function verifyGpuChain(certificates: readonly Certificate[]): Promise<GpuChain> {
  const [leaf, device, provisioner, identity] = certificates;
  if (certificates.length !== CHAIN_LENGTH || !leaf || !device || !provisioner || !identity) {
    throw new VerificationError<NvidiaCode>(
      "gpu-chain",
      `expected ${CHAIN_LENGTH} certificates, got ${certificates.length}`,
    );
  }
  await requirePath([leaf, device, provisioner, identity]);
  return { leaf, device, provisioner, identity };
}

/** Checks that the chip's identity CA was issued by the pinned root. @throws VerificationError */
export async function verifyUnderRoot(chain: GpuChain, root: Certificate): Promise<void> {
  await requireIssued(chain.identity, root, 3);
}

/** Certificates whose revocation NVIDIA states, each with its issuer: all but the leaf, for which its responder has no answer. */
export function revocable(
  chain: GpuChain,
  root: Certificate,
): [certificate: Certificate, issuer: Certificate][] {
  return [
    [chain.device, chain.provisioner],
    [chain.provisioner, chain.identity],
    [chain.identity, root],
  ];
}

/** Names one GPU: hex SHA-256 of the SPKI of the key that is burnt into it. */
export function deviceIdOf(chain: GpuChain): string {
  return keyIdOf(chain.device.spki);
}

/**
 * The chip, such as "GH100", and its architecture: as the four certificates name it and as the FWID extension's form says.
 * @throws VerificationError "gpu-architecture" when they disagree or name a chip that is neither Hopper nor Blackwell.
 */
export function architectureOf(chain: GpuChain): { chip: string; architecture: Architecture } {
  const chip = /^(G[HB][0-9]{3}) /.exec(chain.leaf.commonName)?.[1] ?? "";
  const named = Object.values(chain).every((certificate: Certificate) =>
    certificate.commonName.split(" ").includes(chip),
  );
  const architecture = chip.startsWith("GH") ? "hopper" : "blackwell";
  const form = architecture === "hopper" ? HOPPER_FWID : BLACKWELL_FWID;
  if (chip === "" || !named || !chain.leaf.extensions.has(form)) {
    throw new VerificationError<NvidiaCode>(
      "gpu-architecture",
      `"${chain.leaf.commonName}" and its issuers do not name one Hopper or Blackwell chip with that chip's FWID extension`,
    );
  }
  return { chip, architecture };
}
