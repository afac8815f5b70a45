// Makes the evidence of this machine for one channel key and one challenge: devices first, then the claims about them, then the quote over
// everything (docs/formats.md, "Channel binding").
import { bindingReportData, gpuRequestNonce } from "../verifier/ra-tls/own-binding.ts";
import { claimsOf, encodeEvidence } from "./evidence-document.ts";
import type { Machine } from "./machine/machine.ts";
import type { Stapled } from "./stapled.ts";

export interface Challenge {
  /** SPKI DER of the TLS key, or the raw HPKE public key. */
  readonly channelKey: Uint8Array;
  /** 32 bytes. */
  readonly nonce: Uint8Array;
}

/** The bytes of evidence.json. @throws AttestingError where the machine fails; MalformedError where a part is not what a verifier takes. */
export async function makeEvidence(
  machine: Machine,
  stapled: Stapled,
  challenge: Challenge,
): Promise<Uint8Array> {
  const { channelKey, nonce } = challenge;
  const devices = await machine.devices(gpuRequestNonce(channelKey, nonce));
  const claims = claimsOf(await machine.gpuState(), devices);
  const quote = await machine.quote(bindingReportData({ channelKey, nonce, gpuClaims: claims }));
  // The log is read after the quote: what was extended before it is in the log by then.
  const eventLog = await machine.eventLog();
  const { collateral, revocationOf } = stapled;
  return encodeEvidence({ quote, collateral, eventLog, devices, revocationOf, nonce, claims });
}
