// Makes one synthetic GPU of a machine: its keys, its report for a request nonce, the revocation answers stapled to it, and the golden
// tables that it matches.
import { sha384 } from "../protocol/cryptography/hash.ts";
import { encodeBase64 } from "../protocol/encoding/base64.ts";
import { utf8 } from "../protocol/encoding/text.ts";
import type { GoldenTable } from "../protocol/entry/kinds/gpu-rim.ts";
import type { EvidenceDocument } from "../verifier/evidence.ts";
import type { Certified, Validity } from "./authority.ts";
import { makeBlocks, makeGoldenTables, makeGpuReport, makeOpaque, type ReportFields } from "./gpu-report.ts";
import { type GpuIdentity, makeGpuIdentity, makeNvidiaCrls, type NvidiaAuthority } from "./nvidia.ts";
import { makeOcspResponse, makeOcspSigner, type OcspFields } from "./ocsp.ts";

/**
 * What a GPU may differ in.
 * @example
 * ```ts
 * import { type GpuOptions, makeMachine } from "touchstone/testing";
 * const old: GpuOptions = { driverVersion: "535.86.05" };
 * const machine = await makeMachine({ at: new Date(), gpus: [old] });
 * ```
 */
export interface GpuOptions {
  readonly driverVersion?: string;
  /** As people write it: 96.00.9F.00.01. */
  readonly vbiosVersion?: string;
  /** FWID that the leaf certificate states, 48 bytes. */
  readonly fwid?: Uint8Array | null;
  /** Validity of the GPU's own two certificates. */
  readonly validity?: Validity;
  /** Any field of the report, the nonce included. */
  readonly report?: Partial<ReportFields>;
  /** Changes to each of the three OCSP answers; null staples none. */
  readonly ocsp?: Partial<OcspFields> | null;
  /** Puts the GPU's boot ROM certificate on the stapled CRLs. */
  readonly revoked?: boolean;
  readonly crlNextUpdate?: Date;
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

/** The firmware id of such a GPU. */
export const GOOD_FWID = sha384(utf8("synthetic FSP firmware"));

export async function makeGpu(
  authority: NvidiaAuthority,
  requestNonce: Uint8Array,
  at: Date,
  options: GpuOptions,
): Promise<SyntheticGpu> {
  const driverVersion = options.driverVersion ?? "580.95.05";
  const vbiosVersion = options.vbiosVersion ?? "96.00.CF.00.01";
  const fwid = options.fwid === undefined ? GOOD_FWID : options.fwid;
  const year = 365 * 24 * HOUR;
  const validity = options.validity ?? {
    notBefore: new Date(at.getTime() - year),
    notAfter: new Date(at.getTime() + 5 * year),
  };
  const identity = await makeGpuIdentity(authority, { fwid, ...validity });
  const report = await makeGpuReport(identity.attestation, {
    nonce: requestNonce,
    responderNonce: crypto.getRandomValues(new Uint8Array(32)),
    blocks: GOOD_BLOCKS,
    opaque: makeOpaque({ driverVersion, vbiosVersion, fwid }),
    ...options.report,
  });
  const evidence = {
    report: encodeBase64(report),
    chain: identity.chain.map((certificate) => certificate.pem).join(""),
    ocsp: options.ocsp === null ? [] : await stapledOcsp(authority, identity, at, options.ocsp ?? {}),
    crls: await stapledCrls(authority, identity, at, options),
  };
  return {
    identity,
    report,
    driverVersion,
    vbiosVersion,
    goldenTables: makeGoldenTables(GOOD_BLOCKS),
    evidence,
  };
}

/** Answers for the boot ROM, provisioner and identity certificates. NVIDIA's responder does not know the leaf. */
async function stapledOcsp(
  authority: NvidiaAuthority,
  { bootRom }: GpuIdentity,
  at: Date,
  changes: Partial<OcspFields>,
): Promise<string[]> {
  const { root, identity, provisioner } = authority;
  const questions: Array<[Certified, Certified]> = [
    [bootRom, provisioner],
    [provisioner, identity],
    [identity, root],
  ];
  const window = {
    thisUpdate: new Date(at.getTime() - HOUR),
    nextUpdate: new Date(at.getTime() + 23 * HOUR),
  };
  const signerValidity = {
    notBefore: new Date(at.getTime() - 24 * HOUR),
    notAfter: new Date(at.getTime() + 720 * HOUR),
  };
  const answers = questions.map(async ([certificate, issuer]) => {
    const signer = await makeOcspSigner(issuer, signerValidity);
    return makeOcspResponse({ certificate, issuer, signer, status: "good", ...window, ...changes });
  });
  return (await Promise.all(answers)).map(encodeBase64);
}

async function stapledCrls(
  authority: NvidiaAuthority,
  { bootRom }: GpuIdentity,
  at: Date,
  options: GpuOptions,
): Promise<string[]> {
  const crls = await makeNvidiaCrls(authority, {
    thisUpdate: new Date(at.getTime() - 24 * HOUR),
    nextUpdate: options.crlNextUpdate ?? new Date(at.getTime() + 29 * 24 * HOUR),
    revoked: options.revoked ? [bootRom.serial] : [],
  });
  return crls.map(encodeBase64);
}
