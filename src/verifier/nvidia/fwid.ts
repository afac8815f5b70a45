// The firmware id that NVIDIA's boot ROM certified in the attestation key's certificate: the digest of the GSP firmware that holds the key.
// Hopper: TCG DICE CompositeDeviceID (2.23.133.5.4.1), FWID last. Blackwell: DiceTcbInfo (2.23.133.5.4.1.1), first of its fwids.
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { MalformedError } from "../../protocol/errors.ts";
import type { Certificate } from "./certificate.ts";
import { elements, onlyElement } from "./der.ts";

export const HOPPER_FWID = "2.23.133.5.4.1";
export const BLACKWELL_FWID = "2.23.133.5.4.1.1";
const FORMAT = "FWID extension";
const SEQUENCE = 0x30;
const OBJECT_IDENTIFIER = 0x06;
const OCTET_STRING = 0x04;
/** [6] in DiceTcbInfo: the list of FWIDs. */
const FWIDS = 0xa6;
const SHA_384 = "608648016503040202";

/**
 * The FWID in the leaf certificate, 48 bytes.
 * @throws MalformedError when there is none, both forms, or one that is not a SHA-384 digest.
 */
export function readFwid(leaf: Certificate): Uint8Array {
  const hopper = leaf.extensions.get(HOPPER_FWID);
  const blackwell = leaf.extensions.get(BLACKWELL_FWID);
  if ((hopper === undefined) === (blackwell === undefined)) {
    throw new MalformedError(FORMAT, "expected exactly one of its two forms");
  }
  const fields = elements(onlyElement(hopper ?? blackwell ?? new Uint8Array(), SEQUENCE, FORMAT), FORMAT);
  const list = fields.find((field) => field.tag === FWIDS);
  const fwid = hopper === undefined ? elements(list?.content ?? new Uint8Array(), FORMAT)[0] : fields.at(-1);
  if (fwid?.tag !== SEQUENCE) throw new MalformedError(FORMAT, "no FWID");
  return digestOf(fwid.content);
}

/** FWID ::= SEQUENCE { hashAlg OBJECT IDENTIFIER, digest OCTET STRING } */
function digestOf(content: Uint8Array): Uint8Array {
  const [algorithm, digest, ...rest] = elements(content, FORMAT);
  const sha384 = algorithm?.tag === OBJECT_IDENTIFIER && encodeHex(algorithm.content) === SHA_384;
  if (sha384 && digest?.tag === OCTET_STRING && digest.content.length === 48 && rest.length === 0) {
    return digest.content;
  }
  throw new MalformedError(FORMAT, "the FWID is not a SHA-384 digest");
}
