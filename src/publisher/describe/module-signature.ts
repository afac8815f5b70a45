// The signature that the kernel's build appends to a module: a PKCS#7 / CMS block, then `struct module_signature`, then a
// marker line (Linux, include/linux/module_signature.h, scripts/sign-file.c). It is read, not verified: the key is the kernel's.
import { ContentInfo, id_signedData, SignedData } from "@peculiar/asn1-cms";
import { AsnConvert } from "@peculiar/asn1-schema";
import { Name } from "@peculiar/asn1-x509";
import { utf8 } from "../../protocol/encoding/text.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import type { RandomAccess } from "./file-digest.ts";

const MARKER = utf8("~Module signature appended~\n");
const TRAILER_SIZE = 12;
const MAX_SIGNATURE = 64 * 1024;
const PKCS7 = 2;
const COMMON_NAME = "2.5.4.3";

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
  if (length > MAX_SIGNATURE) throw file.malformed(`a signature of ${length} bytes`, trailerAt + 8);
  const block = await file.read(moduleSize, length, "the signature");
  return { signer: readSigner(file, block, moduleSize), moduleSize };
}

function readSigner(file: RandomAccess, block: Uint8Array<ArrayBuffer>, at: number): string {
  const signed = parseSignedData(file, block, at);
  const [signer, second] = [...signed.signerInfos];
  if (signer === undefined || second !== undefined)
    throw file.malformed("the signature must have exactly one signer", at);
  const { issuerAndSerialNumber, subjectKeyIdentifier } = signer.sid;
  if (subjectKeyIdentifier !== undefined)
    return `key ${encodeHex(new Uint8Array(subjectKeyIdentifier.buffer))}`;
  const commonName = issuerAndSerialNumber && commonNameOf(issuerAndSerialNumber.issuer);
  if (!commonName) throw file.malformed("the signer's certificate has no common name", at);
  return commonName;
}

function parseSignedData(file: RandomAccess, block: Uint8Array<ArrayBuffer>, at: number): SignedData {
  try {
    const content = AsnConvert.parse(block, ContentInfo);
    if (content.contentType !== id_signedData) throw new Error(`content of type ${content.contentType}`);
    return AsnConvert.parse(content.content, SignedData);
  } catch (error) {
    throw file.malformed(`the signature is no PKCS#7 SignedData: ${(error as Error).message}`, at);
  }
}

function commonNameOf(name: Name): string | undefined {
  for (const relative of name)
    for (const { type, value } of relative) if (type === COMMON_NAME) return value.toString();
  return undefined;
}
