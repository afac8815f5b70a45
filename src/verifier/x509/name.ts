// Reads distinguished names (RFC 5280 §4.1.2.4) and writes them as people read them (RFC 4514): most specific part first.

import { encodeHex } from "../../protocol/encoding/hex.ts";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { type DerElement, derIdentifier, derSequence, derSet, readDer } from "./der.ts";

const COMMON_NAME = "2.5.4.3";
const SHORT: Readonly<Record<string, string>> = {
  [COMMON_NAME]: "CN",
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.10": "O",
  "2.5.4.11": "OU",
  "0.9.2342.19200300.100.1.25": "DC",
  "1.2.840.113549.1.9.1": "E",
};
/** UTF8String, PrintableString, IA5String. */
const TEXT_TAGS = [0x0c, 0x13, 0x16];

/** The text of a Name in DER, such as "CN=NVIDIA GH100 Identity,O=NVIDIA Corporation". @throws MalformedError */
export function describeName(name: Uint8Array): string {
  return nameParts(readDer(name)).reverse().join(",");
}

/** The parts of a Name as text, in the order of the certificate: least specific first. @throws MalformedError */
export function nameParts(name: DerElement): string[] {
  return derSequence(name).map((rdn) => derSet(rdn).map(describeAttribute).join("+"));
}

/** The only commonName of a Name; null when there is none or several. @throws MalformedError */
export function commonNameOf(name: DerElement): string | null {
  const attributes = derSequence(name).flatMap(derSet).map(derSequence);
  const [only, ...others] = attributes.flatMap(([type, value]) =>
    type && value && derIdentifier(type) === COMMON_NAME ? [decodeUtf8(value.content)] : [],
  );
  return others.length === 0 ? (only ?? null) : null;
}

function describeAttribute(attribute: DerElement): string {
  const [type, value] = derSequence(attribute);
  if (type === undefined || value === undefined) throw new MalformedError("name", "an attribute is cut");
  const oid = derIdentifier(type);
  const text = TEXT_TAGS.includes(value.tag)
    ? decodeUtf8(value.content).replace(/[,+"\\<>;=]/g, "\\$&")
    : `#${encodeHex(value.raw)}`;
  return `${SHORT[oid] ?? oid}=${text}`;
}
