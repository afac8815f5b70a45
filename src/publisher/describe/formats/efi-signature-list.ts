// Reads Secure Boot variables from files: EFI_SIGNATURE_LIST (.esl, UEFI 2.10 §32.4.1), alone or behind the signature of an
// authenticated variable (.auth, EFI_VARIABLE_AUTHENTICATION_2, §8.2.2), and the digest that firmware measures them with.
import { createHash } from "node:crypto";
import { likeness } from "../../../protocol/encoding/recognise.ts";
import { type RandomAccess, withFile } from "../files/random-access.ts";
import { encodeGuid, formatGuid, GUID_LENGTH } from "./efi-guid.ts";

export const GLOBAL_VARIABLE = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
export const IMAGE_SECURITY_DATABASE = "d719b2cb-3d3a-4596-a3bc-dad00e67656f";
const VENDOR_OF = {
  SecureBoot: GLOBAL_VARIABLE,
  PK: GLOBAL_VARIABLE,
  KEK: GLOBAL_VARIABLE,
  db: IMAGE_SECURITY_DATABASE,
  dbx: IMAGE_SECURITY_DATABASE,
  dbt: IMAGE_SECURITY_DATABASE,
} as const;

const PKCS7_CERTIFICATE = "4aafd29d-68df-49ee-8aa9-347d375665a7";
const TIME_LENGTH = 16;
const CERTIFICATE_HEADER_LENGTH = 24;
const LIST_HEADER_LENGTH = 28;
const MAX_LENGTH = 1024 * 1024;

export type MeasuredVariableName = keyof typeof VENDOR_OF;
/** The variables that hold signature lists. */
export type SecureBootVariable = Exclude<MeasuredVariableName, "SecureBoot" | "dbt">;

export interface MeasuredVariable {
  /** SHA-256 of the variable's data: the signature lists alone. */
  readonly sha256: string;
  /** SHA-384 of the UEFI_VARIABLE_DATA event that PCR 7 / RTMR0 is extended with (TCG PC Client PFP §10.4.1). */
  readonly eventSha384: string;
}

/** Reads a .esl or .auth file of at most 1 MiB. The signature in an .auth file is not checked: firmware does that. */
export async function readSecureBootVariable(
  path: string,
  name: SecureBootVariable,
): Promise<MeasuredVariable> {
  return measureVariable(name, await readSignatureData(path));
}

/** The signature lists of a .esl or .auth file: what the variable holds. */
export async function readSignatureData(path: string): Promise<Uint8Array> {
  return await withFile(path, "EFI signature list", async (file) => {
    if (file.size > MAX_LENGTH) throw file.malformed(`longer than ${MAX_LENGTH} bytes`, MAX_LENGTH);
    const bytes = await file.read(0, file.size, "the file");
    const start = dataOffset(file, bytes);
    checkSignatureLists(file, bytes, start);
    return bytes.subarray(start);
  });
}

/** @param data the variable's content; empty for a variable that is not set, which firmware measures too. */
export function measureVariable(name: MeasuredVariableName, data: Uint8Array): MeasuredVariable {
  const lengths = Buffer.alloc(16);
  lengths.writeBigUInt64LE(BigInt(name.length), 0);
  lengths.writeBigUInt64LE(BigInt(data.length), 8);
  const event = createHash("sha384").update(encodeGuid(VENDOR_OF[name])).update(lengths);
  return {
    sha256: createHash("sha256").update(data).digest("hex"),
    eventSha384: event.update(Buffer.from(name, "utf16le")).update(data).digest("hex"),
  };
}

/** Where the variable's data begin: after the authentication descriptor, if there is one. */
function dataOffset(file: RandomAccess, bytes: Uint8Array): number {
  const guidOffset = TIME_LENGTH + CERTIFICATE_HEADER_LENGTH - GUID_LENGTH;
  const guid = bytes.subarray(guidOffset, guidOffset + GUID_LENGTH);
  if (guid.length < GUID_LENGTH || formatGuid(guid) !== PKCS7_CERTIFICATE) return 0;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(TIME_LENGTH, true);
  if (length < CERTIFICATE_HEADER_LENGTH)
    throw file.malformed(`a descriptor of ${length} bytes`, TIME_LENGTH);
  file.assertInside(TIME_LENGTH, length, "the authentication descriptor");
  return TIME_LENGTH + length;
}

/** Signature lists fill the rest of the file, each with whole entries. No list at all is an empty variable, and allowed. */
function checkSignatureLists(file: RandomAccess, bytes: Uint8Array, start: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = start; at < bytes.length; ) {
    file.assertInside(at, LIST_HEADER_LENGTH, "a signature list");
    const listSize = view.getUint32(at + 16, true);
    const headerSize = view.getUint32(at + 20, true);
    const entrySize = view.getUint32(at + 24, true);
    const entries = listSize - LIST_HEADER_LENGTH - headerSize;
    if (entrySize <= GUID_LENGTH || entries < entrySize || entries % entrySize !== 0)
      throw file.malformed(
        `a list of ${listSize} bytes cannot hold entries of ${entrySize} bytes${likeness(bytes)}`,
        at + 16,
      );
    file.assertInside(at, listSize, "a signature list");
    at += listSize;
  }
}
