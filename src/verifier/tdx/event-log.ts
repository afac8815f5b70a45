// Defines what every event log comes down to, whatever its format: events in order, replayed to RTMR0–RTMR3 (UEFI 2.10 §38.4.1; Intel TDX
// Module Base Specification, "RTMR: Run-Time Measurement Registers"). A log is a claim of the guest; the quoted registers prove its
// digests, and only a digest that was recomputed from the event's data proves the data.
import { sha256, sha384 } from "../../protocol/cryptography/hash.ts";
import { concatBytes } from "../../protocol/encoding/bytes.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { VerificationError } from "../../protocol/errors.ts";
import { parseCcel } from "./ccel.ts";
import { parseDstackEventLog } from "./dstack-event-log.ts";
import type { EventLog, EventLogFormat } from "./logged-event.ts";
import type { TdReport } from "./quote.ts";
import type { TdxCode } from "./tdx-code.ts";

/** @throws MalformedError */
export function parseEventLog(format: EventLogFormat, data: Uint8Array): EventLog {
  return format === "ccel" ? parseCcel(data) : parseDstackEventLog(data);
}

/** RTMR0 to RTMR3 after the events, lower-case hex: each register = SHA-384(register ‖ digest), from 48 zero bytes. */
export function replayEventLog(log: EventLog): Record<RtmrName, string> {
  const registers = RTMRS.map(() => new Uint8Array(48));
  for (const { rtmr, digest } of log.events) {
    registers[rtmr] = Uint8Array.from(sha384(concatBytes(registers[rtmr] ?? new Uint8Array(), digest)));
  }
  const [rtmr0, rtmr1, rtmr2, rtmr3] = registers.map(encodeHex) as [string, string, string, string];
  return { rtmr0, rtmr1, rtmr2, rtmr3 };
}

const RTMRS = ["rtmr0", "rtmr1", "rtmr2", "rtmr3"] as const;
export type RtmrName = (typeof RTMRS)[number];

export interface ComparedEventLog {
  /** Registers that have events. */
  readonly logged: RtmrName[];
  /** Of these the ones whose replay is the quote's value. */
  readonly equal: RtmrName[];
  /** Registers that the quote shows extended and that have no event: the log leaves out what happened to them. */
  readonly missing: RtmrName[];
}

export function compareEventLog(log: EventLog, body: TdReport): ComparedEventLog {
  const replayed = replayEventLog(log);
  const logged = RTMRS.filter((_, i) => log.events.some(({ rtmr }) => rtmr === i));
  const equal = logged.filter((name) => replayed[name] === body[name]);
  // Without events a register replays to zero.
  const missing = RTMRS.filter((name) => !logged.includes(name) && replayed[name] !== body[name]);
  return { logged, equal, missing };
}

/**
 * The log must replay to RTMR0, RTMR1 and RTMR2 of the quote: everything in them was measured at boot, and firmware logs all of it. RTMR3
 * belongs to the guest, which may extend it without a log, but where the log has events of it they must replay.
 * @returns what was replayed, and what is not in the log.
 * @throws VerificationError "event-log".
 */
export function requireBootReplay(
  log: EventLog,
  body: TdReport,
): Pick<ComparedEventLog, "equal" | "missing"> {
  const { logged, equal, missing } = compareEventLog(log, body);
  const wrong = logged.filter((name) => !equal.includes(name));
  if (wrong.length > 0) throw refused(`does not replay to the quoted ${wrong.join(", ")}`);
  const unseen = missing.filter((name) => name !== "rtmr3");
  if (unseen.length > 0) throw refused(`leaves out every event of ${unseen.join(", ")}, which the quote has`);
  if (logged.length === 0) throw refused("holds no event");
  return { equal, missing };
}

function refused(detail: string): VerificationError<TdxCode> {
  return new VerificationError<TdxCode>("event-log", detail);
}

export interface RequiredEvent {
  readonly name: string;
  /** SHA-256 of the event's payload, hex. */
  readonly payloadSha256: string;
}

/**
 * The log must replay to the quoted RTMR3, and RTMR3 must begin with the required events, each with a digest recomputed from its
 * payload. Events after them are the application's and prove nothing about the platform.
 * @throws VerificationError
 */
export function requireRuntimeEvents(
  log: EventLog,
  body: TdReport,
  required: readonly RequiredEvent[],
): void {
  if (replayEventLog(log).rtmr3 !== body.rtmr3) {
    throw refused("the event log does not replay to the quoted RTMR3");
  }
  const events = log.events.filter(({ rtmr }) => rtmr === 3);
  required.forEach(({ name, payloadSha256 }, i) => {
    const event = events[i];
    if (event === undefined || event.name !== name) {
      throw new VerificationError<TdxCode>(
        "runtime-event",
        `event ${i} of RTMR3 is "${event?.name ?? "absent"}", expected "${name}"`,
      );
    }
    if (!event.recomputed) {
      throw new VerificationError<TdxCode>(
        "runtime-event",
        `the payload of RTMR3 event "${name}" is not what was measured`,
      );
    }
    const actual = encodeHex(sha256(event.data));
    if (actual !== payloadSha256) {
      throw new VerificationError<TdxCode>(
        "runtime-event",
        `the payload of "${name}" has SHA-256 ${actual}, expected ${payloadSha256}`,
      );
    }
  });
}
