// Distinguished names as people read them (RFC 4514): most specific part first.
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { type DerElement, derIdentifier, derSequence, derSet, readDer } from "./der.ts";

const SHORT: Readonly<Record<string, string>> = {
  "2.5.4.3": "CN",
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.10": "O",
  "2.5.4.11": "OU",
};

/** The text of a Name in DER, such as "CN=NVIDIA GH100 Identity,O=NVIDIA Corporation". @throws MalformedError */
export function describeName(name: Uint8Array): string {
  const parts = derSequence(readDer(name)).map((rdn) => derSet(rdn).map(describeAttribute).join("+"));
  return parts.reverse().join(",");
}

function describeAttribute(attribute: DerElement): string {
  const [type, value] = derSequence(attribute);
  if (type === undefined || value === undefined) throw new MalformedError("name", "an attribute is cut");
  const oid = derIdentifier(type);
  return `${SHORT[oid] ?? oid}=${decodeUtf8(value.content).replace(/[,+"\\<>;=]/g, "\\$&")}`;
}
