// Synthetic GPUs for the tests of this folder: made-up vendors whose evidence is valid at one time.
import { decodeBase64 } from "../../../src/protocol/encoding/base64.ts";
import { type GpuOptions, makeGpu, type SyntheticGpu } from "../../../src/testing/gpu.ts";
import { makeNvidiaAuthority, type NvidiaAuthority } from "../../../src/testing/nvidia.ts";
import type { Check } from "../../../src/verifier/check-list.ts";
import type { DeviceEvidence } from "../../../src/verifier/evidence.ts";
import type { Architecture } from "../../../src/verifier/nvidia/certificate-chain.ts";

export const NOW = new Date("2026-11-01T12:00:00Z");
export const NONCE = new Uint8Array(32).fill(7);
const VALIDITY = { notBefore: new Date("2026-01-01T00:00:00Z"), notAfter: new Date("2027-12-31T00:00:00Z") };

export const makeAuthority = (architecture: Architecture = "hopper"): Promise<NvidiaAuthority> =>
  makeNvidiaAuthority(architecture, VALIDITY);

export interface TestGpu extends SyntheticGpu {
  readonly decoded: DeviceEvidence;
}

export async function gpuOf(authority: NvidiaAuthority, options: GpuOptions = {}): Promise<TestGpu> {
  const gpu = await makeGpu(authority, NONCE, NOW, options);
  return { ...gpu, decoded: decode(gpu.evidence) };
}

function decode({ report, chain, ocsp, crls }: SyntheticGpu["evidence"]): DeviceEvidence {
  return { report: decodeBase64(report), chain, ocsp: ocsp.map(decodeBase64), crls: crls.map(decodeBase64) };
}

export const failed = (checks: readonly Check[]): string[] =>
  checks.filter(({ outcome }) => outcome === "fail").map(({ id }) => id);

/** A copy with one bit flipped, the bit depending on the place. */
export function flip(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ (1 << (at % 8));
  return copy;
}
