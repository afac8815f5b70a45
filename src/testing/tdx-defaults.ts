// Defines the TDX platform of a synthetic machine when the caller says nothing else: up to date, no debug, no service TD.
import { sha256, sha384 } from "../protocol/cryptography/hash.ts";
import { decodeHex } from "../protocol/encoding/hex.ts";
import { utf8 } from "../protocol/encoding/text.ts";
import type { TcbStatus } from "../verifier/tdx/collateral.ts";
import type { Validity } from "./authority.ts";
import {
  type CollateralFields,
  cpuSvnOf,
  type PlatformTcbLevel,
  type QeIdentityDocument,
  type SgxPlatform,
  type TcbInfoDocument,
} from "./intel.ts";
import type { QeReport, QuoteFields, TdBody } from "./tdx-quote.ts";

/**
 * What a machine's TDX side may differ in.
 * @example
 * ```ts
 * import { makeMachine, type SyntheticTdxOptions } from "touchstone/testing";
 * const tdx: SyntheticTdxOptions = { body: { mrTd: new Uint8Array(48).fill(1) }, revokePck: true };
 * const machine = await makeMachine({ at: new Date(), tdx });
 * ```
 */
export interface SyntheticTdxOptions {
  readonly body?: Partial<TdBody>;
  readonly qeReport?: Partial<QeReport>;
  /** Form of the quote (v4 when absent), header fields, trailing bytes. */
  readonly quote?: Partial<Omit<QuoteFields, "body" | "qeReport">>;
  readonly platform?: Partial<SgxPlatform>;
  readonly pckValidity?: Validity;
  readonly tcbInfo?: Partial<TcbInfoDocument>;
  readonly qeIdentity?: Partial<QeIdentityDocument>;
  readonly crls?: Partial<Omit<CollateralFields, "tcbInfo" | "qeIdentity" | "revokedByPlatformCa">>;
  /** Puts the machine's own PCK certificate on the Platform CA's CRL. */
  readonly revokePck?: boolean;
}

