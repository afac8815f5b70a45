// Reads what the measurement reports of NVIDIA's GPUs and switches have in common: an SPDM 1.1 GET_MEASUREMENTS request with its MEASUREMENTS
// response (DSP0274 §10.11), signature last. Layout as in NVIDIA attestation-sdk, spdm_req.cpp and spdm_resp.cpp, and as strict.
import { ByteReader } from "../../protocol/encoding/bytes.ts";
import { likeness } from "../../protocol/encoding/recognise.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { type OpaqueEntries, parseOpaqueEntries } from "./opaque-entries.ts";

const SPDM_1_1 = 0x11;
const GET_MEASUREMENTS = 0xe0;
const MEASUREMENTS = 0x60;
const SIGNATURE_REQUESTED = 0x01;
const ALL_BLOCKS = 0xff;
const DMTF = 0x01;
const DIGEST_LENGTH = 48;
const SIGNATURE_LENGTH = 96;
const MAX_BLOCKS = 64;
/** Real reports have 2 to 5 KiB. */
export const MAX_REPORT_BYTES = 16 * 1024;

export interface SpdmReport {
  /** The requester's nonce, 32 bytes: the one that proves freshness. */
  readonly requestNonce: Uint8Array;
  /** The device's own nonce, 32 bytes: proves nothing to the requester. */
  readonly responderNonce: Uint8Array;
  /** Measurement blocks by their number, 1 to 64: SHA-384 digests, 48 bytes each. */
  readonly blocks: ReadonlyMap<number, Uint8Array>;
  readonly opaque: OpaqueEntries["values"];
  /** Everything before the signature: request and response. */
  readonly signed: Uint8Array;
  /** ECDSA P-384 r‖s over `signed` with SHA-384, 96 bytes. */
  readonly signature: Uint8Array;
  /** Zero bytes after the signature, which an attester's buffer leaves. Nothing signs them. */
  readonly trailingBytes: number;
}

/**
 * Parses a report of at most 16 KiB. Says nothing about who signed it.
 * @param format of the report, for messages; @param decode what its opaque data states.
 * @throws MalformedError naming the field and its byte offset.
 */
export function parseSpdmReport<Statement>(
  bytes: Uint8Array,
  format: string,
  decode: (entries: OpaqueEntries) => Statement,
): SpdmReport & Statement {
  if (bytes.length > MAX_REPORT_BYTES)
    throw new MalformedError(format, `longer than ${MAX_REPORT_BYTES} bytes`);
  if (bytes[0] !== SPDM_1_1) throw new MalformedError(format, `not SPDM 1.1${likeness(bytes)}`, 0);
  const reader = new ByteReader(bytes, format);
  const requestNonce = readRequest(reader);
  const blocks = readBlocks(reader);
  const responderNonce = reader.take(32, "responder nonce");
  const entries = parseOpaqueEntries(reader.take(reader.u16le("opaque length"), "opaque data"), format);
  const signed = bytes.subarray(0, reader.offset);
  const signature = reader.take(SIGNATURE_LENGTH, "signature");
  if (bytes.subarray(reader.offset).some((byte) => byte !== 0))
    throw new MalformedError(format, "bytes other than zero after the signature", reader.offset);
  return {
    ...decode(entries),
    requestNonce,
    responderNonce,
    blocks,
    opaque: entries.values,
    signed,
    signature,
    trailingBytes: reader.remaining,
  };
}

/** GET_MEASUREMENTS, 37 bytes: header, requester nonce, slot. A signature over all blocks must have been asked for. */
function readRequest(reader: ByteReader): Uint8Array {
  expectByte(reader, SPDM_1_1, "request: SPDM version");
  expectByte(reader, GET_MEASUREMENTS, "request: code");
  expectByte(reader, SIGNATURE_REQUESTED, "request: signature requested");
  expectByte(reader, ALL_BLOCKS, "request: measurement operation");
  const nonce = reader.take(32, "request nonce");
  expectByte(reader, 0, "request: certificate slot");
  return nonce;
}

function readBlocks(reader: ByteReader): Map<number, Uint8Array> {
  expectByte(reader, SPDM_1_1, "response: SPDM version");
  expectByte(reader, MEASUREMENTS, "response: code");
  reader.take(2, "response: parameters");
  const count = reader.u8("number of blocks");
  if (count < 1 || count > MAX_BLOCKS)
    throw new MalformedError(reader.format, `${count} measurement blocks`, 41);
  const record = new ByteReader(
    reader.take(reader.u24le("record length"), "measurement record"),
    reader.format,
  );
  const blocks = new Map<number, Uint8Array>();
  for (let i = 0; i < count; i++) readBlock(record, blocks);
  if (record.remaining > 0) throw new MalformedError(reader.format, "bytes after the last measurement block");
  return blocks;
}

/** One block: index, specification, size, then DMTF value type, value size and value. */
function readBlock(reader: ByteReader, blocks: Map<number, Uint8Array>): void {
  const index = reader.u8("block index");
  if (index < 1 || index > MAX_BLOCKS) throw new MalformedError(reader.format, `measurement block ${index}`);
  if (blocks.has(index)) throw new MalformedError(reader.format, `measurement block ${index} appears twice`);
  expectByte(reader, DMTF, `block ${index}: measurement specification`);
  const size = reader.u16le("block size");
  const type = reader.u8("value type");
  const length = reader.u16le("value size");
  if ((type & 0x80) !== 0 || length !== DIGEST_LENGTH || size !== length + 3) {
    throw new MalformedError(reader.format, `measurement block ${index} is not a SHA-384 digest`);
  }
  blocks.set(index, reader.take(length, `measurement block ${index}`));
}

function expectByte(reader: ByteReader, expected: number, what: string): void {
  const at = reader.offset;
  const actual = reader.u8(what);
  if (actual !== expected)
    throw new MalformedError(reader.format, `${what} is ${actual}, expected ${expected}`, at);
}
