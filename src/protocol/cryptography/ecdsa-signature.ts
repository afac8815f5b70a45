// Turns ECDSA P-256 signatures into r‖s (IEEE P1363), the form of envelopes. Either S is taken, as whoever verifies takes either.

const COORDINATE = 32;
const SEQUENCE = 0x30;
const INTEGER = 0x02;

/** 64 bytes from the DER of RFC 3279 §2.2.3; undefined for every other text. */
export function fromDer(der: Uint8Array): Uint8Array | undefined {
  // Two integers of 33 bytes at most: every length takes one byte.
  if (der[0] !== SEQUENCE || der[1] !== der.length - 2 || der.length > 72) return undefined;
  const r = readInteger(der, 2);
  const s = r && readInteger(der, r.end);
  return s?.end === der.length ? fromIntegers(r?.bytes, s.bytes) : undefined;
}

function readInteger(der: Uint8Array, at: number): { bytes: Uint8Array; end: number } | undefined {
  const end = at + 2 + (der[at + 1] ?? 0);
  if (der[at] !== INTEGER || end > der.length) return undefined;
  return { bytes: der.subarray(at + 2, end), end };
}

/** @param r,s big-endian two's complement, as DER and SSH (RFC 4251 §5, mpint) write it: positive and as short as may be. */
export function fromIntegers(r: Uint8Array | undefined, s: Uint8Array | undefined): Uint8Array | undefined {
  const [left, right] = [padded(r), padded(s)];
  return left && right && new Uint8Array([...left, ...right]);
}

function padded(integer: Uint8Array | undefined): Uint8Array | undefined {
  const [first, second = 0] = integer ?? [];
  if (integer === undefined || first === undefined || first >= 0x80) return undefined;
  if (first === 0 && second < 0x80) return undefined;
  const digits = first === 0 ? integer.subarray(1) : integer;
  if (digits.length > COORDINATE) return undefined;
  const out = new Uint8Array(COORDINATE);
  out.set(digits, COORDINATE - digits.length);
  return out;
}
