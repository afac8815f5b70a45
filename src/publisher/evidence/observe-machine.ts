// Reads from a known-good machine what a profile may require. Only genuine evidence is taken as an example, and only a machine that some
// policy could accept.
import { sha256 } from "../../protocol/cryptography/hash.ts";
import { decodeHex, encodeHex } from "../../protocol/encoding/hex.ts";
import {
  type GpuRequirements,
  TD_ATTRIBUTE_RULES,
  type TdxRequirements,
} from "../../protocol/entry/policy.ts";
import { PolicyError, VerificationError } from "../../protocol/errors.ts";
import { reasonOf } from "../../verifier/appraisal/verdict.ts";
import type { Evidence } from "../../verifier/evidence.ts";
import type { SwitchReport } from "../../verifier/nvidia/switch-report.ts";
import { checkTopology } from "../../verifier/nvidia/topology.ts";
import { type GpuResult, mergeGpuChecks, verifyGpuReport } from "../../verifier/nvidia/verify-report.ts";
import {
  mergeSwitchChecks,
  type SwitchResult,
  verifySwitchReport,
} from "../../verifier/nvidia/verify-switch.ts";
import type { TdReport } from "../../verifier/tdx/quote.ts";
import { checkTdxPolicy, QUOTE_ALONE_POLICY, type TdxPolicy } from "../../verifier/tdx/quote-policy.ts";
import { type TdxResult, verifyTdxQuote } from "../../verifier/tdx/verify-quote.ts";
import type { Requirements } from "../policy/requirements.ts";

export interface ObserveOptions {
  /** The time at which the evidence must be genuine. */
  readonly now: Date;
  /** DER of other roots than the vendors', for tests. */
  readonly roots?: { readonly intel: Uint8Array; readonly nvidia: Uint8Array };
}

/** A GPU of the machine whose report is genuine. */
export type ObservedGpu = Pick<GpuResult, "chip"> & { readonly report: NonNullable<GpuResult["report"]> };

export interface ObservedMachine {
  readonly body: TdReport;
  /** SHA-256 of the quote, hex. */
  readonly quoteDigest: string;
  readonly gpus: readonly ObservedGpu[];
  readonly switches: readonly SwitchReport[];
  /** What its evidence does not show and the requirements therefore accept: one sentence each, for whoever reviews them. */
  readonly leftOut: readonly string[];
  /** Its own values and no others, bound to the TLS key with a fresh challenge: for a human to widen, never to narrow. */
  readonly requirements: Requirements;
}

const ZERO_REGISTER = "00".repeat(48);

/** The code of a machine whose quote or reports do not verify. */
export type ObserveCode = "not-genuine";
/** The code of a genuine machine that no policy may accept. */
export type ObservePolicyCode = "not-acceptable";

/** @throws VerificationError "not-genuine" when quote or reports are not; PolicyError "not-acceptable" when no policy can accept the machine. */
export async function observeMachine(evidence: Evidence, options: ObserveOptions): Promise<ObservedMachine> {
  const { now, roots } = options;
  const { quote, collateral } = evidence.tdx;
  const tdx = await verifyTdxQuote(quote, collateral, { now, ...(roots && { root: roots.intel }) });
  const ofDevice = { now, nonce: null, ...(roots && { root: roots.nvidia }) };
  const results = await Promise.all(evidence.gpus.map((gpu) => verifyGpuReport(gpu, ofDevice)));
  const ofSwitches = await Promise.all(evidence.switches.map((one) => verifySwitchReport(one, ofDevice)));
  requireGenuine("the quote", reasonOf(tdx.checks));
  if (results.length === 0) throw unacceptable("the machine shows no GPU");
  // Whether a report answers the right nonce is not asked of an example.
  const asked = mergeGpuChecks(results).filter(({ id }) => id !== "gpu.nonce");
  requireGenuine("a GPU's report", reasonOf(asked));
  const askedOfSwitches = mergeSwitchChecks(ofSwitches).filter(({ id }) => id !== "switch.nonce");
  requireGenuine("a switch's report", reasonOf(askedOfSwitches));
  const { body, requirements: tdxRequirements } = tdxRequirementsOf(tdx);
  const gpus = results.flatMap(({ chip, report }) => (report === null ? [] : [{ chip, report }]));
  const switches = ofSwitches.flatMap(({ report }) => report ?? []);
  const gpu = gpuRequirementsOf(evidence, results, gpus, switches);
  requireWired(results, ofSwitches, gpu);
  return {
    body,
    quoteDigest: encodeHex(sha256(quote)),
    gpus,
    switches,
    leftOut: leftOut(tdxRequirements, gpu),
    requirements: {
      tdx: tdxRequirements,
      gpu,
      binding: { format: "touchstone-binding/v1", channel: "tls-spki", freshness: "nonce" },
    },
  };
}

