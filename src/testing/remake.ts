// Makes a bad machine of a good one in two ways: makes it again with other options, every signature valid, or changes the finished
// document without the keys to sign it again.
import { decodeBase64, encodeBase64 } from "../protocol/encoding/base64.ts";
import type { EvidenceDocument } from "../verifier/evidence.ts";
import type { GpuOptions } from "./gpu.ts";
import { type Machine, type MachineOptions, makeMachine } from "./machine.ts";
import type { SwitchOptions } from "./switch.ts";
import type { SyntheticTdxOptions } from "./tdx-defaults.ts";

/** Makes a bad machine from a good one. It keeps the roots that a verifier of the good one pins. */
export type Change = (machine: Machine) => Promise<Machine>;

/**
 * @example
 * ```ts
 * import { type Tampering, TAMPERINGS } from "touchstone/testing";
 * const stories = Object.values<Tampering>(TAMPERINGS).map(({ story }) => story);
 * ```
 */
export interface Tampering {
  /** What is wrong with the machine, in one sentence. */
  readonly story: string;
  /** Id of the check that must fail. */
  readonly aimsAt: string;
  /** What the good machine must have. */
  readonly needs?: "switches";
  readonly apply: Change;
}

/** The same machine made again with other options: same vendors, channel key and nonce. */
export function remade(change: (options: MachineOptions) => Partial<MachineOptions>): Change {
  return ({ options, vendors, channel, nonce }) =>
    makeMachine({ ...options, vendors, channel, nonce, ...change(options) });
}

export const withTdx = (change: (at: Date) => SyntheticTdxOptions) =>
  remade(({ at, tdx }) => ({ tdx: { ...tdx, ...change(at) } }));

/** Changes the first GPU. */
export const withGpu = (change: (at: Date) => GpuOptions) =>
  remade(({ at, gpus = [{}] }) => ({ gpus: [{ ...gpus[0], ...change(at) }, ...gpus.slice(1)] }));

/** Changes the first switch. */
export const withSwitch = (change: (at: Date) => SwitchOptions) =>
  remade(({ at, switches = [] }) => ({
    switches: [{ ...switches[0], ...change(at) }, ...switches.slice(1)],
  }));

export const withClaims = (claims: MachineOptions["claims"] & object) => remade(() => ({ claims }));

/** Changes the finished document, without the keys to sign it again. */
export function edited(change: (evidence: EvidenceDocument) => EvidenceDocument): Change {
  return async (machine) => ({ ...machine, evidence: change(machine.evidence) });
}

type Tdx = EvidenceDocument["tdx"];
export const editedTdx = (change: (tdx: Tdx) => Partial<Tdx>) =>
  edited((evidence) => ({ ...evidence, tdx: { ...evidence.tdx, ...change(evidence.tdx) } }));
export const editedCollateral = (change: (collateral: Tdx["collateral"]) => Partial<Tdx["collateral"]>) =>
  editedTdx(({ collateral }) => ({ collateral: { ...collateral, ...change(collateral) } }));

type Gpu = EvidenceDocument["gpus"][number];
export const editedGpu = (change: (gpu: Gpu) => Partial<Gpu>) =>
  edited((evidence) => ({
    ...evidence,
    gpus: evidence.gpus.map((gpu, i) => (i === 0 ? { ...gpu, ...change(gpu) } : gpu)),
  }));

export const editedSwitch = (change: (device: Gpu) => Partial<Gpu>) =>
  edited((evidence) => ({
    ...evidence,
    switches: evidence.switches.map((one, i) => (i === 0 ? { ...one, ...change(one) } : one)),
  }));

/** Flips the lowest bit of one byte of a base64 text. */
export function flipBit(base64: string, offset: number): string {
  const bytes = decodeBase64(base64);
  bytes[offset] = (bytes[offset] ?? 0) ^ 1;
  return encodeBase64(bytes);
}

/** Offset in a quote of whichever version, counted from the TD body or from the signature data. */
function quoteOffset(quote: string, part: "body" | "signature", offset: number): number {
  const bytes = decodeBase64(quote);
  const version4 = bytes[0] === 4;
  const body = version4 ? 48 : 54;
  if (part === "body") return body + offset;
  const length = { 3: 648, 4: 885 }[version4 ? 2 : (bytes[48] ?? 0)] ?? 584;
  return body + length + 4 + offset;
}

export const flippedQuote = (part: "body" | "signature", offset: number) =>
  editedTdx(({ quote }) => ({ quote: flipBit(quote, quoteOffset(quote, part, offset)) }));
