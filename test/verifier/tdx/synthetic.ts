// A synthetic TDX platform under a made-up Intel: good when nothing is changed, and every part of it can be.
import {
  type CertificateFields,
  type Certified,
  certify,
  makeCrl,
  type Validity,
} from "../../../src/testing/authority.ts";
import {
  type CollateralFields,
  type IntelAuthority,
  makeCollateral,
  makeIntelAuthority,
  makePckCertificate,
  type SgxPlatform,
} from "../../../src/testing/intel.ts";
import {
  defaultBody,
  defaultPlatform,
  defaultQeIdentity,
  defaultQeReport,
  defaultTcbInfo,
} from "../../../src/testing/tdx-defaults.ts";
import {
  makeTdxQuote,
  type QeReport,
  type QuoteFields,
  type TdBody,
} from "../../../src/testing/tdx-quote.ts";
import type { TdxCollateral } from "../../../src/verifier/tdx/collateral.ts";
import { type TdxResult, verifyTdxQuote } from "../../../src/verifier/tdx/verify-quote.ts";

export const AT = new Date("2026-06-01T12:00:00Z");
export const DAY = 86_400_000;
const VALIDITY: Validity = {
  notBefore: new Date("2026-01-01T00:00:00Z"),
  notAfter: new Date("2030-01-01T00:00:00Z"),
};
const OWNER = "O=Intel Corporation, L=Santa Clara, ST=CA, C=US";

export const intel: IntelAuthority = await makeIntelAuthority(VALIDITY);

export interface PlatformChanges {
  readonly authority?: IntelAuthority;
  readonly body?: Partial<TdBody>;
  readonly qeReport?: Partial<QeReport>;
  readonly quote?: Partial<QuoteFields>;
  readonly platform?: Partial<SgxPlatform>;
  readonly tcbInfo?: object;
  readonly qeIdentity?: object;
  readonly crls?: Partial<CollateralFields>;
  /** PCK certificate and PEM chain in place of the good ones. */
  readonly pck?: Certified;
  readonly chain?: string;
}

export interface Tdx {
  readonly quote: Uint8Array;
  readonly collateral: TdxCollateral;
  readonly pck: Certified;
}

export async function makeTdx(changes: PlatformChanges = {}): Promise<Tdx> {
  const authority = changes.authority ?? intel;
  const pck =
    changes.pck ??
    (await makePckCertificate(authority, { ...defaultPlatform(), ...changes.platform }, VALIDITY));
  const chain = changes.chain ?? pck.pem + authority.platformCa.pem + authority.root.pem;
  const quote = await makeTdxQuote(
    { pck, chain },
    {
      form: "v5-tdx1.5",
      ...changes.quote,
      body: { ...defaultBody(), ...changes.body },
      qeReport: { ...defaultQeReport(), ...changes.qeReport },
    },
  );
  const collateral = await makeCollateral(authority, {
    crlThisUpdate: new Date(AT.getTime() - DAY),
    crlNextUpdate: new Date(AT.getTime() + 29 * DAY),
    ...changes.crls,
    tcbInfo: { ...defaultTcbInfo(AT), ...changes.tcbInfo },
    qeIdentity: { ...defaultQeIdentity(AT), ...changes.qeIdentity },
  });
  return { quote, collateral, pck };
}

/** A certificate of the made-up Intel, named as Intel names its own. */
export function makeCertificate(
  commonName: string,
  issuer: Certified,
  fields: Partial<CertificateFields> = {},
): Promise<Certified> {
  return certify({
    subject: `CN=${commonName}, ${OWNER}`,
    curve: "P-256",
    ca: false,
    issuer,
    ...VALIDITY,
    ...fields,
  });
}

/** A CRL that is valid at AT. */
export function makeList(issuer: Certified, revoked: readonly string[] = []): Promise<Uint8Array> {
  return makeCrl({
    issuer,
    revoked,
    thisUpdate: new Date(AT.getTime() - DAY),
    nextUpdate: new Date(AT.getTime() + 29 * DAY),
  });
}

export function judge({ quote, collateral }: Tdx, now = AT): Promise<TdxResult> {
  return verifyTdxQuote(quote, collateral, { now, root: intel.root.der });
}

export function failedChecks({ checks }: TdxResult): string[] {
  return checks.filter(({ outcome }) => outcome === "fail").map(({ id }) => id);
}

/** A copy with one bit changed. */
export function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

/** mulberry32: the same numbers in every run, so that a failure can be repeated. */
export function* randomBits(seed: number, bits: number): Generator<number> {
  for (let a = seed; ; ) {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    yield Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * bits);
  }
}
