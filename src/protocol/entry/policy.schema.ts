// Gives the schema of the kind policy (policy.ts).
import * as z from "zod";
import { BOOT_PATHS } from "./boot.ts";
import {
  hex16,
  integer,
  name,
  origin,
  positive,
  sha256,
  sha384,
  tdxRegister,
  text,
  time,
} from "./fields.schema.ts";
import { differ } from "./fields.ts";
import type { ProfilePlace } from "./kind.ts";
import {
  asksForSwitchesInPpcie,
  BINDING_FORMATS,
  beginsBeforeItExpires,
  GPU_ARCHITECTURES,
  GPU_MODES,
  hasDistinctProfiles,
  isChained,
  knowsTheMode,
  TD_ATTRIBUTE_RULES,
  TDX_BODIES,
} from "./policy.ts";
import { rebuildRule } from "./rebuild-rule.schema.ts";
import { referenceTo } from "./reference.schema.ts";
import { type KindByMember, PROFILE_KINDS } from "./release-kinds.ts";

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

const distinct = <T extends z.ZodType>(item: T) =>
  z.array(item).refine(differ, { error: "members must differ" });

/** What the TDX quote must show beside the registers that the referenced entries state. */
export const tdxRequirements = z.strictObject({
  /** Accepted forms of the TD report. */
  bodies: distinct(z.enum(TDX_BODIES)).min(1),
  /** SEPT_VE_DISABLE on; MIGRATABLE off; reserved bits of TD_ATTRIBUTES and XFAM zero; x87 and SSE in XFAM. */
  requiredAttributes: distinct(z.enum(TD_ATTRIBUTE_RULES)),
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
  /** A TDX 1.0 body does not show it. */
  mrServiceTd: z.enum(["zero", "zero-or-not-shown"]),
  debug: z.literal(false),
});

/** What the evidence of the NVSwitches must show. */
export const switchRequirements = z.strictObject({
  count: z.int().min(1).max(16),
  vbiosVersions: z.array(text(64)).min(1).max(16),
  rimTables: z.array(sha256).min(1).max(16).describe("tableDigest of each switch-rim that may be used"),
});

/** What the GPU evidence must show. */
export const gpuRequirements = z.strictObject({
  count: z.int().min(1).max(16),
  architecture: z.enum(GPU_ARCHITECTURES),
  mode: z
    .enum(GPU_MODES)
    .describe(
      "single: each passed through for itself; ppcie: all of a board, with the switches between them",
    ),
  /** "accept" of one GPU alone, never of several. */
  modeNotStated: z.enum(["accept", "reject"]),
  switches: switchRequirements
    .nullable()
    .describe("The NVSwitches between the GPUs; null for single, and only then"),
  driverVersions: z.array(text(64)).min(1).max(16),
  vbiosVersions: z.array(text(64)).min(1).max(16),
  rimTables: z.array(sha256).min(1).max(32).describe("tableDigest of each gpu-rim that may be used"),
  fwids: z.array(sha384).min(1).max(32),
  ccMode: z.literal("on"),
  devtools: z.literal(false),
  revocation: z.enum(["ocsp-stapled", "crl", "not-required"]).describe("Of the switches, too"),
});

const binding = z.strictObject({
  format: z.enum(BINDING_FORMATS),
  channel: z.enum(["tls-spki", "hpke"]),
  freshness: z
    .enum(["nonce", "boot"])
    .describe("nonce: REPORTDATA holds the verifier's challenge; boot: evidence of the boot"),
});

type ReferenceTo<K extends string> = ReturnType<typeof referenceTo<K>>;
type ProfileReferences = {
  [M in keyof KindByMember]: KindByMember[M]["profile"] extends { readonly atMost: number }
    ? z.ZodArray<ReferenceTo<KindByMember[M]["kind"]>>
    : ReferenceTo<KindByMember[M]["kind"]>;
};

/** One member for each kind that a profile names. */
const profileReferences = Object.fromEntries(
  PROFILE_KINDS.map((kind) => {
    const { member, atMost, atLeast = 1 } = kind.profile as ProfilePlace;
    const reference = referenceTo(kind);
    return [member, atMost === undefined ? reference : z.array(reference).min(atLeast).max(atMost)];
  }),
) as ProfileReferences;

export const profile = z
  .strictObject({
    id: name,
    ...profileReferences,
    bootPath: z.enum(BOOT_PATHS).describe("How the image is started: which of its measurements count"),
    tdx: tdxRequirements,
    gpu: gpuRequirements,
    binding,
  })
  .refine(asksForSwitchesInPpcie, {
    error: "gpu.switches is null for the mode single, and only then; switchRims is empty where it is",
  })
  .refine(knowsTheMode, { error: 'ppcie needs modeNotStated "reject"' });

type SvnFloor = Record<KindByMember[keyof KindByMember]["kind"], typeof integer>;

export const svnFloor = z.strictObject(
  Object.fromEntries(PROFILE_KINDS.map(({ kind }) => [kind, integer])) as SvnFloor,
);

export const policy = z
  .strictObject({
    name,
    origin,
    version: positive,
    previous: sha256.nullable().describe("Payload digest of version - 1; null for 1"),
    validFrom: time,
    expires: time,
    svnFloor: svnFloor.describe("Lowest acceptable svn of each kind"),
    rebuilds: rebuildRule.nullable().describe("Rebuilds by third parties; null: none are asked for"),
    profiles: z.array(profile).min(1).max(32),
  })
  .refine(beginsBeforeItExpires, { error: "validFrom must be before expires" })
  .refine(hasDistinctProfiles, { error: "profile ids must differ" })
  .refine(isChained, {
    error: "previous is null for version 1 and only then",
  })
  .describe("Which whole release sets are acceptable");
