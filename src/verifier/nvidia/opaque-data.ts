// Reads what the opaque data of a GPU's report states: what runs on the GPU, and how it is passed through. Types as in NVIDIA nvtrust,
// spdm_msrt_resp_msg.py, and attestation-sdk, gpu_opaque_data_parser.cpp.
import { MalformedError } from "../../protocol/errors.ts";
import { type GpuMode, modeOf, type Switch, switchesOf } from "./gpu-mode.ts";
import { littleEndian, type OpaqueEntries } from "./opaque-entries.ts";

const FORMAT = "GPU report";
/** The last type that NVIDIA's verifiers name: the security version number of the FSP's firmware. */
const LAST_TYPE = 37;
/** The last version of the layout without a header. */
const LAST_PLAIN_VERSION = 1;

/** A switch lists the GPUs at its ports here, and no GPU sends it. */
const GPUS_OF_SWITCH = 26;

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

type Fields = OpaqueEntries["values"];

/** What the opaque data says; null where the driver does not send the field. */
export interface GpuStatement {
  /** Version of the opaque data: 0, 1, or the header's 2. Of the drivers seen, 535 and 545 do not send it. */
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
  /** Security version numbers by opaque type, for which a RIM may set floors; none in opaque data without a header. */
  readonly svns: ReadonlyMap<number, number>;
  /** Opaque types that this version does not know, in rising order: what they state is compared with nothing. */
  readonly unknownTypes: readonly number[];
}

/** @throws MalformedError when a field is not of its form, or the driver or VBIOS version is missing. */
export function decodeOpaqueData({ major, values, svns }: OpaqueEntries): GpuStatement {
  const version = major ?? plainVersion(values);
  if (!values.has(TYPE.driverVersion) && values.has(GPUS_OF_SWITCH))
    throw new MalformedError(FORMAT, "it lists GPUs and states no driver: it is the report of an NVSwitch");
  return {
    opaqueVersion: version,
    driverVersion: driverVersion(required(values, TYPE.driverVersion, "driver version")),
    vbiosVersion: vbiosVersion(required(values, TYPE.vbiosVersion, "VBIOS version")),
    fwid: optional(values, TYPE.fwid, (bytes) => exactly(bytes, 48, "FWID")),
    nvdec0: optional(values, TYPE.nvdec0, (bytes) => onOrOff(bytes, "NVDEC0 status")),
    mode: modeOf({
      feature: optional(values, TYPE.featureFlag, (bytes) => littleEndian(bytes, "feature flag", FORMAT)),
      protectedPcie: optional(values, TYPE.protectedPcie, (bytes) => onOrOff(bytes, "protected PCIe status")),
      version,
    }),
    switches: optional(values, TYPE.switches, switchesOf) ?? [],
    chipInfo: optional(values, TYPE.chipInfo, (bytes) => paddedText(bytes, "chip info")),
    project: optional(values, TYPE.project, (bytes) => paddedText(bytes, "project")),
    projectSku: optional(values, TYPE.projectSku, (bytes) => paddedText(bytes, "project SKU")),
    chipSku: optional(values, TYPE.chipSku, (bytes) => paddedText(bytes, "chip SKU")),
    svns,
    unknownTypes: [...values.keys()].filter((type) => type < 1 || type > LAST_TYPE).sort((a, b) => a - b),
  };
}

/** Without a header, type 34 states the version; beside one it means nothing. */
function plainVersion(values: Fields): number | null {
  const version = optional(values, TYPE.version, (bytes) =>
    littleEndian(bytes, "opaque data version", FORMAT),
  );
  if (version !== null && version > LAST_PLAIN_VERSION)
    throw new MalformedError(FORMAT, `opaque data version ${version} is not supported`);
  return version;
}

function required(fields: Fields, type: number, what: string): Uint8Array {
  const bytes = fields.get(type);
  if (bytes === undefined) throw new MalformedError(FORMAT, `${what} is missing from the opaque data`);
  return bytes;
}

function optional<T>(fields: Fields, type: number, decode: (bytes: Uint8Array) => T): T | null {
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
