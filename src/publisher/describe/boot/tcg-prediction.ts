// Predicts which RTMR1 and RTMR2 events a UKI causes (UEFI 2.10 §38.4.1 for the registers; edk2 TdTcg2Dxe; systemd src/boot/measure.c;
// Linux drivers/firmware/efi/libstub), and which of them each event of a known-good boot is.
import { createHash } from "node:crypto";
import { encodeHex } from "../../../protocol/encoding/hex.ts";
import type { OsImage } from "../../../protocol/entry/kinds/os-image.ts";
import * as eventTypes from "../../../verifier/tdx/event-type.ts";
import type { EventLog, LoggedEvent } from "../../../verifier/tdx/logged-event.ts";
import { MEASURED_SECTIONS, type Uki } from "../formats/uki.ts";

export type ExpectedEvent = NonNullable<OsImage["measurements"]["events"]>[number];

const REGISTERS = ["rtmr0", "rtmr1", "rtmr2", "rtmr3"] as const;
type PredictedRegister = "rtmr1" | "rtmr2";

/** What an artefact or constant is measured as, were it measured: firmware and stub versions decide whether it is. */
export interface Prediction {
  readonly register: PredictedRegister;
  /** SHA-384, hex. */
  readonly digest: string;
  /** The artefact or the constant that is hashed. */
  readonly explainedBy: string;
}

const TYPE_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(eventTypes).map(([name, type]) => [type, name]),
);

const ACTIONS = [
  "Calling EFI Application from Boot Option",
  "Returning from EFI Application from Boot Option",
  "Exit Boot Services Invocation",
  "Exit Boot Services Returned with Success",
];

/**
 * Everything of a UKI, and of the disk it is booted from, that RTMR1 and RTMR2 may hold.
 * @param gptSha384 digest of the disk's EV_EFI_GPT_EVENT where the disk is known, hex.
 */
export function predictEvents(uki: Uki, gptSha384: string | undefined): Prediction[] {
  const rtmr1 = (digest: string, explainedBy: string): Prediction => ({
    register: "rtmr1",
    digest,
    explainedBy,
  });
  const rtmr2 = (digest: string, explainedBy: string): Prediction => ({
    register: "rtmr2",
    digest,
    explainedBy,
  });
  const measured = MEASURED_SECTIONS.flatMap((name) =>
    uki.sections.filter((section) => section.name === name),
  );
  return [
    ...ACTIONS.map((action) => rtmr1(hash(Buffer.from(action)), `constant: ${action}`)),
    rtmr1(hash(Buffer.alloc(4)), "constant: separator"),
    ...(gptSha384 === undefined ? [] : [rtmr1(gptSha384, "disk: GPT")]),
    rtmr1(uki.authenticode.sha384, "uki: Authenticode"),
    rtmr1(uki.kernelAuthenticode.sha384, "uki .linux: Authenticode"),
    ...measured.flatMap(({ name, sha384 }) => [
      rtmr2(hash(Buffer.from(`${name}\0`)), `uki ${name}: name of the section`),
      rtmr2(sha384, `uki ${name}: content`),
    ]),
    rtmr2(measureLoadOptions(uki.commandLine), "uki .cmdline: load options, UTF-16LE with NUL"),
  ];
}

/** SHA-384 in hex of a command line as the kernel's EFI stub measures it: UTF-16LE with a final NUL. */
export function measureLoadOptions(commandLine: string): string {
  return hash(Buffer.from(`${commandLine}\0`, "utf16le"));
}

/** The log's RTMR1 and RTMR2 events in order, each with the prediction whose digest it has, or null. */
export function explainEvents(log: EventLog, predictions: readonly Prediction[]): ExpectedEvent[] {
  return log.events.flatMap((event) => {
    const register = REGISTERS[event.rtmr];
    if (register !== "rtmr1" && register !== "rtmr2") return [];
    const digest = encodeHex(event.digest);
    const prediction = predictions.find((one) => one.register === register && one.digest === digest);
    return {
      register,
      type: TYPE_NAMES.get(event.type) ?? `0x${event.type.toString(16).padStart(8, "0")}`,
      digest,
      description: describeEvent(event),
      explainedBy: prediction?.explainedBy ?? null,
    };
  });
}

const MAX_DESCRIPTION = 200;
const PRINTABLE = /^[\x20-\x7e]+$/;

/** The event's text where its data is one, in ASCII or UTF-16; else their length. For people only: it proves nothing. */
function describeEvent({ name, type, data }: LoggedEvent): string {
  if (name !== "") return name.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, MAX_DESCRIPTION);
  // A tagged event begins with its id and length.
  const content = Buffer.from(type === eventTypes.EV_EVENT_TAG ? data.subarray(8) : data);
  for (const encoding of ["latin1", "utf16le"] as const) {
    const text = content.toString(encoding).replace(/\0$/, "").replaceAll(/\s/g, " ");
    if (PRINTABLE.test(text)) return text.slice(0, MAX_DESCRIPTION);
  }
  return `${data.length} bytes`;
}

function hash(bytes: Uint8Array): string {
  return createHash("sha384").update(bytes).digest("hex");
}
