// Reads the signature that the kernel's build appends to a module: a PKCS#7 / CMS block, then `struct module_signature`, then a
// marker line (Linux, include/linux/module_signature.h, scripts/sign-file.c). It is read, not verified: the key is the kernel's.
import { encodeHex } from "../../../protocol/encoding/hex.ts";
import { utf8 } from "../../../protocol/encoding/text.ts";
import {
  type DerElement,
  derExplicit,
  derIdentifier,
  derSequence,
  derSet,
  readDer,
} from "../../../verifier/x509/der.ts";
import { commonNameOf } from "../../../verifier/x509/name.ts";
import type { RandomAccess } from "../files/random-access.ts";

const MARKER = utf8("~Module signature appended~\n");
const TRAILER_SIZE = 12;
const MAX_SIGNATURE = 64 * 1024;
const PKCS7 = 2;
const KEY_IDENTIFIER = 0x80;
/** id-signedData (RFC 5652 §5.1). */
const SIGNED_DATA = "1.2.840.113549.1.7.2";

export interface ModuleSignature {
  /** Common name of the signing certificate's issuer, as `modinfo` shows it, or "key <hex>" when a key id stands in its place. */
  readonly signer: string;
  /** Bytes of the ELF file before the signature. */
  readonly moduleSize: number;
}

/** The appended signature's signer, or null where the module is not signed. @throws MalformedError when the block is broken. */
export async function readModuleSignature(file: RandomAccess): Promise<ModuleSignature | null> {
  const markerAt = file.size - MARKER.length;
  if (markerAt < 0) return null;
  const marker = await file.read(markerAt, MARKER.length, "the end of the module");
  if (encodeHex(marker) !== encodeHex(MARKER)) return null;
  const trailerAt = markerAt - TRAILER_SIZE;
  const trailer = await file.read(trailerAt, TRAILER_SIZE, "the signature's trailer");
  const [algorithm, hash, type, signerLength, keyIdLength, ...padding] = trailer.subarray(0, 8);
  if (type !== PKCS7) throw file.malformed(`a signature of type ${type}, not PKCS#7`, trailerAt + 2);
  if ([algorithm, hash, signerLength, keyIdLength, ...padding].some((byte) => byte !== 0))
    throw file.malformed("a PKCS#7 signature's trailer must be zero but for type and length", trailerAt);
  const length = new DataView(trailer.buffer).getUint32(8);
  const moduleSize = trailerAt - length;
  if (length > MAX_SIGNATURE || moduleSize < 0)
    throw file.malformed(`a signature of ${length} bytes`, trailerAt + 8);
  const block = await file.read(moduleSize, length, "the signature");
  return { signer: readSigner(file, block, moduleSize), moduleSize };
}

function readSigner(file: RandomAccess, block: Uint8Array, at: number): string {
  try {
    return signerOf(block);
  } catch (error) {
    throw file.malformed(`the signature is no PKCS#7 SignedData: ${(error as Error).message}`, at);
  }
}

/** SignedData's last member is the set of signers; a signer's second member says whose key it is (RFC 5652 §5.1, §5.3). */
function signerOf(block: Uint8Array): string {
  const [type, wrapped] = derSequence(readDer(block));
  if (type === undefined || derIdentifier(type) !== SIGNED_DATA) throw new Error("content of another type");
  const signedData = derSequence(derExplicit(present(wrapped), 0));
  const [signer, ...others] = derSet(present(signedData.at(-1)));
  if (others.length > 0) throw new Error(`${others.length + 1} signers, expected one`);
  const [, identifier] = derSequence(present(signer));
  if (identifier?.tag === KEY_IDENTIFIER) return `key ${encodeHex(identifier.content)}`;
  const [issuer] = derSequence(present(identifier));
  const commonName = commonNameOf(present(issuer));
  if (commonName === null) throw new Error("the signer's issuer has no common name, or several");
  return commonName;
}

function present(element: DerElement | undefined): DerElement {
  if (element === undefined) throw new Error("an element is missing");
  return element;
}
