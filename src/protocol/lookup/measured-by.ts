// Defines what an entry of one kind states of a machine: registers, firmware and driver, each with the part that it is of.
import type { Kind, Predicate } from "../entry/kinds.ts";

/** What a measurement is of. Registers are 48 bytes, RIMs are named by the SHA-256 of their file or table, versions are texts. */
export const MEASURED_PARTS = {
  mrtd: /^[0-9a-f]{96}$/,
  rtmr0: /^[0-9a-f]{96}$/,
  rtmr1: /^[0-9a-f]{96}$/,
  rtmr2: /^[0-9a-f]{96}$/,
  rim: /^[0-9a-f]{64}$/,
  "rim-table": /^[0-9a-f]{64}$/,
  vbios: /^[^\p{Control}a-z]{1,64}$/u,
  driver: /^[^\p{Control}]{1,64}$/u,
} as const;
type MeasuredPart = keyof typeof MEASURED_PARTS;

/** One object a kind, as the protocol and the pages have theirs. */
export interface MeasuredBy<K extends Kind = Kind> {
  readonly kind: K;
  /** Every measurement that an entry states, as `<part>/<value>`; one may be there twice. */
  measurementsIn(predicate: Predicate<K>): string[];
}

export function stated(part: MeasuredPart, ...values: readonly string[]): string[] {
  return values.map((value) => `${part}/${value}`);
}

/** VBIOS versions. Tools write the hexadecimal in one in either case, and mean the same. */
export function statedVbios(...versions: readonly string[]): string[] {
  return stated("vbios", ...versions.map((version) => version.replace(/[a-z]/g, (c) => c.toUpperCase())));
}
