// Compares validity windows with the clock. Everything that judges evidence is valid for a time: certificates, CRLs, OCSP answers, TCB Info,
// QE identity. Only in the time that they have in common may the evidence be judged.
import { PolicyError } from "../../protocol/errors.ts";
import { MAX_CLOCK_SKEW } from "../../protocol/note/cosigned-checkpoint.ts";
import type { Certificate } from "./certificate.ts";
import type { RevocationList } from "./crl.ts";
import type { ValidityCode } from "./x509-code.ts";

/** Both ends included. */
export interface Window {
  readonly from: Date;
  readonly until: Date;
}

export interface NamedWindow extends Window {
  readonly name: string;
}

export const windowOfCertificate = ({ commonName, notBefore, notAfter }: Certificate): NamedWindow => ({
  name: `certificate "${commonName}"`,
  from: notBefore,
  until: notAfter,
});

export const windowOfCrl = ({ issuer, thisUpdate, nextUpdate }: RevocationList): NamedWindow => ({
  name: `CRL of "${issuer.commonName}"`,
  from: thisUpdate,
  until: nextUpdate,
});

/**
 * An OCSP answer without nextUpdate promises nothing for any time (RFC 6960 §4.2.2.1), so it is never valid here. One counts from five
 * minutes before its thisUpdate: a machine that asked just now must not be refused for a verifier's clock that is slow.
 */
export const windowOfAnswer = (
  commonName: string,
  answer: { readonly thisUpdate: Date; readonly nextUpdate: Date | null },
): NamedWindow => ({
  name: `OCSP answer for "${commonName}"`,
  from: new Date(answer.thisUpdate.getTime() - MAX_CLOCK_SKEW * 1000),
  until: answer.nextUpdate ?? new Date(Number.NaN),
});

/** Of a signed document that says when it was issued and when the next one is due. */
export const windowOfDocument = (
  name: string,
  document: { readonly issueDate: Date; readonly nextUpdate: Date },
): NamedWindow => ({ name, from: document.issueDate, until: document.nextUpdate });

/** The time in which all of them are valid; empty (from after until) where there is none. */
export function commonWindow(windows: readonly Window[]): Window {
  return {
    from: new Date(Math.max(...windows.map(({ from }) => from.getTime()))),
    until: new Date(Math.min(...windows.map(({ until }) => until.getTime()))),
  };
}

/** False where an end is no time. */
export function isValid({ from, until }: Window, now: Date): boolean {
  return from <= now && now <= until;
}

/** @throws PolicyError "validity-window" naming the first thing that is not valid at `now`. */
export function requireValid(windows: readonly NamedWindow[], now: Date): void {
  const bad = windows.find((window) => !isValid(window, now));
  if (bad) {
    const { name, from, until } = bad;
    throw new PolicyError<ValidityCode>(
      "validity-window",
      `${name} is valid from ${seconds(from)} to ${seconds(until)}, not at ${seconds(now)}; fetch a newer one, or check the clock`,
    );
  }
}

/** RFC 3339 UTC in whole seconds. */
function seconds(date: Date): string {
  return Number.isNaN(date.getTime()) ? "no stated time" : date.toISOString().replace(/\.\d{3}Z$/, "Z");
}
