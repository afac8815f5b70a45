// Which RTMR1 and RTMR2 events a UKI causes (UEFI 2.10 §38.4.1 for the registers; edk2 TdTcg2Dxe; systemd src/boot/measure.c;
// Linux drivers/firmware/efi/libstub), and which of them each event of a known-good boot is.
import { createHash } from "node:crypto";
import { encodeHex } from "../../../protocol/encoding/hex.ts";
import type { OsImage } from "../../../protocol/entry/os-image.ts";
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

/** TCG PC Client PFP §10.4.1, those that firmware, shim, GRUB, systemd-stub and Linux log. */
const TYPE_NAMES: Readonly<Record<number, string>> = {
  1: "EV_POST_CODE",
  4: "EV_SEPARATOR",
  5: "EV_ACTION",
  6: "EV_EVENT_TAG",
  8: "EV_S_CRTM_VERSION",
  10: "EV_PLATFORM_CONFIG_FLAGS",
  13: "EV_IPL",
  2147483649: "EV_EFI_VARIABLE_DRIVER_CONFIG",
  2147483650: "EV_EFI_VARIABLE_BOOT",
  2147483651: "EV_EFI_BOOT_SERVICES_APPLICATION",
  2147483652: "EV_EFI_BOOT_SERVICES_DRIVER",
  2147483654: "EV_EFI_GPT_EVENT",
  2147483655: "EV_EFI_ACTION",
  2147483658: "EV_EFI_PLATFORM_FIRMWARE_BLOB2",
  2147483659: "EV_EFI_HANDOFF_TABLES2",
  2147483660: "EV_EFI_VARIABLE_BOOT2",
  2147483872: "EV_EFI_VARIABLE_AUTHORITY",
};

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
      type: TYPE_NAMES[event.type] ?? `0x${event.type.toString(16).padStart(8, "0")}`,
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
  const content = Buffer.from(TYPE_NAMES[type] === "EV_EVENT_TAG" ? data.subarray(8) : data);
  for (const encoding of ["latin1", "utf16le"] as const) {
    const text = content.toString(encoding).replace(/\0$/, "").replaceAll(/\s/g, " ");
    if (PRINTABLE.test(text)) return text.slice(0, MAX_DESCRIPTION);
  }
  return `${data.length} bytes`;
}

function hash(bytes: Uint8Array): string {
  return createHash("sha384").update(bytes).digest("hex");
}
