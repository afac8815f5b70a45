// Makes event logs and the registers they replay to: the TCG2 log of the CCEL table (TCG PC Client Platform Firmware Profile §10;
// UEFI 2.10 §38.4) and dstack's JSON.
import { sha384 } from "../protocol/cryptography/hash.ts";
import { concatBytes } from "../protocol/encoding/bytes.ts";
import { decodeHex, encodeHex } from "../protocol/encoding/hex.ts";
import { utf8 } from "../protocol/encoding/text.ts";
import {
  EV_EFI_ACTION,
  EV_EFI_BOOT_SERVICES_APPLICATION,
  EV_EFI_VARIABLE_DRIVER_CONFIG,
  EV_EVENT_TAG,
  EV_PLATFORM_CONFIG_FLAGS,
  EV_SEPARATOR,
} from "../verifier/tdx/event-type.ts";
import { DSTACK_RUNTIME_EVENT } from "../verifier/tdx/logged-event.ts";
import { u32 } from "./little-endian.ts";

/**
 * @example
 * ```ts
 * import type { MeasuredEvent } from "touchstone/testing";
 * import { register } from "touchstone/protocol";
 * const registersOf = (events: readonly MeasuredEvent[]): number[] => events.map(({ register }) => register);
 * ```
 */
export interface MeasuredEvent {
  /** RTMR number. */
  readonly register: 0 | 1 | 2 | 3;
  /** TCG event type. */
  readonly type: number;
  readonly data: Uint8Array;
  /** What was extended: SHA-384 of `data`, except for events that measure something which is not in the log. 48 bytes. */
  readonly digest: Uint8Array;
  /** The event name of a dstack runtime event. */
  readonly name?: string;
  /** How a dstack runtime event's digest is made; 1 when absent. */
  readonly version?: 1 | 2;
}

/**
 * An event that measures its own data.
 * @example
 * ```ts
 * import { EV_SEPARATOR, measured } from "touchstone/testing";
 * const separator = measured(0, EV_SEPARATOR, new Uint8Array(4));
 * ```
 */
export function measured(register: MeasuredEvent["register"], type: number, data: Uint8Array): MeasuredEvent {
  return { register, type, data, digest: sha384(data) };
}

/**
 * A dstack runtime event in RTMR3.
 * @example
 * ```ts
 * import { runtimeEvent } from "touchstone/testing";
 * const event = runtimeEvent("app-id", new Uint8Array(20));
 * ```
 */
export function runtimeEvent(name: string, payload: Uint8Array, version: 1 | 2 = 1): MeasuredEvent {
  const digest = sha384(preimageOf(name, payload, version));
  return { register: 3, type: DSTACK_RUNTIME_EVENT, data: payload, digest, name, version };
}

/** Version 1: LE32 type ‖ ":" ‖ name ‖ ":" ‖ payload. Version 2: JSON in the form of RFC 8785. Written a second time, as a check. */
function preimageOf(name: string, payload: Uint8Array, version: 1 | 2): Uint8Array {
  if (version === 1) return concatBytes(u32(DSTACK_RUNTIME_EVENT), utf8(`:${name}:`), payload);
  return utf8(
    `{"name":${JSON.stringify(name)},"payload":"${encodeHex(payload)}","type":${DSTACK_RUNTIME_EVENT}}`,
  );
}

/**
 * RTMR0 to RTMR3 after the events, each from 48 zero bytes.
 * @example
 * ```ts
 * import { bootEvents, replayEvents } from "touchstone/testing";
 * const [rtmr0] = replayEvents(bootEvents("acme/guest@1.4.0")); // 48 bytes
 * ```
 */
export function replayEvents(
  events: readonly MeasuredEvent[],
): [Uint8Array, Uint8Array, Uint8Array, Uint8Array] {
  const replay = (register: number) =>
    events
      .filter((event) => event.register === register)
      .reduce<Uint8Array>((value, event) => sha384(concatBytes(value, event.digest)), new Uint8Array(48));
  return [replay(0), replay(1), replay(2), replay(3)];
}

/**
 * The binary log: a Spec ID event, one TCG_PCR_EVENT2 for each event, padding of 0xFF as firmware leaves it.
 * @example
 * ```ts
 * import { bootEvents, makeCcel } from "touchstone/testing";
 * const ccel = makeCcel(bootEvents("acme/guest@1.4.0"));
 * ```
 */
