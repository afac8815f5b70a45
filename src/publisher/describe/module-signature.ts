// The signature that the kernel's build appends to a module: a PKCS#7 / CMS block, then `struct module_signature`, then a
// marker line (Linux, include/linux/module_signature.h, scripts/sign-file.c). It is read, not verified: the key is the kernel's.
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { decodeUtf8, utf8 } from "../../protocol/encoding/text.ts";
import { type DerElement, elements, onlyElement } from "../../verifier/nvidia/der.ts";
import type { RandomAccess } from "./file-digest.ts";

const MARKER = utf8("~Module signature appended~\n");
const TRAILER_SIZE = 12;
const MAX_SIGNATURE = 64 * 1024;
const PKCS7 = 2;
const SEQUENCE = 0x30;
const SET = 0x31;
const CONTEXT_0 = 0xa0;
const KEY_IDENTIFIER = 0x80;
/** id-signedData 1.2.840.113549.1.7.2 (RFC 5652 §5.1) and commonName 2.5.4.3, as DER content. */
const SIGNED_DATA = "2a864886f70d010702";
const COMMON_NAME = "550403";

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
  const [type, wrapped] = elements(onlyElement(block, SEQUENCE, "ContentInfo"), "ContentInfo");
  if (type === undefined || encodeHex(type.content) !== SIGNED_DATA)
    throw new Error("content of another type");
  const signedData = onlyElement(contentOf(wrapped, CONTEXT_0), SEQUENCE, "SignedData");
  const signers = elements(contentOf(elements(signedData, "SignedData").at(-1), SET), "SignerInfos");
  if (signers.length !== 1) throw new Error(`${signers.length} signers, expected one`);
  const [, identifier] = elements(contentOf(signers[0], SEQUENCE), "SignerInfo");
  if (identifier?.tag === KEY_IDENTIFIER) return `key ${encodeHex(identifier.content)}`;
  const [issuer] = elements(contentOf(identifier, SEQUENCE), "IssuerAndSerialNumber");
  return commonNameOf(contentOf(issuer, SEQUENCE));
}

function commonNameOf(name: Uint8Array): string {
  for (const relative of elements(name, "Name")) {
    for (const attribute of elements(contentOf(relative, SET), "Name")) {
      const [type, value] = elements(contentOf(attribute, SEQUENCE), "Name");
      if (type !== undefined && value !== undefined && encodeHex(type.content) === COMMON_NAME)
        return decodeUtf8(value.content);
    }
  }
  throw new Error("the signer's certificate has no common name");
}

function contentOf(element: DerElement | undefined, tag: number): Uint8Array {
  if (element?.tag !== tag) throw new Error(`tag ${element?.tag ?? "missing"}, expected ${tag}`);
  return element.content;
}
