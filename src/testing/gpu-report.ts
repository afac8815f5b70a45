// Makes NVIDIA GPU attestation reports: the SPDM 1.1 GET_MEASUREMENTS request and its response (DMTF DSP0274 §10.11) with NVIDIA's opaque
// data, and the golden tables that they match.
import { sha384 } from "../protocol/cryptography/hash.ts";
import { concatBytes } from "../protocol/encoding/bytes.ts";
import { decodeHex, encodeHex } from "../protocol/encoding/hex.ts";
import { utf8 } from "../protocol/encoding/text.ts";
import { FIRST_OPAQUE_INDEX, type GoldenTable } from "../protocol/entry/golden-table.ts";
import { type KeyPair, signWith } from "./authority.ts";
import { u16, u24 } from "./little-endian.ts";

/**
 * @example
 * ```ts
 * import { OPAQUE, type OpaqueField } from "touchstone/testing";
 * const field: OpaqueField = { type: OPAQUE.boardId, value: new Uint8Array(2) };
 * ```
 */
export const OPAQUE = {
  driverVersion: 3,
  vbiosVersion: 6,
  nvdec0Status: 11,
  boardId: 14,
  chipSku: 15,
  chipSkuMod: 16,
  project: 17,
  projectSku: 18,
  projectSkuMod: 19,
  fwid: 20,
  protectedPcie: 21,
  switches: 22,
  gpus: 26,
  opaqueDataVersion: 34,
  featureFlag: 36,
  fspUcodeSvn: 37,
} as const;

/**
 * @example
 * ```ts
 * import { OPAQUE, type OpaqueField } from "touchstone/testing";
 * const field: OpaqueField = { type: OPAQUE.driverVersion, value: new TextEncoder().encode("550.90.07\0") };
 * ```
 */
export interface OpaqueField {
  readonly type: number;
  readonly value: Uint8Array;
  /** Written in the layout with a header only: 0x87 for a security version number; 0x80 when absent. */
  readonly valueType?: number;
}

/**
 * How opaque data is written: without a header, or with the header NVDAOD that drivers of CUDA 13.5 and later send.
 * @example
 * ```ts
 * import type { OpaqueLayout } from "touchstone/testing";
 * const layouts: OpaqueLayout[] = ["plain", "nvdaod"];
 * ```
 */
export type OpaqueLayout = "plain" | "nvdaod";

/**
 * @example
 * ```ts
 * import { makeBlocks, type ReportFields } from "touchstone/testing";
 * const withBlocks = (fields: ReportFields, seed: string): ReportFields => ({ ...fields, blocks: makeBlocks(seed) });
 * ```
 */
export interface ReportFields {
  /** The request's nonce, 32 bytes: the one that a verifier compares. */
  readonly nonce: Uint8Array;
  /** The responder's nonce, 32 bytes. */
  readonly responderNonce: Uint8Array;
  /** The measurements, 48 bytes each, 64 of a GPU; block n of the report is blocks[n − 1]. */
  readonly blocks: readonly Uint8Array[];
  readonly opaque: readonly OpaqueField[];
  /** "plain" when absent. */
  readonly opaqueLayout?: OpaqueLayout;
  /** Changes request and response before they are signed, for fields that nothing else sets. */
  readonly edit?: (signed: Uint8Array) => Uint8Array;
}

/** One value of a golden table: index i is block i + 1 of the report. */
export type GoldenMeasurement = GoldenTable[number];

/** Indices that the RIMs of GH100 have active. */
const DRIVER_INDICES = [7, ...Array.from({ length: 20 }, (_, i) => 21 + i)];
const VBIOS_INDICES = [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12];

/**
 * Makes a report; the signature covers request and response.
 * @example
 * ```ts
 * import { GOOD_BLOCKS, makeGpuReport, makeKeyPair, makeOpaque, type ReportFields } from "touchstone/testing";
 * const fields: ReportFields = {
 *   nonce: new Uint8Array(32),
 *   responderNonce: new Uint8Array(32),
 *   blocks: GOOD_BLOCKS,
 *   opaque: makeOpaque({ driverVersion: "550.90.07", vbiosVersion: "96.00.9F.00.01", fwid: null }),
 * };
 * const report = await makeGpuReport(await makeKeyPair("P-384"), fields);
 * ```
 */
export async function makeGpuReport(key: KeyPair, fields: ReportFields): Promise<Uint8Array> {
  const request = concatBytes(Uint8Array.of(0x11, 0xe0, 0x01, 0xff), fields.nonce, Uint8Array.of(0));
  const record = concatBytes(...fields.blocks.map((value, i) => measurementBlock(i + 1, value)));
  const opaque = encodeOpaque(fields.opaque, fields.opaqueLayout ?? "plain");
  const header = concatBytes(Uint8Array.of(0x11, 0x60, 0, 0, fields.blocks.length), u24(record.length));
  const made = concatBytes(request, header, record, fields.responderNonce, u16(opaque.length), opaque);
  const signed = fields.edit?.(made) ?? made;
  return concatBytes(signed, await signWith(key, signed));
}

/** Profile 0, version 2.0.0, and a byte of padding. */
const NVDAOD = concatBytes(utf8("NVDAOD"), Uint8Array.of(0, 0, 2, 0, 0, 0));