export function makeCcel(events: readonly MeasuredEvent[], padding = 64): Uint8Array {
  const specId = concatBytes(utf8("Spec ID Event03\0"), decodeHex("0000000000020002010000000c00300000"));
  const header = concatBytes(u32(1), u32(3), new Uint8Array(20), u32(specId.length), specId);
  const records = events.map(({ register, type, digest, data }) =>
    concatBytes(u32(register + 1), u32(type), u32(1), Uint8Array.of(0x0c, 0), digest, u32(data.length), data),
  );
  return concatBytes(header, ...records, new Uint8Array(padding).fill(0xff));
}

/**
 * What dstack's guest agents differ in.
 * @example
 * ```ts
 * import type { DstackLogForm } from "touchstone/testing";
 * const form: DstackLogForm = { stripped: true };
 * ```
 */
export interface DstackLogForm {
  /** Leaves the digests of runtime events empty. */
  readonly stripped?: boolean;
  /** Writes out what was hashed for runtime events. */
  readonly preimages?: boolean;
}

/**
 * dstack's log: a JSON array with 0-based `imr`, hex digests and hex payloads.
 * @example
 * ```ts
 * import { makeDstackLog, runtimeEvent } from "touchstone/testing";
 * const log = makeDstackLog([runtimeEvent("app-id", new Uint8Array(20))]);
 * ```
 */
export function makeDstackLog(events: readonly MeasuredEvent[], form: DstackLogForm = {}): Uint8Array {
  const records = events.map(({ register, type, digest, data, name = "", version = 1 }) => {
    const isRuntime = type === DSTACK_RUNTIME_EVENT;
    return {
      imr: register,
      event_type: type,
      digest: isRuntime && form.stripped ? "" : encodeHex(digest),
      event: name,
      event_payload: encodeHex(data),
      ...(version === 2 && { version }),
      ...(isRuntime && form.preimages && { preimage: encodeHex(preimageOf(name, data, version)) }),
    };
  });
  return utf8(JSON.stringify(records));
}

/**
 * A plausible measured boot: firmware and ACPI tables (RTMR0), boot loader (RTMR1), kernel command line and initrd (RTMR2).
 * @example
 * ```ts
 * import { bootEvents } from "touchstone/testing";
 * const events = bootEvents("acme/guest@1.4.0");
 * ```
 */
export function bootEvents(image: string): MeasuredEvent[] {
  const unlogged = (what: string) => sha384(utf8(`${image}: ${what}`));
  return [
    measured(0, EV_EFI_VARIABLE_DRIVER_CONFIG, secureBootVariable()),
    measured(0, EV_SEPARATOR, new Uint8Array(4)),
    {
      register: 0,
      type: EV_PLATFORM_CONFIG_FLAGS,
      data: utf8("ACPI DATA"),
      digest: sha384(utf8("synthetic ACPI tables")),
    },
    measured(1, EV_EFI_ACTION, utf8("Calling EFI Application from Boot Option")),
    measured(1, EV_SEPARATOR, new Uint8Array(4)),
    {
      register: 1,
      type: EV_EFI_BOOT_SERVICES_APPLICATION,
      data: new Uint8Array(32),
      digest: unlogged("unified kernel image"),
    },
    measured(1, EV_EFI_ACTION, utf8("Exit Boot Services Invocation")),
    measured(1, EV_EFI_ACTION, utf8("Exit Boot Services Returned with Success")),
    {
      register: 2,
      type: EV_EVENT_TAG,
      data: taggedEvent(0x8f3b22ed, "LOADED_IMAGE::LoadOptions"),
      digest: unlogged("command line"),
    },
    {
      register: 2,
      type: EV_EVENT_TAG,
      data: taggedEvent(0x8f3b22ec, "Linux initrd"),
      digest: unlogged("initrd"),
    },
  ];
}

/** UEFI_VARIABLE_DATA of SecureBoot = 1: GUID, name length in UTF-16 units, data length, name, data. */
function secureBootVariable(): Uint8Array {
  const name = Uint8Array.from([..."SecureBoot"].flatMap((letter) => [letter.charCodeAt(0), 0]));
  const efiGlobalVariable = decodeHex("61dfe48bca93d211aa0d00e098032b8c");
  return concatBytes(efiGlobalVariable, u32(10), u32(0), u32(1), u32(0), name, Uint8Array.of(1));
}

/** TCG_PCClientTaggedEvent, as Linux's EFI stub writes it. */
function taggedEvent(id: number, description: string): Uint8Array {
  const text = utf8(`${description}\0`);
  return concatBytes(u32(id), u32(text.length), text);
}