function tdxRequirementsOf(result: TdxResult): { body: TdReport; requirements: TdxRequirements } {
  const { quote, tcb } = result;
  if (quote === null || tcb === null) throw new TypeError("a genuine quote has a body and a TCB");
  const { body, bodyForm } = quote;
  const status = tcb.status as TdxRequirements["tcbStatuses"][number];
  const policy: TdxPolicy = {
    ...QUOTE_ALONE_POLICY,
    requiredAttributes: [...TD_ATTRIBUTE_RULES],
    tcbStatuses: [status],
  };
  const reason = reasonOf(checkTdxPolicy(result, policy));
  if (reason !== null) throw unacceptable(reason);
  return {
    body,
    requirements: {
      bodies: [bodyForm],
      requiredAttributes: policy.requiredAttributes,
      mrConfigId: body.mrConfigId,
      mrOwner: body.mrOwner,
      mrOwnerConfig: body.mrOwnerConfig,
      rtmr3: body.rtmr3 === ZERO_REGISTER ? { mode: "zero" } : { mode: "exact", value: body.rtmr3 },
      mrSeam: { mode: "allow", values: [body.mrSeam] },
      minTeeTcbSvn: lower(body.teeTcbSvn, body.teeTcbSvn2 ?? body.teeTcbSvn),
      tcbStatuses: [status],
      minTcbEvaluationDataNumber: tcb.tcbEvaluationDataNumber,
      mrServiceTd: body.mrServiceTd === null ? "zero-or-not-shown" : "zero",
      debug: false,
    },
  };
}

/** The lower of two SVNs, component by component. */
function lower(one: string, other: string): string {
  const components = decodeHex(other);
  return encodeHex(decodeHex(one).map((svn, i) => Math.min(svn, components[i] ?? 0)));
}

function gpuRequirementsOf(
  { claims, gpus: shown }: Evidence,
  results: readonly GpuResult[],
  gpus: readonly ObservedGpu[],
  switches: readonly SwitchReport[],
): Requirements["gpu"] {
  if (claims.ccMode !== "on" || claims.devtools)
    throw unacceptable("the guest states that its GPUs are not in confidential mode");
  const [architecture, ...others] = distinct(results.map((result) => result.architecture));
  if (!architecture || others.length > 0) throw unacceptable("its GPUs are of several architectures");
  const { mode, modeNotStated } = requireMode(gpus, switches.length);
  const fwids = gpus.map(({ report }) => {
    if (report.fwid === null) throw unacceptable(`driver ${report.driverVersion} does not state the FWID`);
    return encodeHex(report.fwid);
  });
  return {
    count: gpus.length,
    architecture,
    mode,
    modeNotStated,
    switches:
      mode === "single"
        ? null
        : {
            count: switches.length,
            vbiosVersions: distinct(switches.map(({ vbiosVersion }) => vbiosVersion)),
          },
    driverVersions: distinct(gpus.map(({ report }) => report.driverVersion)),
    vbiosVersions: distinct(gpus.map(({ report }) => report.vbiosVersion)),
    fwids: distinct(fwids),
    ccMode: "on",
    devtools: false,
    revocation: shown.every(({ ocsp, crls }) => ocsp.length === 0 && crls.length > 0)
      ? "crl"
      : "ocsp-stapled",
  };
}

/** The mode of all GPUs. A policy must accept that it is not stated only of one GPU whose driver never states it. */
function requireMode(
  gpus: readonly ObservedGpu[],
  switches: number,
): Pick<GpuRequirements, "mode" | "modeNotStated"> {
  const modes = distinct(gpus.map(({ report }) => report.mode));
  const all = (mode: string) => modes.every((one) => one === mode);
  if (all("ppcie") && switches > 0) return { mode: "ppcie", modeNotStated: "reject" };
  if (switches > 0) throw unacceptable(`it shows switches, and its GPUs are in mode ${modes.join(" and ")}`);
  if (all("single")) return { mode: "single", modeNotStated: "reject" };
  if (all("not-stated") && gpus.length === 1) return { mode: "single", modeNotStated: "accept" };
  throw unacceptable(
    `its GPUs are in mode ${modes.join(" and ")}, expected single, or ppcie with the switches between them`,
  );
}

/** Whether GPUs and switches are linked to each other: what is drafted of a machine whose are not would refuse it. */
function requireWired(
  gpus: readonly GpuResult[],
  switches: readonly SwitchResult[],
  { count = gpus.length, switches: wanted = null }: Requirements["gpu"],
): void {
  const devices = { gpus: readable(gpus), switches: readable(switches) };
  const reason = reasonOf(checkTopology(devices, { count, switches: wanted }));
  if (reason !== null) throw unacceptable(reason);
}

function readable<R, C>(results: ReadonlyArray<{ readonly report: R | null; readonly chain: C | null }>) {
  return results.flatMap(({ report, chain }) => (report && chain ? [{ report, chain }] : []));
}

/** Where the evidence leaves out what a policy asks for, the draft accepts that, and a reviewer must know. */
function leftOut({ bodies, mrServiceTd }: TdxRequirements, gpu: Requirements["gpu"]): string[] {
  return [
    ...(mrServiceTd === "zero"
      ? []
      : [
          `tdx.mrServiceTd is "${mrServiceTd}": a quote with a TDX ${bodies.join()} body shows no MRSERVICETD`,
        ]),
    ...(gpu.modeNotStated === "accept"
      ? ['gpu.modeNotStated is "accept": the driver does not state the mode of its GPU']
      : []),
  ];
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}

function requireGenuine(what: string, reason: string | null): void {
  if (reason !== null)
    throw new VerificationError<ObserveCode>("not-genuine", `${what} is not genuine: ${reason}`);
}

function unacceptable(reason: string): PolicyError<ObservePolicyCode> {
  return new PolicyError<ObservePolicyCode>("not-acceptable", `no policy can accept this machine: ${reason}`);
}
