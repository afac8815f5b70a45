// Plays a made-up Intel: SGX root, TCB signer, PCK Platform CA, PCK leaves with the SGX extension, and the collateral they sign
// (Intel SGX PCK Certificate and CRL Specification 1.5; PCS API v4, TCB Info v3, TD QE identity v2).
import "reflect-metadata";
import { Extension } from "@peculiar/x509";
import { concatBytes } from "../protocol/encoding/bytes.ts";
import { decodeHex, encodeHex } from "../protocol/encoding/hex.ts";
import { utf8 } from "../protocol/encoding/text.ts";
import type { TcbStatus, TdxCollateral } from "../verifier/tdx/collateral.ts";
import {
  type CertificateFields,
  type Certified,
  type CrlFields,
  certify,
  makeCrl,
  signWith,
  type Validity,
} from "./authority.ts";
import { boolean, encodeInteger, enumerated, octetString, oid, sequence } from "./der.ts";

const SGX_EXTENSION = "1.2.840.113741.1.13.1";
const OWNER = "O=Intel Corporation, L=Santa Clara, ST=CA, C=US";

/**
 * @example
 * ```ts
 * import type { IntelAuthority } from "touchstone/testing";
 * const rootOfTrust = ({ root }: IntelAuthority): Uint8Array => root.der;
 * ```
 */
export interface IntelAuthority {
  readonly root: Certified;
  readonly tcbSigning: Certified;
  readonly platformCa: Certified;
}

/**
 * What the SGX extension of a PCK certificate states about its platform.
 * @example
 * ```ts
 * import { defaultPlatform, type SgxPlatform } from "touchstone/testing";
 * const old: SgxPlatform = { ...defaultPlatform(), pceSvn: 1 };
 * ```
 */
export interface SgxPlatform {
  /** 16 bytes. */
  readonly ppid: Uint8Array;
  /** The 16 SGX TCB component SVNs, 0 to 255 each. */
  readonly sgxSvns: readonly number[];
  readonly pceSvn: number;
  /** 16 bytes. */
  readonly cpuSvn: Uint8Array;
  /** 2 bytes, hex. */
  readonly pceId: string;
  /** 6 bytes, hex. */
  readonly fmspc: string;
  /** 0 standard, 1 scalable, 2 scalable with integrity. */
  readonly sgxType: number;
  /** 16 bytes. */
  readonly platformInstanceId: Uint8Array;
  /** Changes the extension before the certificate is signed, for fields that nothing else sets. */
  readonly edit?: (extension: Uint8Array) => Uint8Array;
}

interface LevelFields {
  readonly tcbDate: string;
  readonly tcbStatus: TcbStatus;
  readonly advisoryIDs?: readonly string[];
}

/** A TCB level of one component: the TDX module or the quoting enclave. */
export interface IsvSvnLevel extends LevelFields {
  readonly tcb: { readonly isvsvn: number };
}

export interface PlatformTcbLevel extends LevelFields {
  readonly tcb: {
    readonly sgxtcbcomponents: ReadonlyArray<{ readonly svn: number }>;
    readonly pcesvn: number;
    readonly tdxtcbcomponents: ReadonlyArray<{ readonly svn: number }>;
  };
}

export interface TdxModule {
  readonly mrsigner: string;
  readonly attributes: string;
  readonly attributesMask: string;
}

/**
 * The signed `tcbInfo` object of PCS v4, in Intel's own words: hex upper case, times RFC 3339.
 * @example
 * ```ts
 * import { defaultTcbInfo, type TcbInfoDocument } from "touchstone/testing";
 * const info: TcbInfoDocument = { ...defaultTcbInfo(new Date()), fmspc: "000000000000" };
 * ```
 */
export interface TcbInfoDocument {
  readonly id: string;
  readonly version: number;
  readonly issueDate: string;
  readonly nextUpdate: string;
  readonly fmspc: string;
  readonly pceId: string;
  readonly tcbType: number;
  readonly tcbEvaluationDataNumber: number;
  readonly tdxModule: TdxModule;
  readonly tdxModuleIdentities: ReadonlyArray<
    TdxModule & { readonly id: string; readonly tcbLevels: readonly IsvSvnLevel[] }
  >;
  readonly tcbLevels: readonly PlatformTcbLevel[];
}

/**
 * The signed `enclaveIdentity` object of the TD quoting enclave.
 * @example
 * ```ts
 * import { defaultQeIdentity, type QeIdentityDocument } from "touchstone/testing";
 * const identity: QeIdentityDocument = { ...defaultQeIdentity(new Date()), isvprodid: 3 };
 * ```
 */
export interface QeIdentityDocument {
  readonly id: string;
  readonly version: number;
  readonly issueDate: string;
  readonly nextUpdate: string;
  readonly tcbEvaluationDataNumber: number;
  readonly miscselect: string;
  readonly miscselectMask: string;
  readonly attributes: string;
  readonly attributesMask: string;
  readonly mrsigner: string;
  readonly isvprodid: number;
  readonly tcbLevels: readonly IsvSvnLevel[];
}

/**
 * @example
 * ```ts
 * import { type CollateralFields, defaultQeIdentity, defaultTcbInfo } from "touchstone/testing";
 * const fields = (at: Date): CollateralFields => ({
 *   tcbInfo: defaultTcbInfo(at), qeIdentity: defaultQeIdentity(at), crlThisUpdate: at, crlNextUpdate: new Date(at.getTime() + 86_400_000),
 * });
 * ```
 */
