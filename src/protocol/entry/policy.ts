// policy: which whole release sets are acceptable now. Every field is required; a permissive or empty policy cannot be written.
import * as z from "zod";
import { hex16, integer, name, positive, sha256, sha384, tdxRegister, text, time } from "./fields.ts";
import { RELEASE_KINDS, referenceTo } from "./reference.ts";

const rtmr3 = z.union([
  z.strictObject({ mode: z.literal("zero") }),
  z.strictObject({ mode: z.literal("exact"), value: tdxRegister }),
  z.strictObject({
    mode: z.literal("replay"),
    events: z
      .array(z.strictObject({ name: text(128), payloadSha256: sha256 }))
      .min(1)
      .max(64)
      .describe(
        "The first events of RTMR3, in order; the event log must replay to the register and begin with them",
      ),
  }),
]);

const mrSeam = z.union([
  z.strictObject({ mode: z.literal("allow"), values: z.array(tdxRegister).min(1).max(32) }),
  z
    .strictObject({ mode: z.literal("intel-signed") })
    .describe("Any TDX module that the collateral's module identity covers"),
]);

/** What the TDX quote must show beside the registers that the referenced entries state. */
export const tdxRequirements = z.strictObject({
  mrConfigId: tdxRegister,
  mrOwner: tdxRegister,
  mrOwnerConfig: tdxRegister,
  rtmr3,
  mrSeam,
  minTeeTcbSvn: hex16.describe("Lowest TEE_TCB_SVN, component by component"),
  tcbStatuses: z
    .array(
      z.enum([
        "UpToDate",
        "SWHardeningNeeded",
        "ConfigurationNeeded",
        "ConfigurationAndSWHardeningNeeded",
        "OutOfDate",
      ]),
    )
    .min(1)
    .describe("Accepted TCB statuses, in Intel's words"),
  minTcbEvaluationDataNumber: positive,
  mrServiceTd: z.literal("zero"),
  debug: z.literal(false),
});
export type TdxRequirements = z.infer<typeof tdxRequirements>;

/** What the GPU evidence must show. */
export const gpuRequirements = z.strictObject({
  count: z.int().min(1).max(16),
  architecture: z.enum(["hopper", "blackwell"]),
  driverVersions: z.array(text(64)).min(1).max(16),
  vbiosVersions: z.array(text(64)).min(1).max(16),
  rimTables: z.array(sha256).min(1).max(32).describe("tableDigest of each gpu-rim that may be used"),
  fwids: z.array(sha384).min(1).max(32),
  ccMode: z.literal("on"),
  devtools: z.literal(false),
  revocation: z.enum(["ocsp-stapled", "crl", "not-required"]),
});
export type GpuRequirements = z.infer<typeof gpuRequirements>;

/** How REPORTDATA binds the channel key. */
export const BINDING_FORMATS = [
  "touchstone-binding/v1",
  "ccc-ra-tls",
  "dstack-ratls",
  "contrast-atls",
] as const;

const binding = z.strictObject({
  format: z.enum(BINDING_FORMATS),
  channel: z.enum(["tls-spki", "hpke"]),
  freshness: z
    .enum(["nonce", "boot"])
    .describe("nonce: REPORTDATA holds the verifier's challenge; boot: evidence of the boot"),
});

const profile = z.strictObject({
  id: name,
  platforms: z.array(referenceTo("platform")).min(1).max(64),
  osImage: referenceTo("os-image"),
  kernelPatchSet: referenceTo("kernel-patch-set"),
  driverBuild: referenceTo("driver-build"),
  gspFirmware: referenceTo("gsp-firmware"),
  gpuRims: z.array(referenceTo("gpu-rim")).min(1).max(16),
  tdx: tdxRequirements,
  gpu: gpuRequirements,
  binding,
});
export type Profile = z.infer<typeof profile>;

export const policy = z
  .strictObject({
    name,
    version: positive,
    previous: sha256.nullable().describe("Payload digest of version - 1; null for 1"),
    validFrom: time,
    expires: time,
    svnFloor: z
      .strictObject(
        Object.fromEntries(RELEASE_KINDS.map((kind) => [kind, integer])) as Record<
          (typeof RELEASE_KINDS)[number],
          typeof integer
        >,
      )
      .describe("Lowest acceptable svn of each kind"),
    profiles: z.array(profile).min(1).max(32),
  })
  .refine((p) => p.validFrom < p.expires, { error: "validFrom must be before expires" })
  .refine((p) => new Set(p.profiles.map(({ id }) => id)).size === p.profiles.length, {
    error: "profile ids must differ",
  })
  .refine((p) => (p.version === 1) === (p.previous === null), {
    error: "previous is null for version 1 and only then",
  })
  .describe("Which whole release sets are acceptable");
export type Policy = z.infer<typeof policy>;
