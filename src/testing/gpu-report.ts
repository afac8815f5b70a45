// Makes NVIDIA GPU attestation reports: the SPDM 1.1 GET_MEASUREMENTS request and its response (DMTF DSP0274 §10.11) with NVIDIA's opaque
// data, and the golden tables that they match.
import { sha384 } from "../protocol/cryptography/hash.ts";
import { concatBytes } from "../protocol/encoding/bytes.ts";
import { encodeHex } from "../protocol/encoding/hex.ts";
import { utf8 } from "../protocol/encoding/text.ts";
import type { GoldenTable } from "../protocol/entry/kinds/gpu-rim.ts";
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
  switches: 22,
  opaqueDataVersion: 34,
  featureFlag: 36,
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
}

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
  /** The 64 measurements, 48 bytes each; block n of the report is blocks[n − 1]. */
  readonly blocks: readonly Uint8Array[];
  readonly opaque: readonly OpaqueField[];
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
  const opaque = concatBytes(
    ...fields.opaque.map(({ type, value }) => concatBytes(u16(type), u16(value.length), value)),
  );
  const header = concatBytes(Uint8Array.of(0x11, 0x60, 0, 0, fields.blocks.length), u24(record.length));
  const made = concatBytes(request, header, record, fields.responderNonce, u16(opaque.length), opaque);
  const signed = fields.edit?.(made) ?? made;
  return concatBytes(signed, await signWith(key, signed));
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
 * The opaque data of a Hopper or Blackwell GPU in the order of the real ones.
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
  if (fields.fwid !== null) opaque.push({ type: OPAQUE.fwid, value: fields.fwid });
  return [
    ...opaque,
    { type: OPAQUE.opaqueDataVersion, value: u16(0) },
    { type: OPAQUE.featureFlag, value: u16(0) },
  ];
}

/** 96.00.9F.00.01 → 00 9f 00 96 01 00 00 00: the first four parts reversed, then the last as four little-endian bytes. */
export function encodeVbiosVersion(version: string): Uint8Array {
  const [a = 0, b = 0, c = 0, d = 0, e = 0] = version.split(".").map((part) => Number.parseInt(part, 16));
  return Uint8Array.of(d, c, b, a, e, 0, 0, 0);
}

/**
 * The golden tables that `blocks` match: what the driver's and the VBIOS's RIM would hold. Index i is block i + 1.
 * @example
 * ```ts
 * import { makeBlocks, makeGoldenTables } from "touchstone/testing";
 * const { driver, vbios } = makeGoldenTables(makeBlocks("my firmware"));
 * ```
 */
export function makeGoldenTables(blocks: readonly Uint8Array[]): {
  driver: GoldenTable;
  vbios: GoldenTable;
} {
  const table = (indices: readonly number[]) =>
    indices.map((index) => ({
      index,
      active: true,
      alternatives: [encodeHex(blocks[index] ?? new Uint8Array(48))],
    }));
  return { driver: table(DRIVER_INDICES), vbios: table(VBIOS_INDICES) };
}
