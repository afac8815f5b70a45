// Reads a TDX quote, versions 4 and 5, read by the lengths inside it (Intel TDX DCAP Quote Generation Library, "TD Quote Format").
// All integers are little-endian. What follows the signature data is not signed: it is counted and otherwise ignored.
import { ByteReader } from "../../protocol/encoding/bytes.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { likeness } from "../../protocol/encoding/recognise.ts";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { readTdAttributes, type TdAttributes } from "./td-attributes.ts";

const FORMAT = "TDX quote";
/** Real quotes have 5 KB; Google pads them to 8,000 bytes. */
const MAX_QUOTE_BYTES = 64 * 1024;
const HEADER_BYTES = 48;
const QE_REPORT_BYTES = 384;
const CERTIFIED_QE_REPORT = 6;
const PCK_CHAIN_PEM = 5;
const TDX_1_0 = { bytes: 584, form: "1.0" } as const;
/** By the body type of version 5. */
const BODIES = new Map<number, { readonly bytes: number; readonly form: TdxBodyForm }>([
  [2, TDX_1_0],
  [3, { bytes: 648, form: "1.5" }],
  [4, { bytes: 885, form: "1.5-extended" }],
]);

/** Which fields the TDX module reported: of TDX 1.0 (584 bytes), of TDX 1.5 (648), or with those of migration after them (885). */
export type TdxBodyForm = "1.0" | "1.5" | "1.5-extended";

export interface QuoteHeader {
  readonly attestationKeyType: number;
  readonly teeType: number;
  /** 16 bytes, hex. */
  readonly qeVendorId: string;
  /** 20 bytes, hex. */
  readonly userData: string;
}

/** What the TDX module reported about the TD. Every field is lower-case hex of the bytes in the quote. */
export interface TdReport {
  /** 16 bytes: the TCB when the TD was launched. [0] module ISVSVN, [1] module version, [2] microcode. */
  readonly teeTcbSvn: string;
  readonly mrSeam: string;
  readonly mrSignerSeam: string;
  readonly seamAttributes: string;
  readonly tdAttributes: string;
  readonly xfam: string;
  readonly mrtd: string;
  readonly mrConfigId: string;
  readonly mrOwner: string;
  readonly mrOwnerConfig: string;
  readonly rtmr0: string;
  readonly rtmr1: string;
  readonly rtmr2: string;
  readonly rtmr3: string;
  /** 64 bytes. */
  readonly reportData: string;
  /** 16 bytes: the TCB now, after live updates of the module. Null in a TDX 1.0 body. */
  readonly teeTcbSvn2: string | null;
  /** 48 bytes; zero where no service TD is bound. Null in a TDX 1.0 body. */
  readonly mrServiceTd: string | null;
}

/** What an extended body says after the fields of TDX 1.5: where the TD began, and its service TDs. Lower-case hex, as above. */
export interface ExtendedReport {
  /** 1 byte: the partition, 0 outside of nested virtualisation. */
  readonly vmId: string;
  /** 32 bytes. */
  readonly tdId: string;
  /** 48 bytes. */
  readonly deviceInfo: string;
  /** 48 and 8 bytes: service TDs bound when the TD was first built; zero where none was. */
  readonly initialServiceTdHash: string;
  readonly initialServiceTdAttributes: string;
  /** 16, 16 and 12 bytes: the platform on which the TD was first built. */
  readonly initialCpuSvn: string;
  readonly initialTeeTcbSvn: string;
  readonly initialFmspc: string;
  /** 48 and 8 bytes: service TDs that are bound now. */
  readonly currentServiceTdHash: string;
  readonly currentServiceTdAttributes: string;
}

export interface TdxQuote {
  readonly version: 4 | 5;
  /** As version 5 numbers them: 2, 3 or 4. */
  readonly bodyType: number;
  readonly bodyForm: TdxBodyForm;
  readonly header: QuoteHeader;
  readonly body: TdReport;
  /** Bits of TD_ATTRIBUTES and XFAM, read from `body`. */
  readonly attributes: TdAttributes;
  /** Null in every other body. */
  readonly extended: ExtendedReport | null;
  /** What the attestation key signed: header and body, and in version 5 the body's type and size between them. */
  readonly signedBytes: Uint8Array;
  /** ECDSA P-256, r‖s, 64 bytes. */
  readonly signature: Uint8Array;
  /** P-256 point, x‖y, 64 bytes. */
  readonly attestationKey: Uint8Array;
  /** SGX report of the quoting enclave, 384 bytes. */
  readonly qeReport: Uint8Array;
  /** ECDSA P-256 by the PCK, r‖s, 64 bytes. */
  readonly qeReportSignature: Uint8Array;
  readonly authData: Uint8Array;
  /** PCK certificate chain, leaf first. */
  readonly pckChainPem: string;
  readonly trailingBytes: number;
}

/**
 * Reads a quote of at most 64 KiB. Says nothing about whether it is genuine.
 * @throws MalformedError when a length does not fit, or a type is none that a TDX quote has.
 */
