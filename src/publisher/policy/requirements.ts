// Reads what a policy asks of the evidence and no entry states: a TOML or JSON file of tdx, gpu and binding, or a table of a release file.
import { readAs } from "../../protocol/encoding/shape.ts";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import { parseJson } from "../../protocol/envelope/parse-json.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { parseToml } from "../parse-toml.ts";
import { type Requirements, requirements } from "./requirements.shape.ts";

export type { Requirements } from "./requirements.shape.ts";

const FORMAT = "requirements";
/** Four times what an entry can hold. */
const MAX_BYTES = 256 * 1024;

/** @throws MalformedError with the line of a fault in the text, or the JSON pointer of a member that is missing or wrong. */
export function parseRequirements(bytes: Uint8Array): Requirements {
  if (bytes.length > MAX_BYTES) throw new MalformedError(FORMAT, `longer than ${MAX_BYTES} bytes`);
  const text = decodeUtf8(bytes);
  // A JSON object begins with a brace, which no TOML document does.
  const value = text.trimStart().startsWith("{") ? parseJson(text, MAX_BYTES) : parseToml(text, FORMAT);
  return readAs(requirements, value, FORMAT);
}
