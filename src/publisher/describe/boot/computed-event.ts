// Defines an event as it is computed before any boot, and what a register holds after a list of them (UEFI 2.10 §38.4.1).
import { createHash } from "node:crypto";
import type { EVENT_SOURCES } from "../../../protocol/entry/boot.ts";

export type BootRegister = "rtmr0" | "rtmr1" | "rtmr2";

export interface ComputedEvent {
  readonly register: BootRegister;
  /** As event-type.ts names it. */
  readonly type: string;
  /** SHA-384, hex; null where no artefact and no option says what is measured. */
  readonly digest: string | null;
  /** What is hashed, or why it is not known. */
  readonly formula: string;
  readonly source: (typeof EVENT_SOURCES)[number] | "unknown";
}

/** An event whose digest is known. */
export type KnownEvent = ComputedEvent & {
  readonly digest: string;
  readonly source: (typeof EVENT_SOURCES)[number];
};

export interface ComputedRegister {
  /** Hex; null where an event is unknown. */
  readonly value: string | null;
  /** Why it is null. */
  readonly reason: string | null;
  readonly events: readonly ComputedEvent[];
}

export function known(
  register: BootRegister,
  type: string,
  source: KnownEvent["source"],
  digest: string,
  formula: string,
): KnownEvent {
  return { register, type, digest, formula, source };
}

/** An event that is measured for sure, with a digest that nothing given here determines. */
export function unknown(register: BootRegister, type: string, why: string): ComputedEvent {
  return { register, type, digest: null, formula: why, source: "unknown" };
}

export function isKnown(event: ComputedEvent): event is KnownEvent {
  return event.digest !== null;
}

/** Each register = SHA-384(register ‖ digest), from 48 zero bytes; never a guess where an event is unknown. */
export function extendAll(events: readonly ComputedEvent[]): ComputedRegister {
  const missing = events.filter((event) => !isKnown(event));
  if (missing.length > 0) {
    const reason = missing.map(({ type, formula }) => `${type}: ${formula}`).join("; ");
    return { value: null, reason, events };
  }
  const value = events.filter(isKnown).reduce(extend, Buffer.alloc(48));
  return { value: value.toString("hex"), reason: null, events };
}

function extend(value: Buffer, { digest }: KnownEvent): Buffer {
  return createHash("sha384").update(value).update(digest, "hex").digest();
}

/** SHA-384, hex. */
export function sha384Hex(...parts: readonly Uint8Array[]): string {
  const hash = createHash("sha384");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

export const SEPARATOR_DIGEST = sha384Hex(new Uint8Array(4));

/** EV_EFI_ACTION of RTMR1: the digest is of the text alone. */
export function action(text: string): KnownEvent {
  return known("rtmr1", "EV_EFI_ACTION", "constant", sha384Hex(Buffer.from(text)), text);
}

export function separator(register: BootRegister): KnownEvent {
  return known(register, "EV_SEPARATOR", "constant", SEPARATOR_DIGEST, "separator: four zero bytes");
}
