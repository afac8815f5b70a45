// Reads and writes the list of keys that requests can be sealed to: application/ohttp-keys (RFC 9458 §3).
import { ByteReader, concatBytes } from "../../protocol/encoding/bytes.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { AEAD, KDF, KEM, KEY_LENGTH } from "./suite.ts";

export const KEYS_TYPE = "application/ohttp-keys";
/** Bytes of a list. */
export const MAX_KEYS_BYTES = 16 * 1024;

const FORMAT = "OHTTP keys";

/** A key of the one suite that is taken. */
export interface KeyConfiguration {
  /** The number by which a request names its key, 0 to 255. */
  readonly id: number;
  /** The raw X25519 key, 32 bytes. */
  readonly publicKey: Uint8Array;
}

/**
 * The configurations whose suite is the one of this library, in the order of the list; others are passed over.
 * @throws MalformedError for bytes that are no list, and where two of its keys have one number.
 */
export function parseKeyConfigurations(bytes: Uint8Array): KeyConfiguration[] {
  if (bytes.length > MAX_KEYS_BYTES) throw new MalformedError(FORMAT, `more than ${MAX_KEYS_BYTES} bytes`);
  const list = new ByteReader(bytes, FORMAT);
  const ids = new Set<number>();
  const known: KeyConfiguration[] = [];
  while (list.remaining > 0) {
    const entry = new ByteReader(list.take(list.u16be("length of a configuration"), "configuration"), FORMAT);
    const id = entry.u8("key identifier");
    if (ids.has(id)) throw new MalformedError(FORMAT, `two keys have the number ${id}`);
    ids.add(id);
    // Of an unknown KEM the length of the key is not known either.
    if (entry.u16be("KEM") === KEM) known.push(...readConfiguration(id, entry));
  }
  return known;
}

function readConfiguration(id: number, entry: ByteReader): KeyConfiguration[] {
  const publicKey = entry.take(KEY_LENGTH, "public key");
  const length = entry.u16be("length of the suites");
  if (length === 0 || length % 4 !== 0 || length !== entry.remaining)
    throw new MalformedError(FORMAT, "the suites are not as long as the configuration says", entry.offset);
  let taken = false;
  while (entry.remaining > 0) {
    const [kdf, aead] = [entry.u16be("KDF"), entry.u16be("AEAD")];
    if (kdf === KDF && aead === AEAD) taken = true;
  }
  return taken ? [{ id, publicKey }] : [];
}

export function encodeKeyConfigurations(configurations: readonly KeyConfiguration[]): Uint8Array {
  const entries = configurations.map(({ id, publicKey }) =>
    concatBytes(Uint8Array.of(id), uint16(KEM), publicKey, uint16(4), uint16(KDF), uint16(AEAD)),
  );
  return concatBytes(...entries.flatMap((entry) => [uint16(entry.length), entry]));
}

/** The first seven bytes of what is sealed to a key (RFC 9458 §4.3). */
export function headerOf(id: number): Uint8Array {
  return concatBytes(Uint8Array.of(id), uint16(KEM), uint16(KDF), uint16(AEAD));
}

function uint16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}
