// Checks whether the quote vouches for the channel that the verifier talks over, for this challenge, and for the state of the GPUs.
import { sha256 } from "../../protocol/cryptography/hash.ts";
import { decodeHex, encodeHex } from "../../protocol/encoding/hex.ts";
import { utf8 } from "../../protocol/encoding/text.ts";
import type { Profile } from "../../protocol/entry/policy.ts";
import { canonicalize } from "../../protocol/envelope/canonical-json.ts";
import { VerificationError } from "../../protocol/errors.ts";
import { type Check, CheckList } from "../check-list.ts";
import type { Evidence } from "../evidence.ts";
import {
  type Binding,
  bindingOfCertificate,
  freshnessOf,
  type RaTlsCode,
  verifyBinding,
} from "../ra-tls/binding.ts";
import { readCertificateEvidence } from "../ra-tls/certificate-evidence.ts";
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
  const bound = await list.attempt("binding.report-data", () => {
    const binding = bindingFor(wanted.format, input);
    verifyBinding(decodeHex(input.body.reportData), binding);
    return binding;
  });
  checkNonce(list, wanted, input, bound);
  if (wanted.format !== "touchstone-binding/v1")
    await list.attempt("binding.claims", () => requireClaimsEvent(input));
  else if (bound !== undefined) list.pass("binding.claims", { detail: "REPORTDATA covers the claims" });
  return list.checks;
}

function checkNonce(
  list: CheckList<(typeof BINDING_CHECKS)[number]>,
  wanted: Profile["binding"],
  { evidence, nonce }: BindingInput,
  bound: Binding | undefined,
): void {
  if (nonce !== null) {
    list.equal("binding.nonce", encodeHex(nonce), encodeHex(evidence.nonce), {
      detail: "the verifier's challenge",
    });
    if (wanted.freshness === "nonce" && bound && freshnessOf(bound, nonce) !== "challenge")
      list.fail("binding.nonce", { detail: `REPORTDATA of ${wanted.format} holds no challenge` });
  } else if (wanted.freshness === "boot") {
    list.pass("binding.nonce", { detail: "made once per boot; the policy asks for no challenge" });
  } else {
    list.fail("binding.nonce", {
      detail: "the policy wants a challenge of the verifier's own; send a nonce and pass it here",
    });
  }
}

function bindingFor(
  format: Profile["binding"]["format"],
  { evidence, channel, nonce }: BindingInput,
): Binding {
  if (format === "touchstone-binding/v1") {
    return { format, channelKey: channel.key, nonce: nonce ?? evidence.nonce, gpuClaims: evidence.claims };
  }
  if (channel.certificate === undefined)
    throw new VerificationError<RaTlsCode>("binding", `${format} needs the peer's certificate`);
  const certified = readCertificateEvidence(channel.certificate);
  if (certified.form !== format)
    throw new VerificationError<RaTlsCode>(
      "binding",
      `the certificate's form is ${certified.form}, the policy wants ${format}`,
    );
  if (encodeHex(certified.spki) !== encodeHex(channel.key))
    throw new VerificationError<RaTlsCode>("binding", "the channel uses another key than the certificate");
  if (encodeHex(certified.quote) !== encodeHex(evidence.tdx.quote)) {
    throw new VerificationError<RaTlsCode>(
      "binding",
      "the certificate holds another quote than the evidence",
    );
  }
  const binding = bindingOfCertificate(certified, nonce);
  if (binding === null)
    throw new VerificationError<RaTlsCode>("binding", `${format} cannot be checked without a challenge`);
  return binding;
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
