// Computes the TCB level of a TDX platform: platform, TDX module and quoting enclave, and the worst of them (Intel PCS API v4, "Get TDX TCB
// Info", "TCB level"; Intel TDX DCAP Quote Verification Library, status convergence).
//
// A TDX 1.5 body has two SVNs: TEE_TCB_SVN from when the TD was launched, TEE_TCB_SVN_2 from now, after live updates of the module.
// Both are judged and the worse one counts. Intel's "relaunch advised" (old SVN bad, new SVN good) is therefore the old SVN's
// status: the TD's memory was under the old module, and no later update takes that back.
import { decodeHex } from "../../protocol/encoding/hex.ts";
import { VerificationError } from "../../protocol/errors.ts";
import type { QeIdentity, TcbInfo, TcbStatus } from "./collateral.ts";
import type { TdReport } from "./quote.ts";
import type { PlatformTcb } from "./sgx-extension.ts";
import type { TdxCode } from "./tdx-code.ts";

/** "NoMatchingTcbLevel" is ours: the platform is below every level that Intel lists. */
export type TcbVerdict = TcbStatus | "NoMatchingTcbLevel";

export interface TcbJudgement {
  readonly status: TcbVerdict;
  readonly advisoryIds: readonly string[];
}

/** `tdxModule` is null where TEE_TCB_SVN[1] is 0: the platform's level covers the module then. */
export interface TcbResult {
  /** The worst of the three. */
  readonly status: TcbVerdict;
  readonly platform: TcbVerdict;
  readonly tdxModule: TcbVerdict | null;
  readonly quotingEnclave: TcbVerdict;
  readonly advisoryIds: readonly string[];
  /** Hex, of the PCK certificate. */
  readonly fmspc: string;
  readonly pceId: string;
  /** The lower one of TCB Info and QE identity. */
  readonly tcbEvaluationDataNumber: number;
}

interface Level {
  readonly tcbStatus: TcbStatus;
  readonly advisoryIDs: readonly string[];
}

/** The platform's judgement, the worse one of both SVNs. */
export function judgePlatform(info: TcbInfo, platform: PlatformTcb, body: TdReport): TcbJudgement {
  return worstOf(svnsOf(body).map((svns) => judgementOf(platformLevel(info, platform, svns))));
}

/**
 * The first level that the platform reaches. With a module version (SVN[1]) above 0 the module is judged by its own identity, and
 * components 0 and 1 are not compared here: they count the module's SVN within its version, the level counts another version's.
 */
function platformLevel(info: TcbInfo, platform: PlatformTcb, tdxSvns: Uint8Array): Level | undefined {
  const from = (tdxSvns[1] ?? 0) > 0 ? 2 : 0;
  return info.tcbLevels.find(
    ({ tcb }) =>
      tcb.pcesvn <= platform.pceSvn &&
      tcb.sgxtcbcomponents.every((svn, i) => svn <= (platform.components[i] ?? -1)) &&
      tcb.tdxtcbcomponents.every((svn, i) => i < from || svn <= (tdxSvns[i] ?? -1)),
  );
}

/**
 * The TDX module's judgement; null where its version is 0 and the platform's level covers it.
 * @throws VerificationError when signer or attributes are not those that Intel lists, or it lists no module of this version or level.
 */
export function judgeModule(info: TcbInfo, body: TdReport): { judgement: TcbJudgement | null } {
  const judgements = svnsOf(body).flatMap(([svn = 0, version = 0]) => {
    if (version === 0) {
      requireModule(info.tdxModule, body);
      return [];
    }
    const id = `TDX_${version.toString(16).padStart(2, "0").toUpperCase()}`;
    const identity = info.tdxModuleIdentities.find((module) => module.id === id);
    if (identity === undefined)
      throw new VerificationError<TdxCode>("tdx-module", `TCB Info lists no TDX module ${id}`);
    requireModule(identity, body);
    return [judgeIsvSvn(identity.tcbLevels, svn, `TDX module ${id}`)];
  });
  return { judgement: judgements.length === 0 ? null : worstOf(judgements) };
}

function requireModule(module: TcbInfo["tdxModule"], body: TdReport): void {
  if (body.mrSignerSeam !== module.mrsigner) {
    throw new VerificationError<TdxCode>(
      "tdx-module",
      `MRSIGNERSEAM is ${body.mrSignerSeam}, expected ${module.mrsigner}`,
    );
  }
  // Without Intel's mask: no module has any of these bits, and one that the mask hides would stand for something nobody judged.
  if (body.seamAttributes !== module.attributes) {
    throw new VerificationError<TdxCode>(
      "tdx-module",
      `SEAMATTRIBUTES are ${body.seamAttributes}, expected ${module.attributes}`,
    );
  }
}

/**
 * The first level that a component with one SVN reaches: the TDX module or the quoting enclave.
 * @throws VerificationError when it is below all of them.
 */
export function judgeIsvSvn(levels: QeIdentity["tcbLevels"], svn: number, component: string): TcbJudgement {
  const level = levels.find(({ tcb }) => tcb.isvsvn <= svn);
  if (level) return judgementOf(level);
  throw new VerificationError<TdxCode>(
    "tcb-level",
    `${component} has SVN ${svn}, below every level that Intel lists`,
  );
}

function judgementOf(level: Level | undefined): TcbJudgement {
  if (level === undefined) return { status: "NoMatchingTcbLevel", advisoryIds: [] };
  return { status: level.tcbStatus, advisoryIds: level.advisoryIDs };
}

/** The worst status and the union of the advisories, sorted. */
export function worstOf(judgements: readonly TcbJudgement[]): TcbJudgement {
  const advisoryIds = [...new Set(judgements.flatMap((judgement) => judgement.advisoryIds))].sort();
  return { status: judgements.map(({ status }) => status).reduce(worse), advisoryIds };
}

const SEVERITY: readonly TcbVerdict[] = [
  "UpToDate",
  "SWHardeningNeeded",
  "ConfigurationNeeded",
  "ConfigurationAndSWHardeningNeeded",
  "OutOfDate",
  "OutOfDateConfigurationNeeded",
  "Revoked",
  "NoMatchingTcbLevel",
];

/** The worse one; out of date in one part and misconfigured in another is both, as Intel's library says. */
function worse(a: TcbVerdict, b: TcbVerdict): TcbVerdict {
  const [low, high] = SEVERITY.indexOf(a) <= SEVERITY.indexOf(b) ? [a, b] : [b, a];
  return high === "OutOfDate" && low.startsWith("Configuration") ? "OutOfDateConfigurationNeeded" : high;
}

function svnsOf({ teeTcbSvn, teeTcbSvn2 }: TdReport): Uint8Array[] {
  return [teeTcbSvn, ...(teeTcbSvn2 === null ? [] : [teeTcbSvn2])].map(decodeHex);
}
