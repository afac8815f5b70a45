// Compares what was computed with what was expected: register by register, and where events are listed names the first that differs and what
// that usually means.
import type { ComputedEvent, ComputedRegister } from "./computed-event.ts";
import { extendAll } from "./computed-event.ts";
import type { Expectation, ExpectedEventDigest } from "./expectation.ts";
import type { Measured } from "./measure.ts";

const REGISTERS = ["mrtd", "rtmr0", "rtmr1", "rtmr2"] as const;
export type MeasuredRegister = (typeof REGISTERS)[number];

export interface RegisterComparison {
  readonly register: MeasuredRegister;
  /** given: equal, with the digests of unknown events taken from what is compared with. */
  readonly outcome: "equal" | "given" | "differs" | "not-computed";
  readonly computed: string | null;
  readonly expected: string;
  /** Of the events listed: how many are computed and the same, how many nothing here computes; null where none are listed. */
  readonly events: { readonly listed: number; readonly equal: number; readonly unknown: number } | null;
  /** The first event that differs, or the register, and what that usually means; null where nothing does. */
  readonly difference: string | null;
}

export function compareMeasured(measured: Measured, expectation: Expectation): RegisterComparison[] {
  return REGISTERS.flatMap((register) => {
    const expected = expectation.registers[register];
    if (expected === undefined) return [];
    return register === "mrtd"
      ? [compareMrtd(measured, expected)]
      : [compareRegister(register, measured[register], expected, expectation.events.get(register))];
  });
}

function compareMrtd({ mrtd, pageAddOrder }: Measured, expected: string): RegisterComparison {
  const result = { register: "mrtd" as const, expected, events: null };
  if (mrtd === null) return { ...result, outcome: "not-computed", computed: null, difference: null };
  const orders = pageAddOrder === null ? (["single-pass", "two-pass"] as const) : [pageAddOrder];
  const order = orders.find((one) => mrtd[one] === expected);
  if (order !== undefined) return { ...result, outcome: "equal", computed: expected, difference: null };
  const difference = "MRTD: other firmware, or the VMM adds pages in another order";
  return { ...result, outcome: "differs", computed: mrtd[orders[0] ?? "two-pass"], difference };
}

function compareRegister(
  register: Exclude<MeasuredRegister, "mrtd">,
  { value, events }: ComputedRegister,
  expected: string,
  listed: readonly ExpectedEventDigest[] | undefined,
): RegisterComparison {
  const result = { register, computed: value, expected, events: listed ? count(events, listed) : null };
  const first = listed && firstDifference(register, events, listed);
  if (first) return { ...result, outcome: "differs", difference: first };
  if (value === expected) return { ...result, outcome: "equal", difference: null };
  if (value !== null) {
    const difference = `${register.toUpperCase()} differs; with an event log --expect names the event`;
    return { ...result, outcome: "differs", difference };
  }
  if (listed === undefined || events.length !== listed.length)
    return { ...result, outcome: "not-computed", difference: null };
  const filled = events.map(
    (event, i): ComputedEvent =>
      event.digest === null ? { ...event, digest: listed[i]?.digest ?? null } : event,
  );
  const same = extendAll(filled).value === expected;
  const difference = same ? null : `${register.toUpperCase()}: the events listed do not replay to it`;
  return { ...result, outcome: same ? "given" : "differs", difference };
}

function count(events: readonly ComputedEvent[], listed: readonly ExpectedEventDigest[]) {
  const equal = listed.filter(({ digest }, i) => events[i]?.digest === digest).length;
  const unknown = listed.filter((_, i) => events[i] !== undefined && events[i].digest === null).length;
  return { listed: listed.length, equal, unknown };
}

/** The first event that differs, and what that usually means; an unknown one stands for whatever is listed in its place. */
export function firstDifference(
  register: string,
  events: readonly ComputedEvent[],
  listed: readonly ExpectedEventDigest[],
): string | null {
  for (let i = 0; i < Math.max(events.length, listed.length); i++) {
    const [computed, expected] = [events[i], listed[i]];
    if (computed?.type === "every event") return null;
    if (computed !== undefined && expected !== undefined && computed.digest === null) continue;
    if (computed !== undefined && computed.digest === expected?.digest) continue;
    const place = `${register.toUpperCase()}, event ${i}`;
    if (computed === undefined)
      return `${place}: ${expected?.label ?? "an event"} that was not foreseen: ${meaningOf(register, "more")}`;
    const found = expected === undefined ? "nothing more is listed" : `listed ${expected.digest}`;
    return `${place}: ${computed.type}, ${computed.formula}: computed ${computed.digest}, ${found}: ${meaningOf(register, computed.type)}`;
  }
  return null;
}

const MEANINGS: Readonly<Record<string, string>> = {
  EV_EFI_HANDOFF_TABLES2: "another amount of memory, another VMM, or firmware with other sections",
  EV_EFI_PLATFORM_FIRMWARE_BLOB2: "firmware with another variable store",
  EV_EFI_VARIABLE_DRIVER_CONFIG: "other Secure Boot variables, or firmware built with or without Secure Boot",
  EV_PLATFORM_CONFIG_FLAGS: "another version of the VMM, or another shape of the VM",
  EV_EFI_VARIABLE_BOOT: "another boot path, or the disk is in another place",
  EV_EFI_VARIABLE_AUTHORITY: "another certificate of db verified the image",
  EV_EFI_BOOT_SERVICES_APPLICATION: "another image, or another boot path",
  EV_EFI_GPT_EVENT: "another disk image, or the disk was resized",
  EV_EFI_ACTION: "another boot path or layout of the firmware",
  EV_SEPARATOR: "another layout of the firmware",
  EV_IPL: "another image, or another version of the stub",
  EV_EVENT_TAG: "a command line from outside (-append), add-ons or credentials, or another image",
  more: "something beside the image was loaded, such as shim, GRUB, an add-on or a command line from outside",
};

function meaningOf(register: string, type: string): string {
  return MEANINGS[type] ?? `something else was measured into ${register}`;
}
