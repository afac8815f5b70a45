// Reads the SGX extension of a PCK certificate, OID 1.2.840.113741.1.13.1 (Intel SGX PCK Certificate and CRL Profile Specification §1.3.5):
// which platform this is, and the TCB that Intel certified for it.
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { type DerElement, derIdentifier, derOctets, derSequence, derUint16, readDer } from "../x509/der.ts";

export const SGX_EXTENSION = "1.2.840.113741.1.13.1";
const FORMAT = "SGX extension";

export interface PlatformTcb {
  /** 6 bytes, hex: the family and model of the platform. */
  readonly fmspc: string;
  /** 2 bytes, hex. */
  readonly pceId: string;
  readonly pceSvn: number;
  /** The 16 SGX TCB component SVNs. */
  readonly components: readonly number[];
}

/**
 * Decodes the extension's value.
 * @throws MalformedError unless it is strict DER with each field once and in range.
 */
export function parseSgxExtension(value: Uint8Array): PlatformTcb {
  const fields = readFields(readDer(value));
  const tcb = readFields(required(fields, "2"));
  const component = (number: number) => {
    const svn = derUint16(required(tcb, `2.${number}`));
    if (svn > 255) throw new MalformedError(FORMAT, `component ${number} is ${svn}, more than 255`);
    return svn;
  };
  return {
    fmspc: encodeHex(derOctets(required(fields, "4"), 6)),
    pceId: encodeHex(derOctets(required(fields, "3"), 2)),
    pceSvn: derUint16(required(tcb, "2.17")),
    components: Array.from({ length: 16 }, (_, i) => component(i + 1)),
  };
}

/** A SEQUENCE OF { OBJECT IDENTIFIER, value } by what follows the extension's own identifier. */
function readFields(element: DerElement): Map<string, DerElement> {
  const fields = new Map<string, DerElement>();
  for (const field of derSequence(element)) {
    const [identifier, value, ...rest] = derSequence(field);
    if (identifier === undefined || value === undefined || rest.length > 0) {
      throw new MalformedError(FORMAT, "a field is not a pair of identifier and value");
    }
    const oid = derIdentifier(identifier);
    const name = oid.slice(SGX_EXTENSION.length + 1);
    if (!oid.startsWith(`${SGX_EXTENSION}.`) || fields.has(name))
      throw new MalformedError(FORMAT, `unexpected or repeated field ${oid}`);
    fields.set(name, value);
  }
  return fields;
}

function required(fields: Map<string, DerElement>, name: string): DerElement {
  const value = fields.get(name);
  if (value === undefined) throw new MalformedError(FORMAT, `field ${SGX_EXTENSION}.${name} is missing`);
  return value;
}
