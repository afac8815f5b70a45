// One TDX quote judged alone, by the strictest policy that needs no log entry: what `evidence tdx` prints.
import { VerificationError } from "../../protocol/errors.ts";
import { isTrusted, reasonOf } from "../../verifier/appraisal/verdict.ts";
import { type Check, CheckList } from "../../verifier/check-list.ts";
import { parseTdxCollateral } from "../../verifier/tdx/collateral.ts";
import { compareEventLog, parseEventLog } from "../../verifier/tdx/event-log.ts";
import { parseTdxQuote, type TdReport } from "../../verifier/tdx/quote.ts";
import { checkTdxPolicy, STRICT_TDX_POLICY } from "../../verifier/tdx/quote-policy.ts";
import type { TdxCode } from "../../verifier/tdx/tdx-code.ts";
import { TDX_CHECKS, type TdxResult, verifyTdxQuote } from "../../verifier/tdx/verify-quote.ts";

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
  /** Fields of the quote, lower-case hex, proven or not; null when the bytes are no quote. */
  readonly body: TdReport | null;
  readonly checks: readonly Check[];
}

/** Never throws on hostile bytes: what is wrong is a failed check. */
export async function judgeTdx({ quote, collateral, eventLog, now, root }: TdxInput): Promise<JudgedTdx> {
  const result = await verify(quote, collateral, { now, ...(root && { root }) });
  const body = result.quote?.body ?? null;
  const checks = [
    ...result.checks,
    ...checkTdxPolicy(result, STRICT_TDX_POLICY),
    ...(eventLog === null ? [] : await checkEventLog(eventLog, body)),
  ];
  return {
    accepted: isTrusted(checks),
    tcbStatus: result.tcb?.status ?? null,
    reason: reasonOf(checks),
    body,
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
      const { logged, equal } = compareEventLog(parseEventLog(isJson ? "dstack" : "ccel", bytes), body);
      const wrong = logged.filter((register) => !equal.includes(register));
      if (wrong.length > 0)
        throw new VerificationError<TdxCode>(
          "event-log",
          `does not replay to the quoted ${wrong.join(", ")}`,
        );
      if (logged.length === 0) throw new VerificationError<TdxCode>("event-log", "holds no event");
      return logged.join(", ");
    },
    (registers) => ({ detail: `replays to ${registers}` }),
  );
  return list.checks;
}