function encodeOpaque(fields: readonly OpaqueField[], layout: OpaqueLayout): Uint8Array {
  if (layout === "plain")
    return concatBytes(...fields.map(({ type, value }) => concatBytes(u16(type), u16(value.length), value)));
  const entries = fields.map(({ type, value, valueType = 0x80 }) =>
    concatBytes(u16(type), u16(valueType), u16(value.length), value),
  );
  return concatBytes(NVDAOD, ...entries);
}

function measurementBlock(index: number, value: Uint8Array): Uint8Array {
  return concatBytes(
    Uint8Array.of(index, 1),
    u16(value.length + 3),
    Uint8Array.of(1),
    u16(value.length),
    value,
  );
}

/**
 * 64 measurements that differ from each other and depend on `seed`.
 * @example
 * ```ts
 * import { makeBlocks } from "touchstone/testing";
 * const blocks = makeBlocks("another firmware"); // measurements that no golden table knows
 * ```
 */
export function makeBlocks(seed: string): Uint8Array[] {
  return Array.from({ length: 64 }, (_, i) => sha384(utf8(`${seed} block ${i + 1}`)));
}

/**
 * The opaque data of a GPU in the order of the real ones.
 * @example
 * ```ts
 * import { makeOpaque } from "touchstone/testing";
 * const opaque = makeOpaque({ driverVersion: "550.90.07", vbiosVersion: "96.00.9F.00.01", fwid: null });
 * ```
 */
export function makeOpaque(fields: {
  readonly driverVersion: string;
  /** As people write it: 96.00.9F.00.01. */
  readonly vbiosVersion: string;
  readonly fwid: Uint8Array | null;
  /** "single" when absent. */
  readonly mode?: "single" | "ppcie";
  /** PDIs of the switches at its 18 links, hex; none when absent. */
  readonly switches?: readonly string[];
  /** Security version number of the FSP's firmware, which only opaque data with a header states. */
  readonly svn?: number;
}): OpaqueField[] {
  const text = (type: number, value: string) => ({ type, value: utf8(`${value}\0`) });
  const opaque: OpaqueField[] = [
    { type: OPAQUE.vbiosVersion, value: encodeVbiosVersion(fields.vbiosVersion) },
    { type: OPAQUE.boardId, value: Uint8Array.of(0xb1, 3, 0, 0) },
    text(OPAQUE.chipSku, "882"),
    text(OPAQUE.chipSkuMod, "0"),
    text(OPAQUE.project, "1010"),
    text(OPAQUE.projectSku, "0200"),
    text(OPAQUE.projectSkuMod, "0"),
    text(OPAQUE.driverVersion, fields.driverVersion),
    { type: OPAQUE.nvdec0Status, value: Uint8Array.of(0x55) },
  ];
  const { fwid, mode = "single", switches = [], svn } = fields;
  if (fwid !== null) opaque.push({ type: OPAQUE.fwid, value: fwid });
  if (mode === "ppcie") opaque.push({ type: OPAQUE.protectedPcie, value: Uint8Array.of(0xaa) });
  if (switches.length > 0) opaque.push({ type: OPAQUE.switches, value: encodeLinks(switches) });
  if (svn !== undefined)
    opaque.push({ type: OPAQUE.fspUcodeSvn, value: u16(svn), valueType: SECURITY_VERSION });
  return [
    ...opaque,
    { type: OPAQUE.opaqueDataVersion, value: u16(0) },
    { type: OPAQUE.featureFlag, value: u16(mode === "ppcie" ? 2 : 0) },
  ];
}

const SECURITY_VERSION = 0x87;
const LINKS = 18;

/** The links of a GPU in turn to each switch, whose PDI a GPU writes the other way round. */
export function encodeLinks(switches: readonly string[]): Uint8Array {
  const pdis = Array.from({ length: LINKS }, (_, i) => decodeHex(switches[i % switches.length] ?? ""));
  return concatBytes(...pdis.map((pdi) => pdi.toReversed()));
}

/** 96.00.9F.00.01 → 00 9f 00 96 01 00 00 00: the first four parts reversed, then the last as four little-endian bytes. */
export function encodeVbiosVersion(version: string): Uint8Array {
  const [a = 0, b = 0, c = 0, d = 0, e = 0] = version.split(".").map((part) => Number.parseInt(part, 16));
  return Uint8Array.of(d, c, b, a, e, 0, 0, 0);
}

/**
 * The golden tables that `blocks` match: what the driver's and the VBIOS's RIM would hold. Index i is block i + 1.
 * @param minSvn floor that the VBIOS's RIM sets for the security version number of the FSP's firmware; none when absent.
 * @example
 * ```ts
 * import { makeBlocks, makeGoldenTables } from "touchstone/testing";
 * const { driver, vbios } = makeGoldenTables(makeBlocks("my firmware"));
 * ```
 */
export function makeGoldenTables(
  blocks: readonly Uint8Array[],
  minSvn?: number,
): {
  driver: GoldenTable;
  vbios: GoldenTable;
} {
  const table = (indices: readonly number[]) =>
    indices.map((index) => ({
      index,
      active: true,
      alternatives: [encodeHex(blocks[index] ?? new Uint8Array(48))],
    }));
  const floor =
    minSvn === undefined ? [] : [{ index: FIRST_OPAQUE_INDEX + OPAQUE.fspUcodeSvn, active: true, minSvn }];
  return { driver: table(DRIVER_INDICES), vbios: [...table(VBIOS_INDICES), ...floor] };
}
