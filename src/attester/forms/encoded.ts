// Takes bytes out of the texts in which tools write them: hex or base64, in lines or with 0x before it.
import { decodeBase64 } from "../../protocol/encoding/base64.ts";
import { decodeHex } from "../../protocol/encoding/hex.ts";
import { recognise } from "../../protocol/encoding/recognise.ts";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";

/** Whether a text begins as a JSON object or array does. What is in it may look like anything. */
export function isJson(bytes: Uint8Array): boolean {
  return /^\s*[{[]/.test(new TextDecoder("latin1").decode(bytes.subarray(0, 64)));
}

/** The bytes that a text of hex or base64 stands for; any other bytes as they are. @throws MalformedError for a broken text. */
export function unwrapText(bytes: Uint8Array): Uint8Array {
  const kind = recognise(bytes)?.kind;
  if (kind !== "hex" && kind !== "base64") return bytes;
  return decodeText(decodeUtf8(bytes));
}

/** The same for a text. Hex first: a text of hex digits is base64 too, and no tool writes one that is meant so. @throws MalformedError */
export function decodeText(text: string): Uint8Array {
  const digits = text.replace(/^\s*0x/i, "").replace(/[\s:]/g, "");
  if (/^[0-9a-f]*$/i.test(digits)) return decodeHex(digits.toLowerCase());
  return decodeBase64(text.replace(/\s/g, ""));
}
