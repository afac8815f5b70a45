// Reads the evidence of a known-good boot from files: an event log (binary CCEL or dstack's JSON) and a TDX quote. Both are claims of the
// machine they come from; a statement names them by digest as the source of what it says.
import { createHash } from "node:crypto";
import { VerificationError } from "../../../protocol/errors.ts";
import { parseEventLog, type RtmrName, replayEventLog } from "../../../verifier/tdx/event-log.ts";
import type { EventLog } from "../../../verifier/tdx/logged-event.ts";
import { parseTdxQuote, type TdReport } from "../../../verifier/tdx/quote.ts";
import type { DescribeCode } from "../describe-code.ts";
import { parseWhole } from "../files/other-format.ts";
import { type RandomAccess, withFile } from "../files/random-access.ts";

const MAX_LOG = 16 * 1024 * 1024;
const MAX_QUOTE = 64 * 1024;

export interface KnownGoodLog {
  readonly path: string;
  readonly log: EventLog;
  /** What it replays to, of a register that it has events of. @throws VerificationError "event-log" for any other: it was not seen. */
  readonly registerOf: (name: RtmrName) => string;
  /** Such as "ccel event log, SHA-256 …": the file by its digest. */
  readonly source: string;
}

export interface KnownGoodQuote {
  readonly body: TdReport;
  readonly source: string;
  /** SHA-256 of the file, hex. */
  readonly sha256: string;
}

/** @throws MalformedError when it is neither a CCEL log nor dstack's JSON. */
export async function readKnownGoodLog(path: string): Promise<KnownGoodLog> {
  const { bytes, sha256 } = await readWhole(path, "event log", MAX_LOG);
  const isJson = bytes[0] === 0x5b || bytes[0] === 0x7b;
  const parse = (log: Uint8Array) => parseEventLog(isJson ? "dstack" : "ccel", log);
  const log = parseWhole({ format: "event log", path }, bytes, parse, "json");
  const registers = replayEventLog(log);
  const registerOf = (name: RtmrName) => {
    if (log.events.some(({ rtmr }) => name === `rtmr${rtmr}`)) return registers[name];
    const detail = `${path}: no event of ${name.toUpperCase()}, so what it holds was not seen`;
    throw new VerificationError<DescribeCode>("event-log", detail);
  };
  return { path, log, registerOf, source: `${log.format} event log, SHA-256 ${sha256}` };
}

/** @throws MalformedError when it is no TDX quote. Its signature is not checked here. */
export async function readKnownGoodQuote(path: string): Promise<KnownGoodQuote> {
  const { bytes, sha256 } = await readWhole(path, "TDX quote", MAX_QUOTE);
  const { body } = parseWhole({ format: "TDX quote", path }, bytes, parseTdxQuote);
  return { body, source: `TDX quote, SHA-256 ${sha256}`, sha256 };
}

async function readWhole(path: string, format: string, limit: number) {
  return await withFile(path, format, async (file: RandomAccess) => {
    if (file.size > limit) throw file.malformed(`longer than ${limit} bytes`, limit);
    const bytes = await file.read(0, file.size, "the file");
    return { bytes, sha256: createHash("sha256").update(bytes).digest("hex") };
  });
}
