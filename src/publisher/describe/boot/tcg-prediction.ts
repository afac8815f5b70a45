// Explains the events of a known-good boot that cannot be computed: by shim and GRUB, or a stub that is not known. Which artefact each is, if
// any, is found by its digest (UEFI 2.10 §38.4.1 for the registers; systemd src/boot/measure.c; Linux drivers/firmware/efi/libstub).
import { createHash } from "node:crypto";
import { encodeHex } from "../../../protocol/encoding/hex.ts";
import type { MeasuredEvent } from "../../../protocol/entry/measured-event.shape.ts";
import * as eventTypes from "../../../verifier/tdx/event-type.ts";
import type { EventLog, LoggedEvent } from "../../../verifier/tdx/logged-event.ts";
import { MEASURED_SECTIONS, type Uki } from "../formats/uki.ts";
import { measureLoadOptions } from "./image-boot.ts";

const REGISTERS = ["rtmr0", "rtmr1", "rtmr2", "rtmr3"] as const;
type PredictedRegister = "rtmr1" | "rtmr2";

/** What an artefact or constant is measured as, were it measured: firmware and stub versions decide whether it is. */
export interface Prediction {
  readonly register: PredictedRegister;
  /** SHA-384, hex. */
  readonly digest: string;
  /** The artefact or the constant that is hashed. */
  readonly formula: string;
  readonly source: "file" | "constant";
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
  const of =
    (register: PredictedRegister) =>
    (digest: string, formula: string, source: Prediction["source"] = "file"): Prediction => ({
      register,
      digest,
      formula,
      source,
    });
  const [rtmr1, rtmr2] = [of("rtmr1"), of("rtmr2")];
  const measured = MEASURED_SECTIONS.flatMap((name) =>
    uki.sections.filter((section) => section.name === name),
  );
  return [
    ...ACTIONS.map((action) => rtmr1(hash(Buffer.from(action)), action, "constant")),
    rtmr1(hash(Buffer.alloc(4)), "separator: four zero bytes", "constant"),
    ...(gptSha384 === undefined ? [] : [rtmr1(gptSha384, "disk: GPT")]),
    rtmr1(uki.authenticode.sha384, `${uki.fileName}: Authenticode`),
    rtmr1(uki.kernelAuthenticode.sha384, `${uki.fileName} .linux: Authenticode`),
    ...measured.flatMap(({ name, sha384 }) => [
      rtmr2(hash(Buffer.from(`${name}\0`)), `name of section ${name}`, "constant"),
      rtmr2(sha384, `${uki.fileName}: content of ${name}`),
    ]),
    rtmr2(measureLoadOptions(uki.commandLine), `load options: ${uki.fileName} .cmdline, UTF-16LE with NUL`),
  ];
}

/** The log's events of these registers in order, each as what has its digest, or else as the log describes it. */
export function explainEvents(
  log: EventLog,
  registers: readonly MeasuredEvent["register"][],
  explanations: readonly Pick<MeasuredEvent, "register" | "digest" | "formula" | "source">[],
): MeasuredEvent[] {
  return log.events.flatMap((event) => {
    const register = REGISTERS[event.rtmr];
    if (!registers.includes(register)) return [];
    const digest = encodeHex(event.digest);
    const found = explanations.find((one) => one.register === register && one.digest === digest);
    return {
      register,
      type: TYPE_NAMES.get(event.type) ?? `0x${event.type.toString(16).padStart(8, "0")}`,
      digest,
      formula: found?.formula ?? `as a known-good boot logged it: ${describeEvent(event)}`,
      source: found?.source ?? ("given" as const),
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
