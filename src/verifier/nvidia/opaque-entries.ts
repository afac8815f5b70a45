// Splits the opaque data of NVIDIA's SPDM measurement responses into entries, in both layouts of NVIDIA's "Opaque Data Format": type, length
// and value; and, from the drivers of CUDA 13.5 on, a header with the word NVDAOD, then type, value type, length and value. All integers are
// little-endian.
import { ByteReader } from "../../protocol/encoding/bytes.ts";
import { utf8 } from "../../protocol/encoding/text.ts";
import { MalformedError } from "../../protocol/errors.ts";

const MAGIC = utf8("NVDAOD");
const PROFILE = 0;
/** The one major version of the layout with a header; a minor one adds types. */
const MAJOR = 2;
/** Value type of a security version number: an entry that a RIM may set a floor for, whatever its type. */
const SECURITY_VERSION = 0x87;

export interface OpaqueEntries {
  /** Major version in the header; null for the layout without one. */
  readonly major: number | null;
  /** By type. */
  readonly values: ReadonlyMap<number, Uint8Array>;
  /** Security version numbers among them, by type; the layout without a header has none. */
  readonly svns: ReadonlyMap<number, number>;
}

/**
 * @param format of the report, for messages.
 * @throws MalformedError on an empty or cut list, a type that is there twice, and a header of another profile or major version.
 */
export function parseOpaqueEntries(bytes: Uint8Array, format: string): OpaqueEntries {
  const reader = new ByteReader(bytes, format);
  const major = MAGIC.every((byte, i) => bytes[i] === byte) ? readHeader(reader) : null;
  const values = new Map<number, Uint8Array>();
  const svns = new Map<number, number>();
  do {
    const type = reader.u16le("opaque type");
    const valueType = major === null ? null : reader.u16le("opaque value type");
    if (values.has(type)) throw new MalformedError(format, `opaque type ${type} appears twice`);
    const value = reader.take(reader.u16le("opaque length"), `opaque type ${type}`);
    values.set(type, value);
    if (valueType === SECURITY_VERSION) svns.set(type, littleEndian(value, `opaque type ${type}`, format));
  } while (reader.remaining > 0);
  return { major, values, svns };
}

/** Magic, profile, then major, minor, patch and padding, one byte each. */
function readHeader(reader: ByteReader): number {
  reader.take(MAGIC.length, "opaque data header");
  const profile = reader.u16le("profile of the opaque data");
  const [major = 0, minor, patch, padding] = reader.take(4, "version of the opaque data");
  if (profile === PROFILE && major === MAJOR && padding === 0) return major;
  throw new MalformedError(
    reader.format,
    `opaque data of profile ${profile}, version ${major}.${minor}.${patch}, is not supported: only ${MAJOR}.x of profile ${PROFILE} is`,
  );
}

/** An integer of 1 to 8 bytes; one too large for a double is larger than anything it is compared with. */
export function littleEndian(bytes: Uint8Array, what: string, format: string): number {
  if (bytes.length < 1 || bytes.length > 8)
    throw new MalformedError(format, `${what} has ${bytes.length} bytes, expected 1 to 8`);
  return bytes.reduceRight((value, byte) => value * 256 + byte, 0);
}
