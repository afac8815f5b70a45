// Reads the firmware id that NVIDIA's boot ROM certified in the attestation key's certificate: the digest of the GSP firmware that holds
// the key. Hopper and the switch LS10: TCG DICE CompositeDeviceID (2.23.133.5.4.1), FWID last. Blackwell and Rubin: DiceTcbInfo
// (2.23.133.5.4.1.1), first of its fwids.
import { MalformedError } from "../../protocol/errors.ts";
import type { Certificate } from "../x509/certificate.ts";
import { type DerElement, derIdentifier, derOctets, derSequence, readDer } from "../x509/der.ts";

export const COMPOSITE_DEVICE_ID = "2.23.133.5.4.1";
export const DICE_TCB_INFO = "2.23.133.5.4.1.1";
const FORMAT = "FWID extension";
const SEQUENCE = 0x30;
/** [6] IMPLICIT in DiceTcbInfo: the SEQUENCE OF FWID. */
const FWIDS = 0xa6;
const SHA_384 = "2.16.840.1.101.3.4.2.2";

/**
 * The FWID in the leaf certificate, 48 bytes.
 * @throws MalformedError when there is none, both forms, or one that is not a SHA-384 digest.
 */
export function readFwid(leaf: Pick<Certificate, "extensions">): Uint8Array {
  const composite = leaf.extensions.get(COMPOSITE_DEVICE_ID);
  const tcbInfo = leaf.extensions.get(DICE_TCB_INFO);
  if ((composite === undefined) === (tcbInfo === undefined)) {
    throw new MalformedError(FORMAT, "expected exactly one of its two forms");
  }
  const fields = derSequence(readDer(composite ?? tcbInfo ?? new Uint8Array()));
  const list = fields.find((field) => field.tag === FWIDS);
  const [first] = list === undefined ? [] : derSequence({ ...list, tag: SEQUENCE });
  const fwid = composite === undefined ? first : fields.at(-1);
  if (fwid === undefined) throw new MalformedError(FORMAT, "no FWID");
  return digestOf(fwid);
}

/** FWID ::= SEQUENCE { hashAlg OBJECT IDENTIFIER, digest OCTET STRING } */
function digestOf(fwid: DerElement): Uint8Array {
  const [algorithm, digest, ...rest] = derSequence(fwid);
  if (algorithm && digest && derIdentifier(algorithm) === SHA_384 && rest.length === 0)
    return derOctets(digest, 48);
  throw new MalformedError(FORMAT, "the FWID is not a SHA-384 digest");
}
