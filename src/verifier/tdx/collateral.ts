// Reads what Intel publishes for judging a quote, stapled as one JSON object, and the two signed documents in it: TCB Info v3 for TDX and
// the TD quoting enclave's identity v2 (Intel PCS API v4). The signatures are over the raw text: it is parsed only after they hold.
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { readAs } from "../../protocol/encoding/shape.ts";
import { parseJson } from "../../protocol/envelope/parse-json.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { type HandedOver, parseHandedOver } from "../handed-over.ts";
import {
  type QeIdentity,
  qeIdentity,
  type TcbInfo,
  type TdxCollateral,
  tcbInfo,
  tdxCollateral,
} from "./collateral.shape.ts";
import { MAX_DOCUMENT_BYTES } from "./collateral-fields.ts";

export type { QeIdentity, TcbInfo, TdxCollateral } from "./collateral.shape.ts";

/** Above the sum of the limits of the fields. */
const MAX_COLLATERAL_BYTES = 1024 * 1024;

/** What is said of something else that is handed over as collateral. */
export const COLLATERAL: HandedOver = {
  format: "TDX collateral",
  maxBytes: MAX_COLLATERAL_BYTES,
  names: tdxCollateral.names,
};

/** Its members in one order, whatever the order of the document was. */
export function collateralParts(collateral: TdxCollateral): string[] {
  return tdxCollateral.names.map((name) => collateral[name as keyof TdxCollateral]);
}

/** Reads `collateral.json`. @throws MalformedError with the JSON pointer of the first fault, or what else the input looks like. */
export function parseTdxCollateral(input: Uint8Array | string): TdxCollateral {
  return readAs(tdxCollateral, parseHandedOver(input, COLLATERAL), COLLATERAL.format);
}

/**
 * A TCB status in Intel's words.
 * @example
 * ```ts
 * import { tcbLevel, type TcbStatus } from "touchstone/testing";
 * const status: TcbStatus = "OutOfDate";
 * const level = tcbLevel(2, status, ["INTEL-SA-00001"]);
 * ```
 */
export type TcbStatus = TcbInfo["tcbLevels"][number]["tcbStatus"];

/** Reads TCB Info whose signature was verified. @throws MalformedError */
export function parseTcbInfo(text: string): TcbInfo {
  return readAs(tcbInfo, parseDocument(text, "TCB Info"), "TCB Info");
}

/** Reads a QE identity whose signature was verified. @throws MalformedError */
export function parseQeIdentity(text: string): QeIdentity {
  return readAs(qeIdentity, parseDocument(text, "QE identity"), "QE identity");
}

/**
 * Every number in Intel's documents is a whole one that is not negative (PCS API v4). One that is written otherwise, such as an SVN of 0.0
 * or 1e1, is the same number to JSON, and no number to the readers that a strict document is made for.
 */
function parseDocument(text: string, format: string) {
  const value = parseJson(text, MAX_DOCUMENT_BYTES);
  const number = text.replace(/"(?:[^"\\]|\\.)*"/g, '""').match(/-[0-9]+|[0-9]+[.eE][0-9+-]*/)?.[0];
  if (number !== undefined) throw new MalformedError(format, `${number} is not written as a whole number`);
  return value;
}

/** `value & mask` of two hex strings of equal length: how Intel's documents compare attributes. */
export function masked(value: Uint8Array, mask: Uint8Array): string {
  return encodeHex(value.map((byte, i) => byte & (mask[i] ?? 0)));
}
