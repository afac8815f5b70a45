// Judges one TDX quote alone, by the strictest policy that needs no log entry: `evidence tdx` prints it.
import { isTrusted, reasonOf } from "../../verifier/appraisal/verdict.ts";
import { type Check, CheckList } from "../../verifier/check-list.ts";
import { parseTdxCollateral } from "../../verifier/tdx/collateral.ts";
import { parseEventLog, requireBootReplay } from "../../verifier/tdx/event-log.ts";
import { type ExtendedReport, parseTdxQuote, type TdReport } from "../../verifier/tdx/quote.ts";
import { checkTdxPolicy, QUOTE_ALONE_POLICY, tdxWarnings } from "../../verifier/tdx/quote-policy.ts";
import { TDX_CHECKS } from "../../verifier/tdx/tdx-checks.ts";
import { type TdxResult, verifyTdxQuote } from "../../verifier/tdx/verify-quote.ts";

export interface TdxInput {
  readonly quote: Uint8Array;
  /** Bytes of collateral.json. */
  readonly collateral: Uint8Array;
  /** CCEL table or dstack's JSON; null where there is none. */
  readonly eventLog: Uint8Array | null;
  readonly now: Date;
  /** DER of another root than Intel's, for tests. */
  readonly root?: Uint8Array | undefined;
}

export interface JudgedTdx {
  readonly accepted: boolean;
  /** Intel's word for the worst of platform, TDX module and quoting enclave; null where they could not be judged. */
  readonly tcbStatus: string | null;
  readonly reason: string | null;
  /** What the quote shows and ought not to, or cannot show: one sentence each. */
  readonly warnings: readonly string[];
  /** What nobody said how it should be, and so was held against nothing. */
  readonly notCompared: readonly string[];
  /** Fields of the quote, lower-case hex, proven or not; null when the bytes are no quote. */
  readonly body: TdReport | null;
  /** More fields, of a quote whose body has them. They are compared with nothing but zero, where they tell of service TDs. */
  readonly extended: ExtendedReport | null;
  readonly checks: readonly Check[];
}

/** Only a policy says what these must be: `appraise` compares them. */
const REFERENCE_VALUES = ["MRTD", "RTMR0 to RTMR3", "MRCONFIGID", "MROWNER", "MROWNERCONFIG", "REPORTDATA"];

/** Never throws on hostile bytes: what is wrong is a failed check. */
export async function judgeTdx({ quote, collateral, eventLog, now, root }: TdxInput): Promise<JudgedTdx> {
  const result = await verify(quote, collateral, { now, ...(root && { root }) });
  const body = result.quote?.body ?? null;
  const checks = [
    ...result.checks,
    ...checkTdxPolicy(result, QUOTE_ALONE_POLICY),
    ...(eventLog === null ? [] : await checkEventLog(eventLog, body)),
  ];
  return {
    accepted: isTrusted(checks),
    tcbStatus: result.tcb?.status ?? null,
    reason: reasonOf(checks),
    warnings: result.quote === null ? [] : tdxWarnings(result.quote, QUOTE_ALONE_POLICY),
    notCompared: REFERENCE_VALUES,
    body,
    extended: result.quote?.extended ?? null,
    checks,
  };
}

async function verify(
  quote: Uint8Array,
  collateral: Uint8Array,
  options: { now: Date; root?: Uint8Array },
): Promise<TdxResult> {
  const list = new CheckList(TDX_CHECKS);
  const read = await list.attempt("tdx.collateral.format", () => parseTdxCollateral(collateral));
  if (read !== undefined) return verifyTdxQuote(quote, read, options);
  const parsed = await list.attempt("tdx.quote.format", () => parseTdxQuote(quote));
  return { accepted: false, quote: parsed ?? null, tcb: null, collateralValid: null, checks: list.checks };
}

async function checkEventLog(bytes: Uint8Array, body: TdReport | null): Promise<Check[]> {
  const list = new CheckList(["tdx.event-log"]);
  if (body === null) return list.checks;
  await list.attempt(
    "tdx.event-log",
    () => {
      const isJson = bytes[0] === 0x5b || bytes[0] === 0x7b;
      return requireBootReplay(parseEventLog(isJson ? "dstack" : "ccel", bytes), body);
    },
    ({ equal, missing }) => ({
      detail: `replays to ${equal.join(", ")}${missing.length === 0 ? "" : "; rtmr3 is not in the log"}`,
    }),
  );
  return list.checks;
}