export function parseTdxQuote(bytes: Uint8Array): TdxQuote {
  if (bytes.length > MAX_QUOTE_BYTES)
    throw new MalformedError(FORMAT, `longer than ${MAX_QUOTE_BYTES} bytes`);
  const reader = new ByteReader(bytes, FORMAT);
  const version = reader.u16le("version");
  if (version !== 4 && version !== 5) {
    const detail = `version ${version} is not supported, expected 4 or 5${likeness(bytes)}`;
    throw new MalformedError(FORMAT, detail, 0);
  }
  const header = readHeader(reader);
  const { bodyType, bodyForm, length } =
    version === 4 ? { bodyType: 2, bodyForm: TDX_1_0.form, length: TDX_1_0.bytes } : readBodyType(reader);
  const report = new ByteReader(reader.take(length, "TD report"), FORMAT);
  const body = readBody(report, bodyForm);
  const extended = bodyForm === "1.5-extended" ? readExtended(report) : null;
  const signedBytes = bytes.subarray(0, reader.offset);
  const signatureData = reader.take(reader.u32le("length of the signature data"), "signature data");
  return {
    version,
    bodyType,
    bodyForm,
    header,
    body,
    attributes: readTdAttributes(body.tdAttributes, body.xfam),
    extended,
    signedBytes,
    ...readSignatureData(new ByteReader(signatureData, FORMAT)),
    trailingBytes: reader.remaining,
  };
}

function readHeader(reader: ByteReader): QuoteHeader {
  const attestationKeyType = reader.u16le("attestation key type");
  const teeType = reader.u32le("TEE type");
  // QE and PCE SVN in version 4, in an order that documents disagree about; reserved since. Nothing may depend on them.
  reader.take(4, "reserved");
  const qeVendorId = encodeHex(reader.take(16, "QE vendor id"));
  const userData = encodeHex(reader.take(20, "user data"));
  if (reader.offset !== HEADER_BYTES) throw new MalformedError(FORMAT, "header length", reader.offset);
  return { attestationKeyType, teeType, qeVendorId, userData };
}

function readBodyType(reader: ByteReader): { bodyType: number; bodyForm: TdxBodyForm; length: number } {
  const bodyType = reader.u16le("body type");
  const length = reader.u32le("body size");
  const known = BODIES.get(bodyType);
  if (known?.bytes !== length) {
    throw new MalformedError(
      FORMAT,
      `body type ${bodyType} of ${length} bytes is no TD report that is known here`,
      HEADER_BYTES,
    );
  }
  return { bodyType, bodyForm: known.form, length };
}

function readBody(reader: ByteReader, form: TdxBodyForm): TdReport {
  const field = (length: number, name: string) => encodeHex(reader.take(length, name));
  const optional = (length: number, name: string) => (form === "1.0" ? null : field(length, name));
  return {
    teeTcbSvn: field(16, "TEE_TCB_SVN"),
    mrSeam: field(48, "MRSEAM"),
    mrSignerSeam: field(48, "MRSIGNERSEAM"),
    seamAttributes: field(8, "SEAMATTRIBUTES"),
    tdAttributes: field(8, "TDATTRIBUTES"),
    xfam: field(8, "XFAM"),
    mrtd: field(48, "MRTD"),
    mrConfigId: field(48, "MRCONFIGID"),
    mrOwner: field(48, "MROWNER"),
    mrOwnerConfig: field(48, "MROWNERCONFIG"),
    rtmr0: field(48, "RTMR0"),
    rtmr1: field(48, "RTMR1"),
    rtmr2: field(48, "RTMR2"),
    rtmr3: field(48, "RTMR3"),
    reportData: field(64, "REPORTDATA"),
    teeTcbSvn2: optional(16, "TEE_TCB_SVN_2"),
    mrServiceTd: optional(48, "MRSERVICETD"),
  };
}

function readExtended(reader: ByteReader): ExtendedReport {
  const field = (length: number, name: string) => encodeHex(reader.take(length, name));
  return {
    vmId: field(1, "VM id"),
    tdId: field(32, "TD id"),
    deviceInfo: field(48, "device information"),
    initialServiceTdHash: field(48, "initial service-TD hash"),
    initialServiceTdAttributes: field(8, "initial service-TD attributes"),
    initialCpuSvn: field(16, "initial CPUSVN"),
    initialTeeTcbSvn: field(16, "initial TEE_TCB_SVN"),
    initialFmspc: field(12, "initial FMSPC"),
    currentServiceTdHash: field(48, "current service-TD hash"),
    currentServiceTdAttributes: field(8, "current service-TD attributes"),
  };
}

function readSignatureData(reader: ByteReader) {
  const signature = reader.take(64, "quote signature");
  const attestationKey = reader.take(64, "attestation key");
  const certified = readCertificationData(reader, CERTIFIED_QE_REPORT);
  const qeReport = certified.take(QE_REPORT_BYTES, "QE report");
  const qeReportSignature = certified.take(64, "QE report signature");
  const authData = certified.take(
    certified.u16le("length of the QE authentication data"),
    "QE authentication data",
  );
  const chain = readCertificationData(certified, PCK_CHAIN_PEM);
  const pckChainPem = decodeUtf8(chain.take(chain.remaining, "PCK chain"));
  return { signature, attestationKey, qeReport, qeReportSignature, authData, pckChainPem };
}

/** The content of certification data that must have this type and be the last thing in `reader`. */
function readCertificationData(reader: ByteReader, expected: number): ByteReader {
  const type = reader.u16le("certification data type");
  if (type !== expected) {
    throw new MalformedError(
      FORMAT,
      `certification data type ${type}, expected ${expected}`,
      reader.offset - 2,
    );
  }
  const content = reader.take(reader.u32le("certification data length"), "certification data");
  if (reader.remaining > 0) {
    throw new MalformedError(FORMAT, `${reader.remaining} bytes after the certification data`, reader.offset);
  }
  return new ByteReader(content, FORMAT);
}
