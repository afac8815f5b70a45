// Writes a verdict as an EAT Attestation Result, a JWT: in the form that Veraison's readers know, or in that of draft-ietf-rats-ear-04. It
// is the word of whoever signs it, for handing on; it is no reason to skip an appraisal.
import type { CoseSigner } from "../protocol/cose/cose-sign1.ts";
import { signatureAlgorithmOf } from "../protocol/cryptography/signature.ts";
import { decodeBase64 } from "../protocol/encoding/base64.ts";
import { encodeBase64Url } from "../protocol/encoding/base64url.ts";
import { utf8 } from "../protocol/encoding/text.ts";
import { MalformedError } from "../protocol/errors.ts";
import type { JudgedMachine } from "./judged-machine.ts";
import { statusOf, type TrustVector, vectorsOf } from "./trust-vector.ts";

export const EAR_PROFILES = ["veraison", "ietf-03"] as const;
export type EarProfile = (typeof EAR_PROFILES)[number];

/** Names of the same members in either form. */
const NAMES = {
  veraison: {
    profile: "tag:github.com,2023:veraison/ear",
    verifier: "ear.verifier-id",
    submodule: (vector: TrustVector, policy: string | undefined) => ({
      "ear.status": statusOf(vector),
      "ear.trustworthiness-vector": vector,
      ...(policy !== undefined && { "ear.appraisal-policy-id": policy }),
    }),
  },
  "ietf-03": {
    profile: "tag:ietf.org,2026:rats/ear#03",
    verifier: "ear_verifier_id",
    submodule: (vector: TrustVector, policy: string | undefined) => ({
      ear_status: statusOf(vector),
      ear_trustworthiness_vector: vector,
      ...(policy !== undefined && { ear_appraisal_policy_ids: [policy] }),
    }),
  },
} as const;

const ALGORITHMS = new Map([
  ["ecdsa-p256-sha256", "ES256"],
  ["ed25519", "EdDSA"],
]);

export interface EarOptions {
  readonly profile: EarProfile;
  /** Who judged: a URI. */
  readonly developer: string;
  /** Program and version. */
  readonly build: string;
}

/**
 * @returns the JWT (RFC 7515 compact form), which expires with the verdict.
 * @throws MalformedError for a key that is neither ECDSA P-256 nor Ed25519.
 */
export async function writeEar(
  machine: JudgedMachine,
  signer: CoseSigner,
  options: EarOptions,
): Promise<string> {
  const alg = ALGORITHMS.get(signatureAlgorithmOf(decodeBase64(signer.spki)) ?? "");
  if (alg === undefined)
    throw new MalformedError("signing key", "an EAR is signed by ECDSA P-256 or Ed25519");
  const header = part({ alg, kid: signer.keyId, typ: "eat+jwt" });
  const signed = `${header}.${part(claimsOf(machine, options))}`;
  return `${signed}.${encodeBase64Url(await signer.sign(utf8(signed)))}`;
}

function claimsOf(machine: JudgedMachine, { profile, developer, build }: EarOptions) {
  const { verdict, nonce, evidence, policy, expires, gpus } = machine;
  const names = NAMES[profile];
  const id = policy === null ? undefined : policyId(policy, verdict.profile);
  const { guest, gpu } = vectorsOf(verdict.checks);
  return {
    eat_profile: names.profile,
    iat: seconds(verdict.asOf),
    exp: seconds(expires),
    ...(nonce !== null && { eat_nonce: encodeBase64Url(nonce) }),
    [names.verifier]: { developer, build },
    "touchstone.evidence-sha256": evidence,
    "touchstone.policy-sha256": policy?.digest ?? null,
    "touchstone.policy-entry": policy === null ? null : `https://${policy.origin}/v1/entries/${policy.index}`,
    submods: {
      "tdx-guest": names.submodule(guest, id),
      ...Object.fromEntries(Array.from({ length: gpus }, (_, i) => [`gpu-${i}`, names.submodule(gpu, id)])),
    },
  };
}

function policyId({ origin, label }: NonNullable<JudgedMachine["policy"]>, profile: string | null): string {
  return `${origin}/${label}${profile === null ? "" : `#${profile}`}`;
}

function seconds(time: string): number {
  return Math.floor(Date.parse(time) / 1000);
}

function part(value: unknown): string {
  return encodeBase64Url(utf8(JSON.stringify(value)));
}
