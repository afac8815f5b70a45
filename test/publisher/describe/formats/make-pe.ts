// Small PE images written field by field, for what objcopy does not make: UKIs as ukify 257 and newer writes them from a kernel that is
// signed already.
import { sha384 } from "../../../../src/protocol/cryptography/hash.ts";
import { encodeHex } from "../../../../src/protocol/encoding/hex.ts";

const ALIGNMENT = 512;
const HEADERS = 1024;
const PAGE = 4096;
const COFF = 64;
const OPTIONAL_HEADER = COFF + 24;
const OPTIONAL_HEADER_LENGTH = 240;
const CERTIFICATE_ENTRY = OPTIONAL_HEADER + 144;

export interface PeParts {
  /** In file order: name, content, and VirtualSize where it is not the content's length. */
  readonly sections: readonly (readonly [name: string, content: string | Uint8Array, virtualSize?: number])[];
  /** Bytes after the sections that the certificate directory names. */
  readonly certificates?: Uint8Array;
}

/** A PE32+ image: headers of 1,024 bytes, sections padded to 512. */
export function makePe({ sections, certificates }: PeParts): Uint8Array {
  const header = Buffer.alloc(HEADERS);
  header.write("MZ", 0, "latin1");
  header.writeUInt32LE(COFF, 60);
  header.write("PE\0\0", COFF, "latin1");
  header.writeUInt16LE(sections.length, COFF + 6);
  header.writeUInt16LE(OPTIONAL_HEADER_LENGTH, COFF + 20);
  header.writeUInt16LE(0x20b, OPTIONAL_HEADER);
  header.writeUInt32LE(HEADERS, OPTIONAL_HEADER + 60);
  header.writeUInt32LE(16, OPTIONAL_HEADER + 108);
  const parts: Uint8Array[] = [header];
  let [offset, address] = [HEADERS, PAGE];
  for (const [i, [name, text, virtualSize]] of sections.entries()) {
    const content = padded(Buffer.from(text as Uint8Array), ALIGNMENT);
    const size = virtualSize ?? Buffer.from(text as Uint8Array).length;
    const at = OPTIONAL_HEADER + OPTIONAL_HEADER_LENGTH + i * 40;
    header.write(name, at, "latin1");
    for (const [j, value] of [size, address, content.length, offset].entries())
      header.writeUInt32LE(value, at + 8 + j * 4);
    parts.push(content);
    offset += content.length;
    address += Math.ceil(size / PAGE) * PAGE;
  }
  if (certificates !== undefined) {
    header.writeUInt32LE(offset, CERTIFICATE_ENTRY);
    header.writeUInt32LE(certificates.length, CERTIFICATE_ENTRY + 4);
    parts.push(certificates);
  }
  header.writeUInt32LE(address, OPTIONAL_HEADER + 56);
  return Buffer.concat(parts);
}

/** The Authenticode rule on an image that `makePe` made: no checksum, no certificate entry, no certificates. */
export function authenticodeOf(image: Uint8Array): string {
  const { buffer, byteOffset } = image;
  const certificates = new DataView(buffer, byteOffset).getUint32(CERTIFICATE_ENTRY, true);
  const end = certificates === 0 ? image.length : certificates;
  const checksum = OPTIONAL_HEADER + 64;
  const hashed = [
    image.subarray(0, checksum),
    image.subarray(checksum + 4, CERTIFICATE_ENTRY),
    image.subarray(CERTIFICATE_ENTRY + 8, end),
  ];
  return encodeHex(sha384(Buffer.concat(hashed)));
}

function padded(bytes: Uint8Array, to: number): Uint8Array {
  return Buffer.concat([bytes, new Uint8Array(-bytes.length & (to - 1))]);
}
