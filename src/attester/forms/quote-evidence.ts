// Reads a TDX quote as people have it: outblob of configfs-tsm, a file of go-tdx-guest (binary or protobuf), hex or base64 text, or the JSON of
// dstack, Trustee and Intel Trust Authority. Bytes after the signature, which nothing signs, are cut off.
import { likeness } from "../../protocol/encoding/recognise.ts";
import { readAs } from "../../protocol/encoding/shape.ts";
import { utf8 } from "../../protocol/encoding/text.ts";
import { parseJson } from "../../protocol/envelope/parse-json.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { parseContrastEvidence } from "../../verifier/ra-tls/contrast.ts";
import { parseTdxQuote } from "../../verifier/tdx/quote.ts";
import { decodeText, isJson, unwrapText } from "./encoded.ts";
import { type GuestEventLog, readEventLog } from "./event-log.ts";
import { quoteEvidence } from "./quote-evidence.shape.ts";

const FORMAT = "TDX quote";
const MAX_JSON_BYTES = 8 * 1024 * 1024;
/** Field 1, the header, of go-tdx-guest's QuoteV4. A binary quote begins with its version, 4 or 5. */
const PROTOBUF = 0x0a;

export interface QuoteEvidence {
  readonly quote: Uint8Array;
  /** Where the tool writes it into the same file. */
  readonly eventLog: GuestEventLog | null;
}

/** @throws MalformedError that says what the bytes look like instead. */
export function readQuoteEvidence(bytes: Uint8Array): QuoteEvidence {
  if (isJson(bytes)) return readJson(bytes);
  if (isTextProto(bytes))
    throw new MalformedError(FORMAT, "a protobuf message as text: write it with -outform bin");
  return { quote: readQuote(unwrapText(bytes)), eventLog: null };
}

function readJson(bytes: Uint8Array): QuoteEvidence {
  const value = parseJson(bytes, MAX_JSON_BYTES);
  if (typeof value !== "object" || value === null || !("quote" in value))
    throw new MalformedError(FORMAT, `it has no member "quote"${likeness(bytes)}`);
  const { quote, event_log, cc_eventlog } = readAs(quoteEvidence, value, FORMAT);
  const log = event_log === undefined ? cc_eventlog && decodeText(cc_eventlog) : utf8(event_log);
  return { quote: readQuote(decodeText(quote)), eventLog: log ? readEventLog(log) : null };
}

function readQuote(bytes: Uint8Array): Uint8Array {
  const quote = bytes[0] === PROTOBUF ? parseContrastEvidence(bytes) : bytes;
  const { trailingBytes } = parseTdxQuote(quote);
  return quote.subarray(0, quote.length - trailingBytes);
}

function isTextProto(bytes: Uint8Array): boolean {
  return /^\s*header\s*:?\s*[{<]/.test(new TextDecoder("latin1").decode(bytes.subarray(0, 64)));
}
