// Makes one synthetic NVSwitch of a machine: its keys, its report for a request nonce, what is stapled to it, and the golden table that it
// matches.
import { encodeBase64 } from "../protocol/encoding/base64.ts";
import { concatBytes } from "../protocol/encoding/bytes.ts";
import { decodeHex, encodeHex } from "../protocol/encoding/hex.ts";
import { utf8 } from "../protocol/encoding/text.ts";
import type { GoldenTable } from "../protocol/entry/golden-table.ts";
import type { EvidenceDocument } from "../verifier/evidence.ts";
import type { Validity } from "./authority.ts";
import { makeBlocks, makeGpuReport, OPAQUE, type OpaqueField, type ReportFields } from "./gpu-report.ts";
import { type GpuIdentity, makeGpuIdentity, type NvidiaAuthority } from "./nvidia.ts";
import { type CommonAnswers, makeStapled, type StapledOptions } from "./stapled.ts";

/**
 * What a switch may differ in.
 * @example
 * ```ts
 * import { makeMachine, type SwitchOptions } from "touchstone/testing";
 * const old: SwitchOptions = { vbiosVersion: "96.10.3F.00.01" };
 * const machine = await makeMachine({ at: new Date(), gpus: [{}, {}], switches: [old] });
 * ```
 */
export interface SwitchOptions extends StapledOptions {
  readonly vbiosVersion?: string;
  /** FWID that the leaf certificate states, 48 bytes. */
  readonly fwid?: Uint8Array | null;
  /** Validity of the switch's own two certificates. */
  readonly validity?: Validity;
  /** The switch's name, 8 bytes, hex; random when absent. */
  readonly pdi?: string;
  /** PDIs of at most eight GPUs at its ports, hex; those of the machine when absent. */
  readonly gpus?: readonly string[];
  /** Any field of the report, the nonce included. */
  readonly report?: Partial<ReportFields>;
}

/**
 * @example
 * ```ts
 * import type { SyntheticSwitch } from "touchstone/testing";
 * const nameOf = ({ identity }: SyntheticSwitch): string => identity.pdi;
 * ```
 */
export interface SyntheticSwitch {
  readonly identity: GpuIdentity;
  readonly report: Uint8Array;
  readonly vbiosVersion: string;
  /** What the VBIOS's RIM would hold for an untampered switch of this kind. */
  readonly goldenTable: GoldenTable;
  readonly evidence: EvidenceDocument["switches"][number];
}

/** The measurements of every synthetic switch whose options change none. */
export const GOOD_SWITCH_BLOCKS: readonly Uint8Array[] = makeBlocks("synthetic switch").slice(0, 31);

const YEAR = 365 * 86_400_000;
const MAX_GPUS = 8;

export async function makeSwitch(
  authority: NvidiaAuthority,
  requestNonce: Uint8Array,
  at: Date,
  options: SwitchOptions,
  common?: CommonAnswers,
): Promise<SyntheticSwitch> {
  const { vbiosVersion = "96.10.55.00.01", pdi, gpus = [], fwid = new Uint8Array(48).fill(5) } = options;
  const validity = options.validity ?? {
    notBefore: new Date(at.getTime() - YEAR),
    notAfter: new Date(at.getTime() + 5 * YEAR),
  };
  const identity = await makeGpuIdentity(authority, { fwid, ...validity, ...(pdi && { pdi }) });
  const report = await makeGpuReport(identity.attestation, {
    nonce: requestNonce,
    responderNonce: crypto.getRandomValues(new Uint8Array(32)),
    blocks: GOOD_SWITCH_BLOCKS,
    opaque: makeSwitchOpaque({ vbiosVersion, pdi: identity.pdi, gpus }),
    ...options.report,
  });
  const evidence = {
    report: encodeBase64(report),
    chain: identity.chain.map((certificate) => certificate.pem).join(""),
    ...(await makeStapled(authority, identity, at, options, common)),
  };
  return { identity, report, vbiosVersion, goldenTable: GOOD_SWITCH_TABLE, evidence };
}

const GOOD_SWITCH_TABLE: GoldenTable = GOOD_SWITCH_BLOCKS.map((block, index) => ({
  index,
  active: true,
  alternatives: [encodeHex(block)],
}));

/** The opaque data of a switch in the order of the real ones. */
export function makeSwitchOpaque(fields: {
  readonly vbiosVersion: string;
  readonly pdi: string;
  readonly gpus: readonly string[];
}): OpaqueField[] {
  const ports = Array.from({ length: MAX_GPUS }, (_, i) => decodeHex(fields.gpus[i] ?? "00".repeat(8)));
  return [
    { type: OPAQUE.vbiosVersion, value: utf8(fields.vbiosVersion) },
    { type: OPAQUE.switches, value: decodeHex(fields.pdi) },
    { type: 12, value: new Uint8Array(104) },
    { type: OPAQUE.gpus, value: concatBytes(...ports, new Uint8Array(64).fill(0xff)) },
    { type: 23, value: Uint8Array.of(0xec, 0) },
    { type: 24, value: Uint8Array.of(2, 0) },
    { type: 25, value: Uint8Array.of(1, 0) },
  ];
}