const DAY = 86_400_000;
const SGX_SVNS = [4, 4, 2, 2, 4, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0];
const TDX_SVNS = [5, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const QE_MRSIGNER = sha256(utf8("synthetic quoting enclave signer"));
const MODULE = {
  mrsigner: "00".repeat(48),
  attributes: "0000000000000000",
  attributesMask: "FFFFFFFFFFFFFFFF",
};

/**
 * @example
 * ```ts
 * import { defaultBody } from "touchstone/testing";
 * const other = { ...defaultBody(), mrTd: new Uint8Array(48).fill(1) };
 * ```
 */
export function defaultBody(): TdBody {
  const zero = new Uint8Array(48);
  const teeTcbSvn = decodeHex("0b010400000000000000000000000000");
  return {
    teeTcbSvn,
    mrSeam: sha384(utf8("synthetic TDX module")),
    mrSignerSeam: zero,
    seamAttributes: new Uint8Array(8),
    tdAttributes: decodeHex("0000001000000000"),
    xfam: decodeHex("e702060000000000"),
    mrTd: sha384(utf8("synthetic firmware")),
    mrConfigId: zero,
    mrOwner: zero,
    mrOwnerConfig: zero,
    rtmr0: zero,
    rtmr1: zero,
    rtmr2: zero,
    rtmr3: zero,
    reportData: new Uint8Array(64),
    teeTcbSvn2: teeTcbSvn,
    mrServiceTd: zero,
  };
}

/**
 * @example
 * ```ts
 * import { defaultPlatform } from "touchstone/testing";
 * const { fmspc } = defaultPlatform();
 * ```
 */
export function defaultPlatform(): SgxPlatform {
  return {
    ppid: sha256(utf8("synthetic PPID")).subarray(0, 16),
    sgxSvns: SGX_SVNS,
    pceSvn: 13,
    cpuSvn: cpuSvnOf(SGX_SVNS),
    pceId: "0000",
    fmspc: "90c06f000000",
    sgxType: 1,
    platformInstanceId: sha256(utf8("synthetic platform instance")).subarray(0, 16),
  };
}

/**
 * @example
 * ```ts
 * import { defaultQeReport } from "touchstone/testing";
 * const { mrSigner } = defaultQeReport();
 * ```
 */
export function defaultQeReport(): QeReport {
  return {
    cpuSvn: cpuSvnOf(SGX_SVNS),
    miscSelect: 0,
    attributes: decodeHex("1500000000000000e700000000000000"),
    mrEnclave: sha256(utf8("synthetic quoting enclave")),
    mrSigner: QE_MRSIGNER,
    isvProdId: 2,
    isvSvn: 7,
  };
}

/**
 * @example
 * ```ts
 * import { defaultTcbInfo } from "touchstone/testing";
 * const { tcbLevels } = defaultTcbInfo(new Date());
 * ```
 */
export function defaultTcbInfo(at: Date): TcbInfoDocument {
  return {
    id: "TDX",
    version: 3,
    ...issued(at),
    fmspc: "90C06F000000",
    pceId: "0000",
    tcbType: 0,
    tcbEvaluationDataNumber: 20,
    tdxModule: MODULE,
    tdxModuleIdentities: [
      {
        id: "TDX_01",
        ...MODULE,
        tcbLevels: [
          { tcb: { isvsvn: 5 }, tcbDate: "2024-03-13T00:00:00Z", tcbStatus: "UpToDate" },
          {
            tcb: { isvsvn: 2 },
            tcbDate: "2023-08-09T00:00:00Z",
            tcbStatus: "OutOfDate",
            advisoryIDs: ["INTEL-SA-01036"],
          },
        ],
      },
    ],
    tcbLevels: [tcbLevel(0, "UpToDate"), tcbLevel(1, "OutOfDate", ["INTEL-SA-00960"])],
  };
}

/**
 * A platform TCB level that lies `below` steps under the default platform's own SVNs.
 * @example
 * ```ts
 * import { tcbLevel } from "touchstone/testing";
 * const level = tcbLevel(2, "OutOfDate", ["INTEL-SA-00001"]);
 * ```
 */
export function tcbLevel(below: number, tcbStatus: TcbStatus, advisoryIDs?: string[]): PlatformTcbLevel {
  const lowered = (svns: number[]) => svns.map((svn) => ({ svn: Math.max(0, svn - below) }));
  return {
    tcb: { sgxtcbcomponents: lowered(SGX_SVNS), pcesvn: 13 - below, tdxtcbcomponents: lowered(TDX_SVNS) },
    tcbDate: "2024-11-13T00:00:00Z",
    tcbStatus,
    ...(advisoryIDs === undefined ? {} : { advisoryIDs }),
  };
}

/**
 * @example
 * ```ts
 * import { defaultQeIdentity } from "touchstone/testing";
 * const { isvprodid } = defaultQeIdentity(new Date());
 * ```
 */
export function defaultQeIdentity(at: Date): QeIdentityDocument {
  return {
    id: "TD_QE",
    version: 2,
    ...issued(at),
    tcbEvaluationDataNumber: 20,
    miscselect: "00000000",
    miscselectMask: "FFFFFFFF",
    attributes: "11000000000000000000000000000000",
    attributesMask: "FBFFFFFFFFFFFFFF0000000000000000",
    mrsigner: upperHex(QE_MRSIGNER),
    isvprodid: 2,
    tcbLevels: [{ tcb: { isvsvn: 4 }, tcbDate: "2024-11-13T00:00:00Z", tcbStatus: "UpToDate" }],
  };
}

function issued(at: Date): { issueDate: string; nextUpdate: string } {
  const text = (time: number) => new Date(time).toISOString().replace(/\.\d{3}Z$/, "Z");
  return { issueDate: text(at.getTime() - DAY), nextUpdate: text(at.getTime() + 29 * DAY) };
}

function upperHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"))
    .join("")
    .toUpperCase();
}
