// Reads an NVSwitch's attestation report: NVIDIA's SPDM report with the opaque data of a switch. Types as in NVIDIA nvtrust,
// nv_switch_verifier/attestation/spdm_msrt_resp_msg.py.
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { MalformedError } from "../../protocol/errors.ts";
import type { OpaqueEntries } from "./opaque-entries.ts";
import { parseSpdmReport, type SpdmReport } from "./spdm-report.ts";

const FORMAT = "switch report";
/** The last type that NVIDIA's verifiers name for a switch: the GPUs at its ports. */
const LAST_TYPE = 26;
const PDI_BYTES = 8;
const GPUS = 8;
const PORTS = 64;

const TYPE = { driverVersion: 3, vbiosVersion: 6, fwid: 20, pdi: 22, gpus: 26 } as const;

/** What the opaque data of a switch says. */
export interface SwitchStatement {
  /** Such as "96.10.55.00.01". */
  readonly vbiosVersion: string;
  readonly fwid: Uint8Array | null;
  /** The switch's own PDI, 8 bytes, hex: as its certificate's serial number has it, and the other way round than GPUs write it. */
  readonly pdi: string;
  /** PDIs of the GPUs at its ports, at most eight, 8 bytes each, hex, as the switch writes them; one of zeros names none. */
  readonly gpus: readonly string[];
  /** Opaque types that this version does not know, in rising order. */
  readonly unknownTypes: readonly number[];
}

export interface SwitchReport extends SpdmReport, SwitchStatement {}

/**
 * Parses a report of at most 16 KiB. Says nothing about who signed it.
 * @throws MalformedError naming the field and its byte offset, or the kind of device that sent the report.
 */
export function parseSwitchReport(bytes: Uint8Array): SwitchReport {
  return parseSpdmReport(bytes, FORMAT, decodeSwitchData);
}

function decodeSwitchData({ values }: OpaqueEntries): SwitchStatement {
  if (values.has(TYPE.driverVersion))
    throw new MalformedError(FORMAT, "it states a driver version: it is the report of a GPU");
  const field = (type: number, what: string, length?: number) => {
    const bytes = values.get(type);
    if (bytes === undefined) throw new MalformedError(FORMAT, `${what} is missing from the opaque data`);
    if (length === undefined || bytes.length === length) return bytes;
    throw new MalformedError(FORMAT, `${what} has ${bytes.length} bytes, expected ${length}`);
  };
  const gpus = field(TYPE.gpus, "list of GPUs", GPUS * PDI_BYTES + PORTS);
  return {
    vbiosVersion: versionOf(field(TYPE.vbiosVersion, "VBIOS version")),
    fwid: values.has(TYPE.fwid) ? field(TYPE.fwid, "FWID", 48) : null,
    pdi: encodeHex(field(TYPE.pdi, "PDI of the switch", PDI_BYTES)),
    gpus: pdisIn(gpus.subarray(0, GPUS * PDI_BYTES)),
    unknownTypes: [...values.keys()].filter((type) => type < 1 || type > LAST_TYPE).sort((a, b) => a - b),
  };
}

function pdisIn(bytes: Uint8Array): string[] {
  const all = Array.from({ length: GPUS }, (_, i) => bytes.subarray(i * PDI_BYTES, (i + 1) * PDI_BYTES));
  return all.filter((pdi) => pdi.some((byte) => byte !== 0)).map(encodeHex);
}

/** Text such as 96.10.55.00.01, where a GPU sends eight bytes; a terminator is cut. */
function versionOf(bytes: Uint8Array): string {
  const match = /^([0-9A-Fa-f]{2}(?:\.[0-9A-Fa-f]{2}){4})\0*$/.exec(
    String.fromCharCode(...bytes.subarray(0, 32)),
  );
  if (bytes.length <= 32 && match?.[1] !== undefined) return match[1].toUpperCase();
  throw new MalformedError(FORMAT, "VBIOS version is not of the form 96.10.55.00.01");
}
