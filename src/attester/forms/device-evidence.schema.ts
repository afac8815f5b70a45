// Gives the schemas of what NVIDIA's tools write of GPUs and switches (device-evidence.ts). They add members from version to version.
import * as z from "zod";

const KIB = 1024;
const device = z.object({
  certificate: z.string().max(64 * KIB),
  evidence: z.string().max(32 * KIB),
});
const MAX_DEVICES = 64;

export const nvattestDevices = z
  .array(z.object({ ...device.shape, arch: z.string().max(32) }))
  .max(MAX_DEVICES);

/** The output of `nvattest collect-evidence`. */
export const nvattestOutput = z.object({
  evidences: nvattestDevices,
  result_code: z.int(),
  result_message: z.string().max(KIB),
});

/** What NVIDIA's Remote Attestation Service is sent. */
export const nrasRequest = z.object({
  arch: z.string().max(32),
  evidence_list: z.array(device).max(MAX_DEVICES),
});
