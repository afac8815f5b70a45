// Makes one synthetic GPU of a machine: its keys, its report for a request nonce, the revocation answers stapled to it, and the golden
// tables that it matches.
import { sha384 } from "../protocol/cryptography/hash.ts";
import { encodeBase64 } from "../protocol/encoding/base64.ts";
import { utf8 } from "../protocol/encoding/text.ts";
import type { GoldenTable } from "../protocol/entry/golden-table.ts";
import type { EvidenceDocument } from "../verifier/evidence.ts";
import type { Validity } from "./authority.ts";
import { makeBlocks, makeGoldenTables, makeGpuReport, makeOpaque, type ReportFields } from "./gpu-report.ts";
import { type GpuIdentity, makeGpuIdentity, type NvidiaAuthority } from "./nvidia.ts";
import { type CommonAnswers, makeStapled, type StapledOptions } from "./stapled.ts";

/**
 * What a GPU may differ in.
 * @example
 * ```ts
 * import { type GpuOptions, makeMachine } from "touchstone/testing";
 * const old: GpuOptions = { driverVersion: "535.86.05" };
 * const machine = await makeMachine({ at: new Date(), gpus: [old] });
 * ```
 */
export interface GpuOptions extends StapledOptions {
  readonly driverVersion?: string;
  /** As people write it: 96.00.9F.00.01. */
  readonly vbiosVersion?: string;
  /** FWID that the leaf certificate states, 48 bytes. */
  readonly fwid?: Uint8Array | null;
  /** Validity of the GPU's own two certificates. */
  readonly validity?: Validity;
  /** Any field of the report, the nonce included. */
  readonly report?: Partial<ReportFields>;
  /** "ppcie" when absent on a machine with switches, "single" on one without. */
  readonly mode?: "single" | "ppcie";
  /** The GPU's name, 8 bytes, hex; random when absent. */
  readonly pdi?: string;
  /** PDIs of the switches at its links, hex; those of the machine when absent. */
  readonly switches?: readonly string[];
  /** Security version number of the FSP's firmware. Given, the report has opaque data 2.0, and the VBIOS's table a floor of 3. */
  readonly svn?: number;
}

/**
 * @example
 * ```ts
 * import type { SyntheticGpu } from "touchstone/testing";
 * const versionsOf = ({ driverVersion, vbiosVersion }: SyntheticGpu): string => `${driverVersion} ${vbiosVersion}`;
 * ```
 */
export interface SyntheticGpu {
  readonly identity: GpuIdentity;
  readonly report: Uint8Array;
  readonly driverVersion: string;
  readonly vbiosVersion: string;
  /** What the driver's and the VBIOS's RIM would hold for an untampered GPU of this kind. */
  readonly goldenTables: { readonly driver: GoldenTable; readonly vbios: GoldenTable };
  readonly evidence: EvidenceDocument["gpus"][number];
}

const HOUR = 3_600_000;

/**
 * The measurements of every synthetic GPU whose options change none.
 * @example
 * ```ts
 * import { GOOD_BLOCKS, makeGoldenTables } from "touchstone/testing";
 * const tables = makeGoldenTables(GOOD_BLOCKS);
 * ```
 */
export const GOOD_BLOCKS: readonly Uint8Array[] = makeBlocks("synthetic GPU");

/** The floor of the security version number of such a GPU. */
const GOOD_SVN = 3;

/** The firmware id of such a GPU. */
export const GOOD_FWID = sha384(utf8("synthetic FSP firmware"));

export async function makeGpu(
  authority: NvidiaAuthority,
  requestNonce: Uint8Array,
  at: Date,
  options: GpuOptions,
  common?: CommonAnswers,
): Promise<SyntheticGpu> {
  const driverVersion = options.driverVersion ?? "580.95.05";
  const vbiosVersion = options.vbiosVersion ?? "96.00.CF.00.01";
  const fwid = options.fwid === undefined ? GOOD_FWID : options.fwid;
  const year = 365 * 24 * HOUR;
  const validity = options.validity ?? {
    notBefore: new Date(at.getTime() - year),
    notAfter: new Date(at.getTime() + 5 * year),
  };
  const { pdi } = options;
  const identity = await makeGpuIdentity(authority, { fwid, ...validity, ...(pdi && { pdi }) });
  const report = await makeGpuReport(identity.attestation, {
    nonce: requestNonce,
    responderNonce: crypto.getRandomValues(new Uint8Array(32)),
    blocks: GOOD_BLOCKS,
    opaque: makeOpaque({ ...options, driverVersion, vbiosVersion, fwid }),
    opaqueLayout: options.svn === undefined ? "plain" : "nvdaod",
    ...options.report,
  });
  const evidence = {
    report: encodeBase64(report),
    chain: identity.chain.map((certificate) => certificate.pem).join(""),
    ...(await makeStapled(authority, identity, at, options, common)),
  };
  return {
    identity,
    report,
    driverVersion,
    vbiosVersion,
    goldenTables: makeGoldenTables(GOOD_BLOCKS, options.svn === undefined ? undefined : GOOD_SVN),
    evidence,
  };
}
