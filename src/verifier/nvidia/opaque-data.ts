// Reads the opaque data of NVIDIA's SPDM measurement response: little-endian TLVs (type u16, length u16, value) that state what runs on the
// GPU. Types as in NVIDIA nvtrust, spdm_msrt_resp_msg.py, and attestation-sdk, gpu_opaque_data_parser.cpp; format version 1.
import { ByteReader } from "../../protocol/encoding/bytes.ts";
import { utf8 } from "../../protocol/encoding/text.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { type GpuMode, modeOf, type Switch, switchesOf } from "./gpu-mode.ts";

const FORMAT = "GPU report";
const MAX_TYPE = 36;
const MAX_VERSION = 1;
const NEXT_FORMAT = utf8("NVDAOD");

const TYPE = {
  driverVersion: 3,
  vbiosVersion: 6,
  nvdec0: 11,
  chipSku: 15,
  project: 17,
  projectSku: 18,
  fwid: 20,
  protectedPcie: 21,
  switches: 22,
  version: 34,
  chipInfo: 35,
  featureFlag: 36,
} as const;

export type OpaqueFields = ReadonlyMap<number, Uint8Array>;

/** What the opaque data says; null where the driver does not send the field. */
export interface GpuStatement {
  /** Format of the opaque data, 0 or 1. Of the drivers seen, 535 and 545 do not send it. */
  readonly opaqueVersion: number | null;
  /** Such as "550.144.03". */
  readonly driverVersion: string;
  /** Such as "96.00.5E.00.01". */
  readonly vbiosVersion: string;
  /** Digest of the GSP firmware the driver loaded, 48 bytes; drivers before 550 do not send it. */
  readonly fwid: Uint8Array | null;
  readonly nvdec0: Switch | null;
  readonly mode: GpuMode;
  /** PDIs of the NVSwitches that the GPU is linked to, 8 bytes each, hex; none where the driver does not send them. */
  readonly switches: readonly string[];
  readonly chipInfo: string | null;
  readonly project: string | null;
  readonly projectSku: string | null;
  readonly chipSku: string | null;
}

/**
 * Splits the opaque data into its fields.
 * @throws MalformedError on opaque data 2.0 (by its name), an empty or cut list, an unknown or repeated type, or a later format version.
 */
export function parseOpaqueData(bytes: Uint8Array): OpaqueFields {
  if (NEXT_FORMAT.every((byte, i) => bytes[i] === byte)) {
    throw new MalformedError(FORMAT, "opaque data 2.0 (NVDAOD) is not supported by this version");
  }
  const reader = new ByteReader(bytes, FORMAT);
  const fields = new Map<number, Uint8Array>();
  do {
    const type = reader.u16le("opaque type");
    if (type < 1 || type > MAX_TYPE) throw new MalformedError(FORMAT, `unknown opaque type ${type}`);
    if (fields.has(type)) throw new MalformedError(FORMAT, `opaque type ${type} appears twice`);
    fields.set(type, reader.take(reader.u16le("opaque length"), `opaque type ${type}`));
  } while (reader.remaining > 0);
  refuseLaterVersion(fields.get(TYPE.version));
  return fields;
}

function refuseLaterVersion(version: Uint8Array | undefined): void {
  if (version === undefined) return;
  const value = littleEndian(version, "opaque data version");
  if (value > MAX_VERSION) throw new MalformedError(FORMAT, `opaque data version ${value} is not supported`);
}

