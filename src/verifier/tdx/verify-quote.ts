// Verifies a TDX quote against Intel's collateral, in the order of Intel's own (Intel TDX DCAP Quote Verification Library; PCS
// API v4). It says whether the quote is genuine and how good its platform is. Whether that is good enough is policy: quote-policy.ts.
import { VerificationError } from "../../protocol/errors.ts";
import { type Check, type CheckDetail, CheckList } from "../check-list.ts";
import { type Findings, once, type VerifiedCache } from "../verified-cache.ts";
import { parseCertificate } from "../x509/certificate.ts";
import { verifyCrl } from "../x509/crl.ts";
import { charactersOutside } from "../x509/pem.ts";
import * as validity from "../x509/validity.ts";
import {
  openCollateral,
  requirePckNotRevoked,
  requirePinnedRoot,
  sgxExtensionOf,
  verifyDocument,
  verifyPckChain,
  verifyPckCrl,
  verifyQeReport,
  verifyQuoteSignature,
} from "./chain-of-trust.ts";
import { collateralParts, parseQeIdentity, parseTcbInfo, type TdxCollateral } from "./collateral.ts";
import { INTEL_SGX_ROOT_CA } from "./intel-root.ts";
import { judgeQuotingEnclave, requireKeyBinding } from "./qe.ts";
import { parseTdxQuote, type TdxQuote } from "./quote.ts";
import { type PlatformTcb, parseSgxExtension } from "./sgx-extension.ts";
import { judgeModule, judgePlatform, type TcbJudgement, type TcbResult, worstOf } from "./tcb.ts";
import { TDX_CHECKS, type TdxCheckId } from "./tdx-checks.ts";
import type { TdxCode } from "./tdx-code.ts";

/** They follow from the collateral and the pinned root alone; whether it is valid now, "tdx.collateral.window" asks. */
const OF_COLLATERAL: readonly TdxCheckId[] = [
  "tdx.collateral.format",
  "tdx.root",
  "tdx.crl.root",
  "tdx.tcb-info.signature",
  "tdx.tcb-info.format",
  "tdx.qe-identity.signature",
  "tdx.qe-identity.format",
  "tdx.crl.pck",
];
/** They follow from the certificates in the quote and the pinned root alone. */
const OF_PCK_CHAIN: readonly TdxCheckId[] = ["tdx.pck.chain", "tdx.pck.extension"];

export interface TdxResult {
  /** The quote is genuine: every check passed. The quote of an out-of-date or debugged TD can be genuine. */
  readonly accepted: boolean;
  /** What the bytes say, proven or not; null when they are no quote. */
  readonly quote: TdxQuote | null;
  /** Null until platform, TDX module and quoting enclave could all be judged. */
  readonly tcb: TcbResult | null;
  /** The time in which collateral and certificates are valid together. */
  readonly collateralValid: validity.Window | null;
  readonly checks: Check[];
}

export interface TdxOptions {
  /** The time to judge at. */
  readonly now: Date;
  /** DER of the root to pin instead of Intel's: for made-up evidence only. */
  readonly root?: Uint8Array;
  /** What earlier calls verified. */
  readonly verified?: VerifiedCache;
}

/**
 * Verifies a TDX quote, version 4 or 5, of at most 64 KiB. Whatever is wrong with quote or collateral is a failed check, never an
 * exception.
 * @param collateral from `parseTdxCollateral`.
 */
