// Names the bits of TD_ATTRIBUTES and XFAM that matter beyond being equal to what is logged (Intel TDX Module Base Specification,
// "ATTRIBUTES" and "XFAM"). Which of them a machine must have is policy.
import { ByteReader } from "../../protocol/encoding/bytes.ts";
import { decodeHex } from "../../protocol/encoding/hex.ts";

/** Bits that have a meaning, by their number; all others are reserved and zero. */
const ATTRIBUTES = {
  debug: 0,
  hgsPlusProfiling: 4,
  performanceProfiling: 5,
  pmtProfiling: 6,
  icssd: 16,
  lass: 27,
  septVeDisable: 28,
  migratable: 29,
  protectionKeys: 30,
  keyLocker: 31,
  tpa: 62,
  performanceMonitoring: 63,
} as const;
/** x87 and SSE: every TD has them. */
const XFAM_MANDATORY = 0x3n;
/** What TDX modules let a TD have: XFAM_FIXED0 of TDX 1.5. XFAM is read as XCR0 and IA32_XSS are; MPX, PASID, HDC and HWP stay off. */
const XFAM_FIXED0 = 0x6dbe7n;
/** Intel APX, the registers R16 to R31: XFAM[19], as in XCR0 (Intel APX Architecture Specification §3.1.4.4.2, "Intel TDX"). */
const XFAM_APX = 1n << 19n;
const XFAM_KNOWN = XFAM_FIXED0 | XFAM_APX;

export interface TdAttributes {
  /** TD_ATTRIBUTES bit 28: the host cannot inject #VE on private pages. */
  readonly septVeDisable: boolean;
  /** Bit 29: a service TD may migrate this one. */
  readonly migratable: boolean;
  /** No bit is set that is reserved, in TD_ATTRIBUTES or in XFAM. */
  readonly reservedZero: boolean;
  /** XFAM bits 0 and 1 are set. */
  readonly xfamMandatory: boolean;
}

/** @param tdAttributes and @param xfam 8 bytes each, hex as in the quote, little-endian. */
export function readTdAttributes(tdAttributes: string, xfam: string): TdAttributes {
  const [attributes, features] = [bitsOf(tdAttributes), bitsOf(xfam)];
  const has = (bit: number) => (attributes & (1n << BigInt(bit))) !== 0n;
  const known = Object.values(ATTRIBUTES).reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n);
  return {
    septVeDisable: has(ATTRIBUTES.septVeDisable),
    migratable: has(ATTRIBUTES.migratable),
    reservedZero: (attributes & ~known) === 0n && (features & ~XFAM_KNOWN) === 0n,
    xfamMandatory: (features & XFAM_MANDATORY) === XFAM_MANDATORY,
  };
}

function bitsOf(hex: string): bigint {
  return new ByteReader(decodeHex(hex), "TD attributes").u64le("attributes");
}
