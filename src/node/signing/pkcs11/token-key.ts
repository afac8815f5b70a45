// Finds a private key in a PKCS #11 token, and its public half: exactly one of each, or nothing is signed.
import { ed25519Spki } from "../../../protocol/cryptography/signature.ts";
import { concatBytes, equalBytes } from "../../../protocol/encoding/bytes.ts";
import { decodeHex } from "../../../protocol/encoding/hex.ts";
import { SignerError } from "../signer.ts";
import type { Attribute, Cryptoki, Handle, TokenInfo } from "./pkcs11js.ts";
import type { KeyUri, TokenAttribute } from "./uri.ts";

/** Names of PKCS #11 3.0, §4 and the tables of its mechanisms. */
const CKA_CLASS = 0x000;
const CKA_LABEL = 0x003;
const CKA_KEY_TYPE = 0x100;
const CKA_ID = 0x102;
const CKA_ALWAYS_AUTHENTICATE = 0x202;
const CKA_EC_PARAMS = 0x180;
const CKA_EC_POINT = 0x181;
const CKO_PUBLIC_KEY = 2;
const CKO_PRIVATE_KEY = 3;
const CKK_EC = 0x03;
const CKK_EC_EDWARDS = 0x40;

const SAID_BY: Readonly<Record<TokenAttribute, Exclude<keyof TokenInfo, "flags">>> = {
  token: "label",
  manufacturer: "manufacturerID",
  model: "model",
  serial: "serialNumber",
};
const P256_OID = decodeHex("06082a8648ce3d030107");
const P256_SPKI = decodeHex("3059301306072a8648ce3d020106082a8648ce3d030107034200");
const CKF_TOKEN_INITIALIZED = 0x400;
const OCTET_STRING = 0x04;

/** @throws SignerError unless exactly one token is as the URI says. */
export function findSlot(library: Cryptoki, { token, slotId }: KeyUri): Handle {
  const slots = library.C_GetSlotList(true).filter((slot) => {
    const info = library.C_GetTokenInfo(slot);
    const said = (name: TokenAttribute) => info[SAID_BY[name]].replace(/[ \0]+$/, "");
    return (
      (info.flags & CKF_TOKEN_INITIALIZED) !== 0 &&
      (slotId === undefined || slotIdOf(slot) === slotId) &&
      Object.entries(token).every(([name, value]) => said(name as TokenAttribute) === value)
    );
  });
  return onlyOne(slots, "token");
}

/** CK_ULONG in the byte order of this machine, which is little-endian wherever Node runs on Intel and ARM. */
function slotIdOf(slot: Handle): number {
  return slot.readUInt32LE(0);
}

export function findPrivateKey(library: Cryptoki, session: Handle, uri: KeyUri): Handle {
  return onlyOne(find(library, session, CKO_PRIVATE_KEY, uri), "private key");
}

/** Whether the token wants its PIN for each signature, as the signing key of a PIV card does. */
export function wantsPinEachTime(library: Cryptoki, session: Handle, key: Handle): boolean {
  try {
    const [read] = library.C_GetAttributeValue(session, key, [{ type: CKA_ALWAYS_AUTHENTICATE }]);
    return read?.value[0] === 1;
  } catch {
    // A library that does not know the attribute has no such keys.
    return false;
  }
}

/** DER of the public key's SubjectPublicKeyInfo. @throws SignerError unless it is Ed25519 or P-256. */
export function readPublicHalf(library: Cryptoki, session: Handle, uri: KeyUri): Uint8Array {
  const object = onlyOne(find(library, session, CKO_PUBLIC_KEY, uri), "public key");
  const read = (type: number) => library.C_GetAttributeValue(session, object, [{ type }])[0]?.value;
  const type = read(CKA_KEY_TYPE)?.readUInt32LE(0);
  const point = read(CKA_EC_POINT) ?? Buffer.alloc(0);
  const [ed25519, p256] = [unwrap(point, 32), unwrap(point, 65)];
  if (type === CKK_EC_EDWARDS && ed25519 !== undefined) return ed25519Spki(ed25519);
  if (type === CKK_EC && p256 !== undefined && equalBytes(read(CKA_EC_PARAMS) ?? point, P256_OID))
    return concatBytes(P256_SPKI, p256);
  throw new SignerError("pkcs11", "the key is neither Ed25519 nor ECDSA P-256");
}

/** A point stands in a DER OCTET STRING (PKCS #11 §6.3.3), or with some libraries by itself. */
function unwrap(point: Uint8Array, length: number): Uint8Array | undefined {
  if (point.length === length) return point;
  const framed = point.length === length + 2 && point[0] === OCTET_STRING && point[1] === length;
  return framed ? point.subarray(2) : undefined;
}

function find(library: Cryptoki, session: Handle, kind: number, { label, id }: KeyUri): Handle[] {
  const template: Attribute[] = [{ type: CKA_CLASS, value: kind }];
  if (label !== undefined) template.push({ type: CKA_LABEL, value: label });
  if (id !== undefined) template.push({ type: CKA_ID, value: Buffer.from(id) });
  library.C_FindObjectsInit(session, template);
  try {
    return library.C_FindObjects(session, 2);
  } finally {
    library.C_FindObjectsFinal(session);
  }
}

function onlyOne(found: readonly Handle[], what: string): Handle {
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  throw new SignerError(
    "pkcs11",
    first === undefined
      ? `there is no ${what} as the URI names it`
      : `the URI names more than one ${what}: say more of it`,
  );
}
