// Reads the signatures in a PE image's certificate table (UEFI 2.10 §32.2.4, WIN_CERTIFICATE; Authenticode's SpcIndirectDataContent
// in PKCS#7, RFC 2315 §9). Says who is named as signer and that the digest signed is this image's, not that the key is trusted.
import { createHash } from "node:crypto";
import { encodeHex } from "../../../protocol/encoding/hex.ts";
import { MalformedError } from "../../../protocol/errors.ts";
import { type DerElement, derSequence, readDer } from "../../../verifier/x509/der.ts";
import { nameParts } from "../../../verifier/x509/name.ts";
import type { FileHash, RandomAccess } from "../files/random-access.ts";
import type { PeImage } from "./pe.ts";

const PKCS_SIGNED_DATA = 2;
const HEADER_LENGTH = 8;
const MAX_SIGNATURES = 16;
const MAX_SIGNATURE_LENGTH = 1024 * 1024;
const SEQUENCE = 0x30;
/** [0] of SignedData: its certificates, an implicit SET OF. Also [0] of a TBSCertificate: its version. */
const CONTEXT_0 = 0xa0;

export interface PeSignature {
  /** SHA-256 of the PKCS#7 blob, padding of the table included where the entry's length covers it. */
  readonly sha256: string;
  /** Subject of the certificate that the signer information names; null where the blob does not carry it. */
  readonly subject: string | null;
}

/**
 * @param digests the image's own Authenticode digests, in hex.
 * @throws MalformedError on a broken table or blob, or when a signature is over another image.
 */
export async function readSignatures(
  image: PeImage,
  digests: Readonly<Record<FileHash, string>>,
): Promise<PeSignature[]> {
  const signatures: PeSignature[] = [];
  for await (const { table, at, blob } of blobsOf(image)) {
    const { digest, subject } = readSignedData(table, at + HEADER_LENGTH, blob);
    if (digest !== digests.sha256 && digest !== digests.sha384)
      throw table.malformed(`the signature is over an image with Authenticode digest ${digest}`, at);
    signatures.push({ sha256: createHash("sha256").update(blob).digest("hex"), subject });
  }
  return signatures;
}

/** The certificate that a signature's signer information names, and all that it carries, DER. */
export interface SignerChain {
  readonly signer: Uint8Array;
  readonly others: readonly Uint8Array[];
}

/** Of every signature of the image that carries its signer's certificate. @throws MalformedError as `readSignatures` does. */
export async function readSignerChains(image: PeImage): Promise<SignerChain[]> {
  const chains: SignerChain[] = [];
  for await (const { table, at, blob } of blobsOf(image)) {
    const { chain } = readSignedData(table, at + HEADER_LENGTH, blob);
    if (chain !== null) chains.push(chain);
  }
  return chains;
}

/** The PKCS#7 blobs of the certificate table, with where each entry begins. */
async function* blobsOf(
  image: PeImage,
): AsyncGenerator<{ table: RandomAccess; at: number; blob: Uint8Array }> {
  if (image.certificateTable === undefined) return;
  const { offset, length } = image.certificateTable;
  const table = image.file.part(offset, length, image.file.format);
  let count = 0;
  for (let at = 0; at < table.size; ) {
    if (++count > MAX_SIGNATURES) throw table.malformed(`more than ${MAX_SIGNATURES} signatures`, at);
    const blob = await readBlob(table, at);
    yield { table, at, blob };
    at += Math.ceil((HEADER_LENGTH + blob.length) / 8) * 8;
  }
}

async function readBlob(table: RandomAccess, at: number): Promise<Uint8Array> {
  const header = new DataView((await table.read(at, HEADER_LENGTH, "a certificate entry")).buffer);
  const length = header.getUint32(0, true);
  if (length <= HEADER_LENGTH || length > MAX_SIGNATURE_LENGTH)
    throw table.malformed(`certificate entry of ${length} bytes`, at);
  if (header.getUint16(6, true) !== PKCS_SIGNED_DATA)
    throw table.malformed(`certificate type ${header.getUint16(6, true)} is not PKCS#7 SignedData`, at + 6);
  return await table.read(at + HEADER_LENGTH, length - HEADER_LENGTH, "a certificate");
}

function readSignedData(table: RandomAccess, at: number, blob: Uint8Array) {
  try {
    const [, , content, ...rest] = derSequence(inner(derSequence(readDer(withoutPadding(blob)))[1]));
    const indirectData = derSequence(inner(derSequence(present(content))[1]));
    const digest = derSequence(present(indirectData[1]))[1];
    const signer = derSequence(inner(rest.at(-1)));
    const named = signerOf(rest[0], present(signer[1]));
    return {
      digest: encodeHex(present(digest).content),
      subject: named?.subject ?? null,
      chain: named?.chain ?? null,
    };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw table.malformed(`not an Authenticode signature: ${why}`, at);
  }
}

/** sbsign counts the padding to 8 bytes in the entry's length; DER ends where its own outer length says. */
function withoutPadding(blob: Uint8Array): Uint8Array {
  const lengthBytes = (blob[1] ?? 0) & 0x7f;
  if (blob[1] === undefined || blob[1] < 0x80 || lengthBytes > 4) return blob;
  const length = blob.subarray(2, 2 + lengthBytes).reduce((value, byte) => value * 256 + byte, 0);
  const end = 2 + lengthBytes + length;
  return blob.length - end < 8 && blob.subarray(end).every((byte) => byte === 0)
    ? blob.subarray(0, end)
    : blob;
}

/** The one certificate that has the signer's issuer and serial number, its subject in its own order. It may be of any version and algorithm. */
function signerOf(
  certificates: DerElement | undefined,
  issuerAndSerial: DerElement,
): { subject: string; chain: SignerChain } | null {
  if (certificates?.tag !== CONTEXT_0) return null;
  const [issuer, serial] = derSequence(issuerAndSerial).map(({ raw }) => encodeHex(raw));
  const all = derSequence({ ...certificates, tag: SEQUENCE });
  const named = all.flatMap((certificate) => {
    const fields = derSequence(present(derSequence(certificate)[0]));
    const [number, , by, , subject] = fields[0]?.tag === CONTEXT_0 ? fields.slice(1) : fields;
    const same = encodeHex(present(number).raw) === serial && encodeHex(present(by).raw) === issuer;
    const chain = { signer: certificate.raw, others: all.map(({ raw }) => raw) };
    return same ? [{ subject: nameParts(present(subject)).join(", "), chain }] : [];
  });
  return named.length === 1 ? (named[0] ?? null) : null;
}

/** The element inside an explicitly tagged one, or the first of a SET of one. */
function inner(element: DerElement | undefined): DerElement {
  return readDer(present(element).content);
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new MalformedError("SignedData", "an element is missing");
  return value;
}
