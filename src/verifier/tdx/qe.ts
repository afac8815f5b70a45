// Verifies the TD quoting enclave: its SGX report in the quote, the attestation key that the report names, and Intel's identity of the
// enclave (Intel SGX DCAP Quote Library API, appendix A.4; PCS API v4 "Get Quoting Enclave Identity").
import { sha256 } from "../../protocol/cryptography/hash.ts";
import { ByteReader, concatBytes, equalBytes } from "../../protocol/encoding/bytes.ts";
import { decodeHex, encodeHex } from "../../protocol/encoding/hex.ts";
import { VerificationError } from "../../protocol/errors.ts";
import { masked, type QeIdentity } from "./collateral.ts";
import type { TdxQuote } from "./quote.ts";
import { judgeIsvSvn, type TcbJudgement } from "./tcb.ts";
import type { TdxCode } from "./tdx-code.ts";

const DEBUG = 0x02;

/** The fields of an SGX REPORT body (384 bytes, Intel SDM vol. 3D §37.16) that a verifier compares. */
export interface EnclaveReport {
  /** 4 bytes. */
  readonly miscSelect: Uint8Array;
  /** 16 bytes. */
  readonly attributes: Uint8Array;
  /** 32 bytes, hex. */
  readonly mrSigner: string;
  readonly isvProdId: number;
  readonly isvSvn: number;
  /** 64 bytes. */
  readonly reportData: Uint8Array;
}

export function parseEnclaveReport(bytes: Uint8Array): EnclaveReport {
  const reader = new ByteReader(bytes, "SGX report");
  reader.take(16, "CPUSVN");
  const miscSelect = reader.take(4, "MISCSELECT");
  reader.take(28, "reserved");
  const attributes = reader.take(16, "ATTRIBUTES");
  reader.take(64, "MRENCLAVE and reserved");
  const mrSigner = encodeHex(reader.take(32, "MRSIGNER"));
  reader.take(96, "reserved");
  const isvProdId = reader.u16le("ISVPRODID");
  const isvSvn = reader.u16le("ISVSVN");
  reader.take(60, "reserved");
  return { miscSelect, attributes, mrSigner, isvProdId, isvSvn, reportData: reader.take(64, "REPORTDATA") };
}

/**
 * The QE report must name the attestation key: its report data is SHA-256(key ‖ authentication data) and 32 zero bytes.
 * @throws VerificationError
 */
export function requireKeyBinding(quote: TdxQuote): void {
  const digest = sha256(concatBytes(quote.attestationKey, quote.authData));
  const { reportData } = parseEnclaveReport(quote.qeReport);
  if (!equalBytes(reportData, concatBytes(digest, new Uint8Array(32)))) {
    throw new VerificationError<TdxCode>(
      "key-binding",
      "the QE report does not name the quote's attestation key",
    );
  }
}

/**
 * The enclave that made the quote must be the one that Intel describes, at one of the SVNs that it lists.
 * @throws VerificationError naming the first field that differs.
 */
export function judgeQuotingEnclave(report: EnclaveReport, identity: QeIdentity): TcbJudgement {
  const { miscSelect, attributes } = report;
  const compared: Array<[string, string, string]> = [
    ["MRSIGNER", identity.mrsigner, report.mrSigner],
    ["ISVPRODID", String(identity.isvprodid), String(report.isvProdId)],
    ["MISCSELECT", identity.miscselect, maskedField(miscSelect, identity.miscselectMask)],
    ["ATTRIBUTES", identity.attributes, maskedField(attributes, identity.attributesMask)],
  ];
  for (const [field, expected, actual] of compared) {
    if (expected !== actual) {
      throw new VerificationError<TdxCode>(
        "qe-identity",
        `the QE's ${field} is ${actual}, Intel's identity says ${expected}`,
      );
    }
  }
  if (((attributes[0] ?? DEBUG) & DEBUG) !== 0) {
    throw new VerificationError<TdxCode>("qe-debug", "the quoting enclave runs in debug mode");
  }
  return judgeIsvSvn(identity.tcbLevels, report.isvSvn, "the quoting enclave");
}

function maskedField(value: Uint8Array, mask: string): string {
  return masked(value, decodeHex(mask));
}
