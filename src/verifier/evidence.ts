// Reads evidence.json: everything that one machine shows about itself, stapled in one file, because a browser cannot reach the vendors'
// endpoints (docs/appraisal.md, "evidence.json"). Parsed here once, with a limit on every length; the parts stay bytes for the verifiers of their formats.
import { decodeBase64 } from "../protocol/encoding/base64.ts";
import { decodeHex } from "../protocol/encoding/hex.ts";
import { readAs } from "../protocol/encoding/shape.ts";
import type { Json } from "../protocol/envelope/canonical-json.ts";
import { MalformedError } from "../protocol/errors.ts";
import {
  type GpuClaims as Claims,
  type DeviceDocument,
  type EvidenceDocument as Document,
  evidenceDocument,
} from "./evidence.shape.ts";
import { type HandedOver, parseHandedOver, requireNames } from "./handed-over.ts";
import { MAX_CCEL_BYTES } from "./tdx/ccel-table.ts";
import { COLLATERAL, type TdxCollateral } from "./tdx/collateral.ts";

const KIB = 1024;
/** 16 GPUs and 16 switches with chains and OCSP answers, a quote and a CCEL table of 1 MiB together stay far below this. */
export const MAX_EVIDENCE_BYTES = 4096 * KIB;

/**
 * @example
 * ```ts
 * import type { GpuClaims } from "touchstone/verifier";
 * const claims: GpuClaims = { ccMode: "on", devtools: false, mode: "single", reports: [], switches: [] };
 * ```
 */
export type GpuClaims = Claims;
/**
 * Evidence with its binary parts decoded.
 * @example
 * ```ts
 * import type { Evidence } from "touchstone/verifier";
 * const gpuCount = ({ gpus }: Evidence): number => gpus.length;
 * ```
 */
export interface Evidence extends Omit<Document, "tdx" | "gpus" | "switches" | "nonce"> {
  tdx: {
    /** TDX quote v4 or v5. */
    quote: Uint8Array;
    collateral: TdxCollateral;
    eventLog?: { format: EventLogFormat; data: Uint8Array };
  };
  gpus: DeviceEvidence[];
  /** The NVSwitches between the GPUs, in the same form. */
  switches: DeviceEvidence[];
  /** The 32 bytes from which REPORTDATA and the nonces of the GPU requests were made. */
  nonce: Uint8Array;
}
/**
 * The JSON value of `evidence.json`: binary parts in padded base64, the nonce in hex.
 * @example
 * ```ts
 * import type { EvidenceDocument } from "touchstone/verifier";
 * const text = (document: EvidenceDocument): string => JSON.stringify(document);
 * ```
 */
export type EvidenceDocument = Document;

/** What one GPU or NVSwitch shows of itself. */
export interface DeviceEvidence {
  /** SPDM GET_MEASUREMENTS request and response, signature last. */
  report: Uint8Array;
  /** Certificates of the attestation key, PEM, leaf first, root last. */
  chain: string;
  /** Stapled OCSP responses (RFC 6960), DER. */
  ocsp: Uint8Array[];
  /** Stapled CRLs, DER. */
  crls: Uint8Array[];
}

type EventLogFormat = NonNullable<Document["tdx"]["eventLog"]>["format"];

const EVIDENCE: HandedOver = {
  format: "evidence",
  maxBytes: MAX_EVIDENCE_BYTES,
  names: evidenceDocument.names,
};

function member(value: Json | undefined, name: string): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value[name] : undefined;
}

/**
 * Reads `evidence.json`: strict UTF-8 JSON of at most 4 MiB. Says nothing about whether the evidence is true.
 * @throws MalformedError with the JSON pointer of the first fault.
 * @example
 * ```ts
 * import { parseEvidence } from "touchstone/verifier";
 * const quoteOf = (bytes: Uint8Array): Uint8Array => parseEvidence(bytes).tdx.quote;
 * ```
 */
export function parseEvidence(input: Uint8Array): Evidence {
  const value = parseHandedOver(input, EVIDENCE);
  requireNames(member(member(value, "tdx"), "collateral"), COLLATERAL, "/tdx/collateral");
  return decodeDocument(readAs(evidenceDocument, value, EVIDENCE.format));
}

function decodeDocument(document: Document): Evidence {
  const { quote, collateral, eventLog } = document.tdx;
  return {
    ...document,
    tdx: {
      quote: base64(quote, 64 * KIB, "/tdx/quote"),
      collateral,
      ...(eventLog && {
        eventLog: { ...eventLog, data: base64(eventLog.data, MAX_CCEL_BYTES, "/tdx/eventLog/data") },
      }),
    },
    gpus: document.gpus.map((gpu, i) => decodeDevice(gpu, `/gpus/${i}`)),
    switches: document.switches.map((device, i) => decodeDevice(device, `/switches/${i}`)),
    nonce: decodeAt("/nonce", () => decodeHex(document.nonce)),
  };
}

function decodeDevice({ report, chain, ocsp, crls }: DeviceDocument, pointer: string): DeviceEvidence {
  return {
    report: base64(report, 16 * KIB, `${pointer}/report`),
    chain,
    ocsp: ocsp.map((text, i) => base64(text, 16 * KIB, `${pointer}/ocsp/${i}`)),
    crls: crls.map((text, i) => base64(text, 256 * KIB, `${pointer}/crls/${i}`)),
  };
}

/** Bytes of a part, at least one. */
function base64(text: string, most: number, pointer: string): Uint8Array {
  const bytes = decodeAt(pointer, () => decodeBase64(text));
  if (bytes.length >= 1 && bytes.length <= most) return bytes;
  throw new MalformedError(EVIDENCE.format, `expected 1 to ${most} bytes, got ${bytes.length}`, pointer);
}

function decodeAt(pointer: string, decode: () => Uint8Array): Uint8Array {
  try {
    return decode();
  } catch (error) {
    throw new MalformedError(
      EVIDENCE.format,
      error instanceof Error ? error.message : "not decodable",
      pointer,
    );
  }
}
