// RA-TLS evidence in each form, written by hand from the formats' descriptions, not with the code under test.
import { sha256, sha512 } from "../../../src/protocol/cryptography/hash.ts";
import { ByteReader, concatBytes } from "../../../src/protocol/encoding/bytes.ts";
import { decodeHex } from "../../../src/protocol/encoding/hex.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { octetString } from "../../../src/testing/der.ts";
import { u32 } from "../../../src/testing/little-endian.ts";

export const OID = {
  wrapper: "1.3.6.1.5.5.7.1.35",
  dice: "2.23.133.5.4.9",
  endorsements: "2.23.133.5.4.2",
  gramine: "0.6.9.42.840.113741.1337.6",
  intelSgxSdk: "1.2.840.113741.1.13.1",
  openEnclave: "1.2.840.113556.10.1.2",
  openEnclaveNew: "1.3.6.1.4.1.311.105.2",
  dstackQuote: "1.3.6.1.4.1.62397.1.1",
  dstackEventLog: "1.3.6.1.4.1.62397.1.2",
  dstackAppId: "1.3.6.1.4.1.62397.1.3",
  dstackAttestation: "1.3.6.1.4.1.62397.1.8",
  contrast: "1.3.9901.2.2",
} as const;

/** CBOR head of a major type with a length, shortest form. */
export function cborHead(major: number, length: number): Uint8Array {
  if (length < 24) return Uint8Array.of((major << 5) | length);
  if (length < 256) return Uint8Array.of((major << 5) | 24, length);
  return Uint8Array.of((major << 5) | 25, length >>> 8, length & 255);
}
export const cborBytes = (bytes: Uint8Array) => concatBytes(cborHead(2, bytes.length), bytes);
export const cborText = (text: string) => concatBytes(cborHead(3, text.length), utf8(text));

/** Tag 60000, array of two: quote and claims. */
export function diceEvidence(quote: Uint8Array, claims: Uint8Array): Uint8Array {
  return concatBytes(decodeHex("d9ea6082"), cborBytes(quote), cborBytes(claims));
}

export function diceClaims(spki: Uint8Array, nonce?: Uint8Array): Uint8Array {
  const hashEntry = concatBytes(decodeHex("8201"), cborBytes(sha256(spki)));
  const claims = [cborText("pubkey-hash"), cborBytes(hashEntry)];
  if (nonce) claims.push(cborText("nonce"), cborBytes(nonce));
  return concatBytes(cborHead(5, claims.length / 2), ...claims);
}

function scaleLength(length: number): Uint8Array {
  if (length < 64) return Uint8Array.of(length << 2);
  if (length < 1 << 14) return Uint8Array.of(((length << 2) | 1) & 255, length >>> 6);
  return u32(length * 4 + 2);
}
const scaleBytes = (bytes: Uint8Array) => concatBytes(scaleLength(bytes.length), bytes);

export interface RuntimeEvent {
  readonly name: string;
  readonly payload: Uint8Array;
  readonly version?: number;
}
const RUNTIME_EVENT = 0x08000001;

/** dstack's version 0: SCALE, events stripped of their digests as certificates have them. */
export function dstackScale(
  quote: Uint8Array,
  events: readonly RuntimeEvent[],
  reportData: Uint8Array,
): Uint8Array {
  const log = events.map(({ name, payload }) =>
    concatBytes(
      u32(3),
      u32(RUNTIME_EVENT),
      scaleBytes(new Uint8Array()),
      scaleBytes(utf8(name)),
      scaleBytes(payload),
    ),
  );
  const runtime = events.map(({ name, payload }) => concatBytes(scaleBytes(utf8(name)), scaleBytes(payload)));
  return concatBytes(
    Uint8Array.of(0, 0),
    scaleBytes(quote),
    scaleLength(events.length),
    ...log,
    scaleLength(events.length),
    ...runtime,
    reportData,
    scaleBytes(utf8("{}")),
  );
}

/** MessagePack of what JSON can say, byte strings as `bin` and long lists with 16-bit lengths. */
export function messagePack(value: unknown): Uint8Array {
  if (typeof value === "number")
    return value < 128 ? Uint8Array.of(value) : concatBytes(Uint8Array.of(0xce), bigEndian32(value));
  if (typeof value === "string") return concatBytes(Uint8Array.of(0xd9, value.length), utf8(value));
  if (value instanceof Uint8Array)
    return concatBytes(Uint8Array.of(0xc5), bigEndian32(value.length).subarray(2), value);
  if (Array.isArray(value))
    return concatBytes(Uint8Array.of(0xdc), bigEndian32(value.length).subarray(2), ...value.map(messagePack));
  const entries = Object.entries(value as object);
  return concatBytes(Uint8Array.of(0x80 | entries.length), ...entries.flat().map(messagePack));
}
const bigEndian32 = (value: number) => u32(value).toReversed();

