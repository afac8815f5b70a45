// Makes TDX quotes v4 and v5 with any field set and every signature valid (Intel TDX DCAP Quoting Library API, appendix 3 and 4).

import { sha256 } from "../protocol/cryptography/hash.ts";
import { concatBytes } from "../protocol/encoding/bytes.ts";
import { decodeHex } from "../protocol/encoding/hex.ts";
import { utf8 } from "../protocol/encoding/text.ts";
import { type Certified, makeKeyPair, signWith } from "./authority.ts";
import { u16, u32 } from "./little-endian.ts";

/**
 * `v4` and `v5-tdx1.0` carry the 584-byte body of TDX 1.0, `v5-tdx1.5` the 648-byte one,
 * `v5-tdx1.5-extended` the 885-byte one.
 * @example
 * ```ts
 * import type { QuoteForm } from "touchstone/testing";
 * const isLong = (form: QuoteForm): boolean => form !== "v4";
 * ```
 */
export type QuoteForm = "v4" | "v5-tdx1.0" | "v5-tdx1.5" | "v5-tdx1.5-extended";

/**
 * The fields of the TD report, in their order. Lengths: SVNs 16, attributes and XFAM 8, REPORTDATA 64, all others 48 bytes.
 * @example
 * ```ts
 * import { defaultBody, type TdBody } from "touchstone/testing";
 * const body: TdBody = { ...defaultBody(), tdAttributes: new Uint8Array(8).fill(1) };
 * ```
 */
export interface TdBody {
  readonly teeTcbSvn: Uint8Array;
  readonly mrSeam: Uint8Array;
  readonly mrSignerSeam: Uint8Array;
  readonly seamAttributes: Uint8Array;
  readonly tdAttributes: Uint8Array;
  readonly xfam: Uint8Array;
  readonly mrTd: Uint8Array;
  readonly mrConfigId: Uint8Array;
  readonly mrOwner: Uint8Array;
  readonly mrOwnerConfig: Uint8Array;
  readonly rtmr0: Uint8Array;
  readonly rtmr1: Uint8Array;
  readonly rtmr2: Uint8Array;
  readonly rtmr3: Uint8Array;
  readonly reportData: Uint8Array;
  /** TDX 1.5 body only. */
  readonly teeTcbSvn2: Uint8Array;
  /** TDX 1.5 body only. */
  readonly mrServiceTd: Uint8Array;
}

const BODY_LENGTHS: ReadonlyArray<readonly [keyof TdBody, number]> = [
  ["teeTcbSvn", 16],
  ["mrSeam", 48],
  ["mrSignerSeam", 48],
  ["seamAttributes", 8],
  ["tdAttributes", 8],
  ["xfam", 8],
  ["mrTd", 48],
  ["mrConfigId", 48],
  ["mrOwner", 48],
  ["mrOwnerConfig", 48],
  ["rtmr0", 48],
  ["rtmr1", 48],
  ["rtmr2", 48],
  ["rtmr3", 48],
  ["reportData", 64],
  ["teeTcbSvn2", 16],
  ["mrServiceTd", 48],
];

/**
 * What an extended body says after the fields of TDX 1.5. Each is zero where it is not given.
 * @example
 * ```ts
 * import type { ExtendedBody } from "touchstone/testing";
 * const extended: Partial<ExtendedBody> = { vmId: Uint8Array.of(1) };
 * ```
 */
export interface ExtendedBody {
  readonly vmId: Uint8Array;
  readonly tdId: Uint8Array;
  readonly deviceInfo: Uint8Array;
  readonly initialServiceTdHash: Uint8Array;
  readonly initialServiceTdAttributes: Uint8Array;
  readonly initialCpuSvn: Uint8Array;
  readonly initialTeeTcbSvn: Uint8Array;
  readonly initialFmspc: Uint8Array;
  readonly currentServiceTdHash: Uint8Array;
  readonly currentServiceTdAttributes: Uint8Array;
}

const EXTENDED_LENGTHS: ReadonlyArray<readonly [keyof ExtendedBody, number]> = [
  ["vmId", 1],
  ["tdId", 32],
  ["deviceInfo", 48],
  ["initialServiceTdHash", 48],
  ["initialServiceTdAttributes", 8],
  ["initialCpuSvn", 16],
  ["initialTeeTcbSvn", 16],
  ["initialFmspc", 12],
  ["currentServiceTdHash", 48],
  ["currentServiceTdAttributes", 8],
];

/**
 * The report of the TD quoting enclave.
 * @example
 * ```ts
 * import { defaultQeReport, type QeReport } from "touchstone/testing";
 * const report: QeReport = { ...defaultQeReport(), isvSvn: 0 };
 * ```
 */
export interface QeReport {
  /** 16 bytes. */
  readonly cpuSvn: Uint8Array;
  readonly miscSelect: number;
  /** 16 bytes. */
  readonly attributes: Uint8Array;
  /** 32 bytes. */
  readonly mrEnclave: Uint8Array;
  /** 32 bytes. */
  readonly mrSigner: Uint8Array;
  readonly isvProdId: number;
  readonly isvSvn: number;
}