/** @throws MalformedError when a field is not of its form, or the driver or VBIOS version is missing. */
export function decodeOpaqueData(fields: OpaqueFields): GpuStatement {
  return {
    opaqueVersion: optional(fields, TYPE.version, (bytes) => littleEndian(bytes, "opaque data version")),
    driverVersion: driverVersion(required(fields, TYPE.driverVersion, "driver version")),
    vbiosVersion: vbiosVersion(required(fields, TYPE.vbiosVersion, "VBIOS version")),
    fwid: optional(fields, TYPE.fwid, (bytes) => exactly(bytes, 48, "FWID")),
    nvdec0: optional(fields, TYPE.nvdec0, (bytes) => onOrOff(bytes, "NVDEC0 status")),
    mode: modeOf({
      feature: optional(fields, TYPE.featureFlag, (bytes) => littleEndian(bytes, "feature flag")),
      protectedPcie: optional(fields, TYPE.protectedPcie, (bytes) => onOrOff(bytes, "protected PCIe status")),
      version: optional(fields, TYPE.version, (bytes) => littleEndian(bytes, "opaque data version")),
    }),
    switches: optional(fields, TYPE.switches, switchesOf) ?? [],
    chipInfo: optional(fields, TYPE.chipInfo, (bytes) => paddedText(bytes, "chip info")),
    project: optional(fields, TYPE.project, (bytes) => paddedText(bytes, "project")),
    projectSku: optional(fields, TYPE.projectSku, (bytes) => paddedText(bytes, "project SKU")),
    chipSku: optional(fields, TYPE.chipSku, (bytes) => paddedText(bytes, "chip SKU")),
  };
}

function required(fields: OpaqueFields, type: number, what: string): Uint8Array {
  const bytes = fields.get(type);
  if (bytes === undefined) throw new MalformedError(FORMAT, `${what} is missing from the opaque data`);
  return bytes;
}

function optional<T>(fields: OpaqueFields, type: number, decode: (bytes: Uint8Array) => T): T | null {
  const bytes = fields.get(type);
  return bytes === undefined ? null : decode(bytes);
}

function exactly(bytes: Uint8Array, length: number, what: string): Uint8Array {
  if (bytes.length === length) return bytes;
  throw new MalformedError(FORMAT, `${what} has ${bytes.length} bytes, expected ${length}`);
}

/** ASCII letters, digits, dot, underscore and hyphen, then at least one NUL and nothing but NULs. */
function paddedText(bytes: Uint8Array, what: string): string {
  const match = /^([A-Za-z0-9._-]{1,32})\0+$/.exec(String.fromCharCode(...bytes.subarray(0, 64)));
  if (bytes.length > 64 || match?.[1] === undefined) {
    throw new MalformedError(FORMAT, `${what} is not NUL-terminated text of 1 to 32 characters`);
  }
  return match[1];
}

function driverVersion(bytes: Uint8Array): string {
  const version = paddedText(bytes, "driver version");
  if (/^[0-9]{3}\.[0-9]{1,3}(?:\.[0-9]{1,3})?$/.test(version)) return version;
  throw new MalformedError(FORMAT, "driver version is not of the form 550.144.03");
}

/** Eight bytes 00 5e 00 96 01 00 00 00 are written 96.00.5E.00.01 (attestation-sdk, get_vbios_version). */
function vbiosVersion(bytes: Uint8Array): string {
  const [d, c, b, a, e, ...rest] = exactly(bytes, 8, "VBIOS version");
  if (rest.some((byte) => byte !== 0))
    throw new MalformedError(FORMAT, "VBIOS version has more than 5 parts");
  return [a, b, c, d, e].map((byte = 0) => byte.toString(16).padStart(2, "0").toUpperCase()).join(".");
}

function onOrOff(bytes: Uint8Array, what: string): Switch {
  const [value] = exactly(bytes, 1, what);
  if (value === 0xaa) return "on";
  if (value === 0x55) return "off";
  throw new MalformedError(FORMAT, `${what} is neither 0xAA nor 0x55`);
}

/** An integer of 1 to 8 bytes; one too large for a double is larger than anything it is compared with. */
function littleEndian(bytes: Uint8Array, what: string): number {
  if (bytes.length < 1 || bytes.length > 8) {
    throw new MalformedError(FORMAT, `${what} has ${bytes.length} bytes, expected 1 to 8`);
  }
  return bytes.reduceRight((value, byte) => value * 256 + byte, 0);
}