export interface CollateralFields {
  readonly tcbInfo: TcbInfoDocument;
  readonly qeIdentity: QeIdentityDocument;
  readonly crlThisUpdate: Date;
  readonly crlNextUpdate: Date;
  /** Serial numbers, hex, on the root's CRL and on the Platform CA's. */
  readonly revokedByRoot?: readonly string[];
  readonly revokedByPlatformCa?: readonly string[];
  /** Extensions that both lists lack. */
  readonly crlsWithout?: NonNullable<CrlFields["without"]>;
  /** Rewrites the text of a document before it is signed, for what JSON.stringify never writes. */
  readonly rewrite?: (document: string) => string;
}

/**
 * Root, TCB signer and Platform CA under the names that Intel's have.
 * @example
 * ```ts
 * import { makeIntelAuthority } from "touchstone/testing";
 * const intel = await makeIntelAuthority({ notBefore: new Date("2026-01-01"), notAfter: new Date("2030-01-01") });
 * ```
 */
export async function makeIntelAuthority(validity: Validity): Promise<IntelAuthority> {
  const common = { curve: "P-256", ...validity } as const;
  const root = await certify({ ...common, subject: `CN=Intel SGX Root CA, ${OWNER}`, ca: true });
  const [tcbSigning, platformCa] = await Promise.all([
    certify({ ...common, subject: `CN=Intel SGX TCB Signing, ${OWNER}`, ca: false, issuer: root }),
    certify({ ...common, subject: `CN=Intel SGX PCK Platform CA, ${OWNER}`, ca: true, issuer: root }),
  ]);
  return { root, tcbSigning, platformCa };
}

/**
 * A PCK certificate for a platform, issued by the Platform CA.
 * @example
 * ```ts
 * import { defaultPlatform, type IntelAuthority, makePckCertificate } from "touchstone/testing";
 * const pck = (intel: IntelAuthority) =>
 *   makePckCertificate(intel, defaultPlatform(), { notBefore: new Date("2026-01-01"), notAfter: new Date("2030-01-01") });
 * ```
 */
export function makePckCertificate(
  authority: IntelAuthority,
  platform: SgxPlatform,
  fields: Validity & Pick<CertificateFields, "unconstrained">,
): Promise<Certified> {
  return certify({
    ...fields,
    subject: `CN=Intel SGX PCK Certificate, ${OWNER}`,
    curve: "P-256",
    ca: false,
    issuer: authority.platformCa,
    extensions: [new Extension(SGX_EXTENSION, false, Uint8Array.from(sgxExtension(platform)))],
  });
}

function sgxExtension(platform: SgxPlatform): Uint8Array {
  const field = (suffix: string, value: Uint8Array) => sequence(oid(`${SGX_EXTENSION}.${suffix}`), value);
  const components = platform.sgxSvns.map((svn, i) => field(`2.${i + 1}`, encodeInteger(svn)));
  const tcb = [
    ...components,
    field("2.17", encodeInteger(platform.pceSvn)),
    field("2.18", octetString(platform.cpuSvn)),
  ];
  const configuration = [1, 2, 3].map((flag) => field(`7.${flag}`, boolean(true)));
  const made = sequence(
    field("1", octetString(platform.ppid)),
    field("2", sequence(...tcb)),
    field("3", octetString(decodeHex(platform.pceId))),
    field("4", octetString(decodeHex(platform.fmspc))),
    field("5", enumerated(platform.sgxType)),
    field("6", octetString(platform.platformInstanceId)),
    field("7", sequence(...configuration)),
  );
  return platform.edit?.(made) ?? made;
}

/**
 * Signs TCB Info, QE identity and both CRLs, and lays them out as `collateral.json` has them.
 * @example
 * ```ts
 * import { type CollateralFields, type IntelAuthority, makeCollateral } from "touchstone/testing";
 * const stale = (intel: IntelAuthority, fields: CollateralFields) => makeCollateral(intel, { ...fields, crlNextUpdate: new Date(0) });
 * ```
 */
export async function makeCollateral(
  authority: IntelAuthority,
  fields: CollateralFields,
): Promise<TdxCollateral> {
  const { root, tcbSigning, platformCa } = authority;
  const { rewrite = (document: string) => document, crlsWithout: without = [] } = fields;
  const tcbInfo = rewrite(JSON.stringify(fields.tcbInfo));
  const qeIdentity = rewrite(JSON.stringify(fields.qeIdentity));
  const dates = { thisUpdate: fields.crlThisUpdate, nextUpdate: fields.crlNextUpdate };
  const crl = (issuer: Certified, revoked: readonly string[] = []) =>
    makeCrl({ issuer, revoked, without, ...dates });
  return {
    tcbInfo,
    tcbInfoSignature: encodeHex(await signWith(tcbSigning, utf8(tcbInfo))),
    tcbInfoIssuerChain: tcbSigning.pem + root.pem,
    qeIdentity,
    qeIdentitySignature: encodeHex(await signWith(tcbSigning, utf8(qeIdentity))),
    qeIdentityIssuerChain: tcbSigning.pem + root.pem,
    pckCrl: encodeHex(await crl(platformCa, fields.revokedByPlatformCa)),
    pckCrlIssuerChain: platformCa.pem + root.pem,
    rootCaCrl: encodeHex(await crl(root, fields.revokedByRoot)),
  };
}

/** The CPUSVN field that belongs to component SVNs: Intel's encoding is secret, any 16 bytes will do. */
export function cpuSvnOf(sgxSvns: readonly number[]): Uint8Array {
  return concatBytes(Uint8Array.from(sgxSvns), new Uint8Array(16)).subarray(0, 16);
}