/**
 * @example
 * ```ts
 * import type { QuoteFields } from "touchstone/testing";
 * const withTail = (fields: QuoteFields): QuoteFields => ({ ...fields, trailing: new Uint8Array(16) });
 * ```
 */
export interface QuoteFields {
  readonly form: QuoteForm;
  readonly body: TdBody;
  readonly extended?: Partial<ExtendedBody>;
  readonly qeReport: QeReport;
  /** Header fields that a good quote never changes. */
  readonly attestationKeyType?: number;
  readonly teeType?: number;
  readonly qeVendorId?: Uint8Array;
  /** Changes header and body before they are signed, for fields that nothing else sets. */
  readonly edit?: (signed: Uint8Array) => Uint8Array;
  /** The same for the QE report. */
  readonly editQeReport?: (report: Uint8Array) => Uint8Array;
  /** Bytes after the signature data, which nothing signs. */
  readonly trailing?: Uint8Array;
}

/**
 * @example
 * ```ts
 * import type { QuoteSigner } from "touchstone/testing";
 * const subjectOf = ({ pck }: QuoteSigner): string => pck.subject;
 * ```
 */
export interface QuoteSigner {
  readonly pck: Certified;
  /** PEM of the PCK certificate, the Platform CA and the root. */
  readonly chain: string;
}

const INTEL_QE = decodeHex("939a7233f79c4ca9940a0db3957f0607");

/**
 * Makes a quote: the attestation key signs header and body, and the QE report, signed by the PCK key, names that key.
 * @example
 * ```ts
 * import { makeTdxQuote, type QuoteFields, type QuoteSigner } from "touchstone/testing";
 * const quote = (signer: QuoteSigner, fields: QuoteFields): Promise<Uint8Array> => makeTdxQuote(signer, { ...fields, teeType: 0 });
 * ```
 */
export async function makeTdxQuote(signer: QuoteSigner, fields: QuoteFields): Promise<Uint8Array> {
  const attestationKey = await makeKeyPair("P-256");
  const made = concatBytes(quoteHeader(fields), bodyDescriptor(fields.form), quoteBody(fields));
  const signed = fields.edit?.(made) ?? made;
  const signature = await signWith(attestationKey, signed);
  const certification = await qeCertification(signer, fields, attestationKey.point);
  const signatureData = concatBytes(signature, attestationKey.point, certification);
  return concatBytes(signed, u32(signatureData.length), signatureData, fields.trailing ?? new Uint8Array());
}

function quoteHeader(fields: QuoteFields): Uint8Array {
  return concatBytes(
    u16(fields.form === "v4" ? 4 : 5),
    u16(fields.attestationKeyType ?? 2),
    u32(fields.teeType ?? 0x81),
    new Uint8Array(4),
    fields.qeVendorId ?? INTEL_QE,
    new Uint8Array(20),
  );
}

function bodyDescriptor(form: QuoteForm): Uint8Array {
  if (form === "v4") return new Uint8Array();
  if (form === "v5-tdx1.0") return concatBytes(u16(2), u32(584));
  return form === "v5-tdx1.5" ? concatBytes(u16(3), u32(648)) : concatBytes(u16(4), u32(885));
}

function quoteBody({ form, body, extended = {} }: QuoteFields): Uint8Array {
  const is15 = form === "v5-tdx1.5" || form === "v5-tdx1.5-extended";
  const fields = is15 ? BODY_LENGTHS : BODY_LENGTHS.slice(0, -2);
  const more = form === "v5-tdx1.5-extended" ? EXTENDED_LENGTHS : [];
  return concatBytes(
    ...fields.map(([name, length]) => sized(name, body[name], length)),
    ...more.map(([name, length]) => sized(name, extended[name] ?? new Uint8Array(length), length)),
  );
}

function sized(name: string, value: Uint8Array, length: number): Uint8Array {
  if (value.length !== length) throw new RangeError(`${name} must have ${length} bytes`);
  return value;
}

/** Certification data of type 6: QE report, its signature, authentication data and the PCK chain (type 5). */
async function qeCertification(
  { pck, chain }: QuoteSigner,
  { qeReport, editQeReport }: QuoteFields,
  attestationPoint: Uint8Array,
): Promise<Uint8Array> {
  const authenticationData = Uint8Array.from({ length: 32 }, (_, i) => i);
  const made = qeReportBytes(qeReport, sha256(concatBytes(attestationPoint, authenticationData)));
  const report = editQeReport?.(made) ?? made;
  const pem = utf8(chain);
  const data = concatBytes(
    report,
    await signWith(pck, report),
    u16(authenticationData.length),
    authenticationData,
    u16(5),
    u32(pem.length),
    pem,
  );
  return concatBytes(u16(6), u32(data.length), data);
}

function qeReportBytes(qe: QeReport, keyDigest: Uint8Array): Uint8Array {
  return concatBytes(
    qe.cpuSvn,
    u32(qe.miscSelect),
    new Uint8Array(28),
    qe.attributes,
    qe.mrEnclave,
    new Uint8Array(32),
    qe.mrSigner,
    new Uint8Array(96),
    u16(qe.isvProdId),
    u16(qe.isvSvn),
    new Uint8Array(60),
    keyDigest,
    new Uint8Array(32),
  );
}