export async function verifyTdxQuote(
  bytes: Uint8Array,
  collateral: TdxCollateral,
  options: TdxOptions,
): Promise<TdxResult> {
  const checks = new CheckList(TDX_CHECKS);
  const rootDer = options.root ?? INTEL_SGX_ROOT_CA;
  const known = new Map<TdxCheckId, Findings>();
  const step = stepsOf(checks, known);

  const quote = await step("tdx.quote.format", [], () => parseTdxQuote(bytes), describeQuote);
  if (options.verified) {
    const ofCollateral = await options.verified.findingsOf(
      "collateral",
      rootDer,
      ...collateralParts(collateral),
    );
    for (const id of OF_COLLATERAL) known.set(id, ofCollateral);
    const ofChain = await options.verified.findingsOf("PCK chain", rootDer, quote?.pckChainPem ?? "");
    for (const id of OF_PCK_CHAIN) known.set(id, ofChain);
  }
  await step("tdx.quote.header", [quote], requireTdxHeader);

  const { tcbInfoIssuerChain, qeIdentityIssuerChain, pckCrlIssuerChain } = collateral;
  const given = await step(
    "tdx.collateral.format",
    [],
    () => openCollateral(collateral),
    () => describeChains(tcbInfoIssuerChain, qeIdentityIssuerChain, pckCrlIssuerChain),
  );
  const pinned = parseCertificate(rootDer);
  const root = await step("tdx.root", [given], (c) => requirePinnedRoot(c, pinned));
  const rootCrl = await step("tdx.crl.root", [given, root], (c, r) => verifyCrl(c.rootCrl, r));

  const signed = [given, root, rootCrl] as const;
  const tcbSigner = await step("tdx.tcb-info.signature", signed, (c, r, crl) =>
    verifyDocument(c.tcbInfo, r, crl),
  );
  const tcbInfo = await step("tdx.tcb-info.format", [tcbSigner], () => parseTcbInfo(collateral.tcbInfo));
  const qeSigner = await step("tdx.qe-identity.signature", signed, (c, r, crl) =>
    verifyDocument(c.qeIdentity, r, crl),
  );
  const qeIdentity = await step("tdx.qe-identity.format", [qeSigner], () =>
    parseQeIdentity(collateral.qeIdentity),
  );

  const pckCrl = await step("tdx.crl.pck", [given, root], verifyPckCrl);
  const pck = await step(
    "tdx.pck.chain",
    [quote, root],
    (q, r) => verifyPckChain(q.pckChainPem, r),
    () => describeChains(quote?.pckChainPem ?? ""),
  );
  await step("tdx.pck.revocation", [pck, pckCrl, rootCrl], requirePckNotRevoked);
  const platform = await step("tdx.pck.extension", [pck], ([leaf]) =>
    parseSgxExtension(sgxExtensionOf(leaf)),
  );

  const windows = tcbInfo &&
    qeIdentity &&
    rootCrl &&
    pckCrl &&
    root &&
    tcbSigner &&
    qeSigner &&
    pck && [
      validity.windowOfDocument("TCB Info", tcbInfo),
      validity.windowOfDocument("QE identity", qeIdentity),
      ...[rootCrl, pckCrl].map(validity.windowOfCrl),
      ...[root, tcbSigner, qeSigner, pckCrl.issuer, pck[0], pck[1]].map(validity.windowOfCertificate),
    ];
  await step("tdx.collateral.window", [windows], (all) => validity.requireValid(all, options.now));

  const qeReport = await step("tdx.qe-report.signature", [quote, pck], verifyQeReport);
  await step("tdx.qe-report.binding", [quote], requireKeyBinding);
  const enclave = await step("tdx.qe.identity", [qeReport, qeIdentity], judgeQuotingEnclave);
  await step("tdx.quote.signature", [quote], verifyQuoteSignature);

  if (tcbInfo && platform) checks.equal("tdx.fmspc", platformId(tcbInfo), platformId(platform));
  const tdxModule = await step("tdx.module.identity", [tcbInfo, quote], (info, q) =>
    judgeModule(info, q.body),
  );
  const level = tcbInfo && platform && quote && judgePlatform(tcbInfo, platform, quote.body);
  await step("tdx.tcb.level", [level], requireLevel);

  const tcb = level &&
    tdxModule &&
    enclave &&
    tcbInfo &&
    qeIdentity &&
    platform && {
      ...summarise(level, tdxModule.judgement, enclave),
      fmspc: platform.fmspc,
      pceId: platform.pceId,
      tcbEvaluationDataNumber: Math.min(tcbInfo.tcbEvaluationDataNumber, qeIdentity.tcbEvaluationDataNumber),
    };
  return {
    accepted: checks.accepted,
    quote: quote ?? null,
    tcb: tcb ?? null,
    collateralValid: windows ? validity.commonWindow(windows) : null,
    checks: checks.checks,
  };
}

type Present<Needs extends readonly unknown[]> = { [I in keyof Needs]: Exclude<Needs[I], undefined> };

/** A check that is made only when everything it needs is there, and only once where what it needs is known. */
function stepsOf(checks: CheckList<TdxCheckId>, known: ReadonlyMap<TdxCheckId, Findings>) {
  return async <const Needs extends readonly unknown[], T>(
    id: TdxCheckId,
    needs: Needs,
    body: (...needs: Present<Needs>) => T | Promise<T>,
    found?: (value: T) => CheckDetail,
  ): Promise<T | undefined> => {
    if (needs.includes(undefined)) return undefined;
    return checks.attempt(id, () => once(known.get(id), id, () => body(...(needs as Present<Needs>))), found);
  };
}

const ECDSA_P256 = 2;
const TDX = 0x81;
const INTEL_QE_VENDOR = "939a7233f79c4ca9940a0db3957f0607";

function requireTdxHeader({ header }: TdxQuote): void {
  const { attestationKeyType, teeType, qeVendorId } = header;
  if (teeType !== TDX)
    throw new VerificationError<TdxCode>("tee-type", `TEE type 0x${teeType.toString(16)} is not TDX (0x81)`);
  if (attestationKeyType !== ECDSA_P256) {
    throw new VerificationError<TdxCode>(
      "key-type",
      `attestation key type ${attestationKeyType} is not ECDSA P-256 (2)`,
    );
  }
  if (qeVendorId !== INTEL_QE_VENDOR) {
    throw new VerificationError<TdxCode>("qe-vendor", `QE vendor ${qeVendorId} is not Intel`);
  }
}

function describeQuote({ version, bodyForm, trailingBytes }: TdxQuote): CheckDetail {
  return { detail: `version ${version}, TDX ${bodyForm} body, ${trailingBytes} unsigned bytes after it` };
}

/** What was left out of PEM chains. It proves nothing and is not signed, but a reader may want to know of it. */
function describeChains(...chains: readonly string[]): CheckDetail {
  const outside = chains.map(charactersOutside).reduce((sum, count) => sum + count, 0);
  return { detail: outside === 0 ? "" : `${outside} characters outside the certificates` };
}

function platformId({ fmspc, pceId }: Pick<PlatformTcb, "fmspc" | "pceId">): string {
  return `FMSPC ${fmspc}, PCE ${pceId}`;
}

function requireLevel({ status }: TcbJudgement): void {
  if (status === "NoMatchingTcbLevel") {
    throw new VerificationError<TdxCode>(
      "tcb-level",
      "the platform is below every TCB level that Intel lists; update it",
    );
  }
}

function summarise(platform: TcbJudgement, tdxModule: TcbJudgement | null, quotingEnclave: TcbJudgement) {
  const worst = worstOf([platform, quotingEnclave, ...(tdxModule ? [tdxModule] : [])]);
  return {
    ...worst,
    platform: platform.status,
    tdxModule: tdxModule?.status ?? null,
    quotingEnclave: quotingEnclave.status,
  };
}
