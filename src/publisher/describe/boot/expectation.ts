// Reads what a boot is expected to have measured: a TDX quote, an event log, or an entry (os-image or platform). What each says is a claim
// to compare with, never an input of the computation.
import { encodeHex } from "../../../protocol/encoding/hex.ts";
import { osImage } from "../../../protocol/entry/kinds/os-image.ts";
import { platform } from "../../../protocol/entry/kinds/platform.ts";
import type { MeasuredEvent } from "../../../protocol/entry/measured-event.shape.ts";
import { parseEnvelope } from "../../../protocol/envelope/dsse.ts";
import { parseStatement, type Statement } from "../../../protocol/envelope/statement.ts";
import { MalformedError } from "../../../protocol/errors.ts";
import { parseEventLog, replayEventLog } from "../../../verifier/tdx/event-log.ts";
import type { EventLog } from "../../../verifier/tdx/logged-event.ts";
import { parseTdxQuote } from "../../../verifier/tdx/quote.ts";
import { parseWhole } from "../files/other-format.ts";
import { withFile } from "../files/random-access.ts";
import type { Measured } from "./measure.ts";

const MAX_FILE = 16 * 1024 * 1024;
const SPEC_ID = "Spec ID Event03";

export interface ExpectedEventDigest {
  readonly register: "rtmr0" | "rtmr1" | "rtmr2";
  /** SHA-384, hex. */
  readonly digest: string;
  readonly label: string;
}

export interface Expectation {
  readonly kind: "quote" | "event log" | "entry";
  /** Registers that it states, hex. */
  readonly registers: Readonly<Partial<Record<"mrtd" | "rtmr0" | "rtmr1" | "rtmr2", string>>>;
  /** Registers whose events it lists, all of them. */
  readonly events: ReadonlyMap<string, readonly ExpectedEventDigest[]>;
}

const NO_EVENTS: Expectation["events"] = new Map();

/** @throws MalformedError when it is none of them, or an os-image without a row for this boot. */
export async function readExpectation(
  path: string,
  { bootPath, layout }: Pick<Measured, "bootPath" | "layout">,
): Promise<Expectation> {
  const bytes = await withFile(path, "expected measurements", async (file) => {
    if (file.size > MAX_FILE) throw file.malformed(`longer than ${MAX_FILE} bytes`, MAX_FILE);
    return await file.read(0, file.size, "the file");
  });
  const named = { format: "expected measurements", path };
  const text = Buffer.from(bytes).toString("latin1", 0, 4096);
  if (text.includes(SPEC_ID)) return ofLog(parseWhole(named, bytes, (log) => parseEventLog("ccel", log)));
  if (/^\s*\[/.test(text))
    return ofLog(parseWhole(named, bytes, (log) => parseEventLog("dstack", log), "json"));
  if (/^\s*\{/.test(text)) {
    const parse = text.includes('"payloadType"')
      ? (json: Uint8Array) => parseEnvelope(json).statement
      : (json: Uint8Array) => parseStatement(json);
    return ofStatement(path, parseWhole(named, bytes, parse, "json"), bootPath, layout);
  }
  const { body } = parseWhole(named, bytes, parseTdxQuote);
  const { mrtd, rtmr0, rtmr1, rtmr2 } = body;
  return { kind: "quote", registers: { mrtd, rtmr0, rtmr1, rtmr2 }, events: NO_EVENTS };
}

function ofLog(log: EventLog): Expectation {
  const replayed = replayEventLog(log);
  const shown = REGISTERS.map((name) => [name, eventsOfLog(log, name)] as const).filter(
    ([, events]) => events.length > 0,
  );
  return {
    kind: "event log",
    registers: Object.fromEntries(shown.map(([name]) => [name, replayed[name]])),
    events: new Map(shown),
  };
}

const REGISTERS = ["rtmr0", "rtmr1", "rtmr2"] as const;

export function eventsOfLog(log: EventLog, register: (typeof REGISTERS)[number]): ExpectedEventDigest[] {
  return log.events
    .filter(({ rtmr }) => rtmr === REGISTERS.indexOf(register))
    .map(({ digest, type }) => ({
      register,
      digest: encodeHex(digest),
      label: `an event of type 0x${type.toString(16)}`,
    }));
}

function ofStatement(path: string, statement: Statement, bootPath: string, layout: string): Expectation {
  if (statement.kind === platform.kind) {
    const { mrtd, rtmr0, events } = statement.predicate;
    return { kind: "entry", registers: { mrtd, rtmr0 }, events: byRegister(events) };
  }
  if (statement.kind !== osImage.kind)
    throw new MalformedError(
      `expected measurements ${path}`,
      `a ${statement.kind}, not an os-image or platform`,
    );
  const row = statement.predicate.measurements.find(
    (one) => one.bootPath === bootPath && one.layout === layout,
  );
  if (row === undefined)
    throw new MalformedError(
      `expected measurements ${path}`,
      `states nothing for a boot by ${bootPath} under ${layout}`,
    );
  const { rtmr1, rtmr2, events } = row;
  return { kind: "entry", registers: { rtmr1, rtmr2 }, events: byRegister(events) };
}

function byRegister(events: readonly MeasuredEvent[] | null): Expectation["events"] {
  const lists = new Map<string, ExpectedEventDigest[]>();
  for (const { register, digest, formula } of events ?? [])
    if (register !== "rtmr3")
      lists.set(register, [...(lists.get(register) ?? []), { register, digest, label: formula }]);
  return lists;
}
