// Writes a refusal for the client of the proxy: a problem document (RFC 9457) with what failed, and the member `error` in which OpenAI's
// clients look for a message.

import type { GateError } from "../../sealed/gate-error.ts";
import type { Verdict } from "../../verifier/appraisal/verdict.ts";

export interface RefusalDocument {
  readonly type: string;
  readonly title: string;
  readonly status: 502;
  readonly detail: string;
  /** Id of the check, or the gate's code where there is no verdict. */
  readonly check: string;
  readonly profile: string | null;
  readonly policy: Verdict["policy"];
  /** RFC 3339; null where nothing was appraised. */
  readonly asOf: string | null;
  readonly failed: ReadonlyArray<Omit<Verdict["checks"][number], "outcome">>;
  readonly error: {
    readonly message: string;
    readonly type: "touchstone_gate";
    readonly param: null;
    readonly code: string;
  };
}

export function describeRefusal({ code, message, sent, verdict }: GateError): RefusalDocument {
  const title = verdict === null ? "the machine could not be appraised" : "the machine is not trusted";
  return {
    type: `urn:touchstone:gate:${code}`,
    title: sent ? "The reply was cut: the machine is no longer trusted" : `Nothing was sent: ${title}`,
    status: 502,
    detail: message,
    check: code,
    profile: verdict?.profile ?? null,
    policy: verdict?.policy ?? null,
    asOf: verdict?.asOf ?? null,
    failed: (verdict?.checks ?? []).flatMap(({ outcome, ...check }) => (outcome === "fail" ? [check] : [])),
    error: { message, type: "touchstone_gate", param: null, code },
  };
}
