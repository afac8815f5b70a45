// Checks whether the quote vouches for the channel that the verifier talks over, for this challenge, and for the state of the GPUs. How others
// bind a quote to a certificate is loaded when a policy asks for it: no page sees the certificate of its connection.
import { sha256 } from "../../protocol/cryptography/hash.ts";
import { decodeHex, encodeHex } from "../../protocol/encoding/hex.ts";
import { utf8 } from "../../protocol/encoding/text.ts";
import type { Profile } from "../../protocol/entry/policy.ts";
import { canonicalize } from "../../protocol/envelope/canonical-json.ts";
import { VerificationError } from "../../protocol/errors.ts";
import { type Check, CheckList } from "../check-list.ts";
import type { Evidence } from "../evidence.ts";
import type { Freshness } from "../ra-tls/binding.ts";
import { bindingReportData, type RaTlsCode, requireReportData } from "../ra-tls/own-binding.ts";
import { replayEventLog } from "../tdx/event-log.ts";
import type { EventLog } from "../tdx/logged-event.ts";
import type { TdReport } from "../tdx/quote.ts";
import { BINDING_CHECKS } from "./appraisal-checks.ts";

/**
 * The key that the verifier's channel really uses, as it saw it itself.
 * @example
 * ```ts
 * import type { Channel } from "touchstone/verifier";
 * const channel = (spki: Uint8Array): Channel => ({ type: "tls-spki", key: spki });
 * ```
 */
export interface Channel {
  readonly type: "tls-spki" | "hpke";
  /** SPKI DER of the TLS key, or the raw HPKE public key. */
  readonly key: Uint8Array;
  /** DER of the peer's certificate: needed for every binding format but touchstone-binding/v1. */
  readonly certificate?: Uint8Array;
}

export interface BindingInput {
  readonly evidence: Evidence;
  readonly body: TdReport;
  readonly log: EventLog | null;
  readonly channel: Channel;
  /** The verifier's challenge, 32 bytes; null when it sent none. */
  readonly nonce: Uint8Array | null;
}

/** Name of the RTMR3 event by which a guest binds its GPU claims where REPORTDATA has another format. Its payload is their SHA-256. */
export const GPU_CLAIMS_EVENT = "touchstone-gpu-claims";

/** Checks the binding that the profile wants; without evidence and quote nothing is evaluated. */
export async function checkBinding(wanted: Profile["binding"], input: BindingInput | null): Promise<Check[]> {
  const list = new CheckList(BINDING_CHECKS);
  if (input === null) return list.checks;
  list.equal("binding.channel", wanted.channel, input.channel.type);
  const freshness = await list.attempt("binding.report-data", () => requireBound(wanted.format, input));
  checkNonce(list, wanted, input, freshness);
  if (wanted.format !== "touchstone-binding/v1")
    await list.attempt("binding.claims", () => requireClaimsEvent(input));
  else if (freshness !== undefined) list.pass("binding.claims", { detail: "REPORTDATA covers the claims" });
  return list.checks;
}

function checkNonce(
  list: CheckList<(typeof BINDING_CHECKS)[number]>,
  wanted: Profile["binding"],
  { evidence, nonce }: BindingInput,
  freshness: Freshness | undefined,
): void {
  if (nonce !== null) {
    list.equal("binding.nonce", encodeHex(nonce), encodeHex(evidence.nonce), {
      detail: "the verifier's challenge",
    });
    if (wanted.freshness === "nonce" && freshness !== undefined && freshness !== "challenge")
      list.fail("binding.nonce", { detail: `REPORTDATA of ${wanted.format} holds no challenge` });
  } else if (wanted.freshness === "boot") {
    list.pass("binding.nonce", { detail: "made once per boot; the policy asks for no challenge" });
  } else {
    list.fail("binding.nonce", {
      detail: "the policy wants a challenge of the verifier's own; send a nonce and pass it here",
    });
  }
}

/** REPORTDATA is what the format makes of the channel's key. @returns how fresh that makes the evidence. */
async function requireBound(format: Profile["binding"]["format"], input: BindingInput): Promise<Freshness> {
  if (format !== "touchstone-binding/v1") {
    const { requireBoundCertificate } = await import("./certificate-binding.ts");
    return requireBoundCertificate(format, input);
  }
  const { evidence, channel, nonce } = input;
  const expected = bindingReportData({
    channelKey: channel.key,
    nonce: nonce ?? evidence.nonce,
    gpuClaims: evidence.claims,
  });
  requireReportData(decodeHex(input.body.reportData), expected, format);
  return nonce === null ? "key-lifetime" : "challenge";
}

function requireClaimsEvent({ evidence, body, log }: BindingInput): void {
  if (log === null || replayEventLog(log).rtmr3 !== body.rtmr3) {
    throw new VerificationError<RaTlsCode>(
      "binding",
      "no event log replays to RTMR3, so nothing binds the GPU claims",
    );
  }
  const wanted = encodeHex(sha256(utf8(canonicalize(evidence.claims))));
  const events = log.events.filter(({ rtmr }) => rtmr === 3);
  const [event, another] = events.filter(({ name }) => name === GPU_CLAIMS_EVENT);
  // An event whose digest does not prove its name could be a second one, under another name.
  const proven = events.every(({ name, recomputed }) => name !== "" && recomputed);
  if (event === undefined || another !== undefined || !proven || encodeHex(event.data) !== wanted) {
    throw new VerificationError<RaTlsCode>(
      "binding",
      `RTMR3 must hold named runtime events only, exactly one of them ${GPU_CLAIMS_EVENT} with the SHA-256 of the claims`,
    );
  }
}
