// Configuration firmware volumes for tests, written field by field: a volume header, a store header, and authenticated variables.
import { encodeGuid } from "../../../../src/publisher/describe/formats/efi-guid.ts";

const SYSTEM_NV_DATA = "fff12b8d-7696-4c8b-a985-2747075b4f50";
const AUTHENTICATED_VARIABLES = "aaf32c78-947b-439a-a180-2e144ec37792";
export const GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
export const SECURITY = "d719b2cb-3d3a-4596-a3bc-dad00e67656f";
const HEADER = 72;

export interface StoredVariable {
  readonly vendor: string;
  readonly name: string;
  readonly data: Uint8Array;
  /** 0x3f: added. */
  readonly state?: number;
}

export function makeVariableStore(variables: readonly StoredVariable[], size = 0x10000): Uint8Array {
  const volume = Buffer.alloc(size, 0xff);
  volume.fill(0, 0, HEADER);
  volume.set(encodeGuid(SYSTEM_NV_DATA), 16);
  volume.writeBigUInt64LE(BigInt(size), 32);
  volume.write("_FVH", 40);
  volume.writeUInt16LE(HEADER, 48);
  let sum = 0;
  for (let at = 0; at < HEADER; at += 2) sum += volume.readUInt16LE(at);
  volume.writeUInt16LE(-sum & 0xffff, 50);
  volume.set(encodeGuid(AUTHENTICATED_VARIABLES), HEADER);
  volume.writeUInt32LE(size - HEADER, HEADER + 16);
  volume.set([0x5a, 0xfe, 0, 0, 0, 0, 0, 0], HEADER + 20);
  let at = HEADER + 28;
  for (const { vendor, name, data, state = 0x3f } of variables) {
    const text = Buffer.from(`${name}\0`, "utf16le");
    volume.fill(0, at, at + 60);
    volume.writeUInt16LE(0x55aa, at);
    volume.writeUInt8(state, at + 2);
    volume.writeUInt32LE(text.length, at + 36);
    volume.writeUInt32LE(data.length, at + 40);
    volume.set(encodeGuid(vendor), at + 44);
    volume.set(text, at + 60);
    volume.set(data, at + 60 + text.length);
    at = Math.ceil((at + 60 + text.length + data.length) / 4) * 4;
  }
  return new Uint8Array(volume);
}