/** dstack's version 1. serde writes the quote, a plain Vec<u8>, as an array of integers and the rest as `bin`. */
export function dstackMessagePack(
  quote: Uint8Array,
  events: readonly RuntimeEvent[],
  reportData: Uint8Array,
): Uint8Array {
  const event_log = events.map(({ name, payload, version }) => ({
    imr: 3,
    event_type: RUNTIME_EVENT,
    digest: new Uint8Array(),
    event: name,
    event_payload: payload,
    ...(version !== undefined && { version }),
  }));
  return messagePack({
    version: 1,
    platform: { kind: "tdx", data: { quote: [...quote], event_log } },
    stack: { kind: "dstack", data: { report_data: reportData, runtime_events: [], config: "{}" } },
  });
}

export const doubled = (content: Uint8Array) => octetString(content);

export function flashbotsMessage(quote: Uint8Array, type = "gcp-tdx"): Uint8Array {
  return utf8(JSON.stringify({ attestation_type: type, attestation: [...quote] }));
}

export function flashbotsReportData(
  spki: Uint8Array,
  notBefore: Date,
  notAfter: Date,
  name: string,
): Uint8Array {
  const seconds = (time: Date) => concatBytes(new Uint8Array(4), bigEndian32(time.getTime() / 1000));
  return sha512(concatBytes(spki, seconds(notBefore), seconds(notAfter), utf8(name)));
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Uint8Array.of(...bytes, rest);
}
const field = (number: number, bytes: Uint8Array) =>
  concatBytes(varint(number * 8 + 2), varint(bytes.length), bytes);
/** proto3 leaves zeros out. */
const number = (tag: number, value: number) =>
  value === 0 ? new Uint8Array() : concatBytes(varint(tag * 8), varint(value));

/** go-tdx-guest's QuoteV4 from a binary v4 quote, as abi.QuoteToProto makes it. */
export function contrastEvidence(quote: Uint8Array): Uint8Array {
  const reader = new ByteReader(quote, "quote");
  const bytes = (tag: number, length: number) => field(tag, reader.take(length, "bytes"));
  const run = (from: number, lengths: readonly number[]) =>
    concatBytes(...lengths.map((length, i) => bytes(from + i, length)));
  const u16 = (tag: number) => number(tag, reader.u16le("u16"));
  const u32 = (tag: number) => number(tag, reader.u32le("u32"));

  const start = concatBytes(u16(1), u16(2), u32(3));
  const pceSvn = bytes(5, 2);
  const header = concatBytes(start, bytes(4, 2), pceSvn, run(6, [16, 20]));
  const measurements = run(1, [16, 48, 48, 8, 8, 8, 48, 48, 48, 48]);
  const rtmrs = concatBytes(...[0, 1, 2, 3].map(() => bytes(11, 48)));
  const body = concatBytes(measurements, rtmrs, bytes(12, 64));
  const size = u32(3);
  const signature = run(1, [64, 64]);
  const outer = concatBytes(u16(1), u32(2));
  const enclave = concatBytes(bytes(1, 16), u32(2), run(3, [28, 16, 32, 32, 32, 96]), u16(9), u16(10));
  const report = concatBytes(enclave, run(11, [60, 64]));
  const reportSignature = bytes(2, 64);
  const authLength = reader.u16le("length");
  const auth = concatBytes(number(1, authLength), bytes(2, authLength));
  const chainType = u16(1);
  const chainSize = reader.u32le("size");
  const chain = concatBytes(chainType, number(2, chainSize), bytes(3, chainSize));
  const certification = concatBytes(field(1, report), reportSignature, field(3, auth), field(4, chain));
  const signedData = concatBytes(signature, field(3, concatBytes(outer, field(3, certification))));
  return concatBytes(field(1, header), field(2, body), size, field(4, signedData));
}

/** The first bytes of an SGX quote v3, which is all that the refusal looks at. */
export function sgxQuote(reportData: Uint8Array): Uint8Array {
  return concatBytes(
    decodeHex("0300020000000000"),
    new Uint8Array(40 + 320),
    reportData,
    new Uint8Array(600),
  );
}
