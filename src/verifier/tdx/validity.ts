// Validity windows. Everything that judges a quote is valid for a time: TCB Info, QE identity, CRLs, certificates. Only in the time
// that they have in common may the quote be judged.
import { PolicyError } from "../../protocol/errors.ts";
import type { Certificate } from "../x509/certificate.ts";
import type { RevocationList } from "../x509/crl.ts";
import type { QeIdentity, TcbInfo } from "./collateral.ts";

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

export const windowOfDocument = (name: string, document: TcbInfo | QeIdentity): NamedWindow => ({
  name,
  from: document.issueDate,
  until: document.nextUpdate,
});

/** The time in which all of them are valid; empty (from after until) where there is none. */
export function commonWindow(windows: readonly NamedWindow[]): Window {
  return {
    from: new Date(Math.max(...windows.map(({ from }) => from.getTime()))),
    until: new Date(Math.min(...windows.map(({ until }) => until.getTime()))),
  };
}

/** @throws PolicyError naming the first thing that is not valid at `now`. */
export function requireValid(windows: readonly NamedWindow[], now: Date): void {
  const bad = windows.find(({ from, until }) => !(from <= now && now <= until));
  if (bad) {
    const { name, from, until } = bad;
    throw new PolicyError(
      "collateral-window",
      `${name} is valid from ${seconds(from)} to ${seconds(until)}, not at ${seconds(now)}; fetch newer collateral`,
    );
  }
}

/** RFC 3339 UTC in whole seconds. */
function seconds(date: Date): string {
  return Number.isNaN(date.getTime()) ? "an invalid time" : date.toISOString().replace(/\.\d{3}Z$/, "Z");
}
