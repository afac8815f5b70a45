// Synthetic TDX firmware, and MRTD computed a second way: whole in memory, from the list of operations.
import { createHash } from "node:crypto";

export interface Section {
  readonly dataOffset: number;
  readonly rawSize: number;
  readonly address: bigint;
  readonly memorySize: bigint;
  readonly type: number;
  readonly attributes: number;
}

/** Boot volume (measured), variables, memory with zeros after measured content, TD HOB, and pages that the guest accepts. */
export const SECTIONS: readonly Section[] = [
  { dataOffset: 4096, rawSize: 12288, address: 0xfffe0000n, memorySize: 12288n, type: 0, attributes: 1 },
  { dataOffset: 0, rawSize: 4096, address: 0xfffc0000n, memorySize: 4096n, type: 1, attributes: 0 },
  { dataOffset: 16384, rawSize: 100, address: 0x810000n, memorySize: 8192n, type: 5, attributes: 1 },
  { dataOffset: 0, rawSize: 0, address: 0x809000n, memorySize: 8192n, type: 2, attributes: 0 },
  { dataOffset: 8192, rawSize: 4096, address: 0x900000n, memorySize: 4096n, type: 5, attributes: 3 },
  { dataOffset: 0, rawSize: 0, address: 0xa00000n, memorySize: 65536n, type: 4, attributes: 2 },
];

/** Where the parts of the GUIDed table are, from the end of the image. */
export const TDVF_OFFSETS = { entryData: -72, entryLength: -68, entryGuid: -66 } as const;

const SIZE = 32768;

export function makeTdvf(sections: readonly Section[]): Uint8Array {
  const image = Buffer.alloc(SIZE);
  for (let i = 0; i < SIZE; i++) image[i] = (i * 7 + (i >> 8)) & 255;
  const descriptor = 20_000;
  image.write("TDVF", descriptor);
  image.writeUInt32LE(16 + 32 * sections.length, descriptor + 4);
  image.writeUInt32LE(1, descriptor + 8);
  image.writeUInt32LE(sections.length, descriptor + 12);
  for (const [i, section] of sections.entries()) {
    const at = descriptor + 16 + 32 * i;
    image.writeUInt32LE(section.dataOffset, at);
    image.writeUInt32LE(section.rawSize, at + 4);
    image.writeBigUInt64LE(section.address, at + 8);
    image.writeBigUInt64LE(section.memorySize, at + 16);
    image.writeUInt32LE(section.type, at + 24);
    image.writeUInt32LE(section.attributes, at + 28);
  }
  image.writeUInt32LE(SIZE - descriptor, SIZE + TDVF_OFFSETS.entryData);
  image.writeUInt16LE(22, SIZE + TDVF_OFFSETS.entryLength);
  image.set(Buffer.from("35657ae44a989847865e4685a7bf8ec2", "hex"), SIZE + TDVF_OFFSETS.entryGuid);
  image.writeUInt16LE(22 + 18, SIZE - 50);
  image.set(Buffer.from("de82b596b21ff745baeaa366c55a082d", "hex"), SIZE - 48);
  return new Uint8Array(image);
}

/** Every operation of the TDX module as a byte string, in the order of the VMM, hashed as one. */
export function referenceMrtd(
  firmware: Uint8Array,
  sections: readonly Section[],
  order: "single-pass" | "two-pass",
): string {
  const operations: Uint8Array[] = [];
  for (const section of sections) {
    const adds = (section.attributes & 2) === 0;
    const extends_ = (section.attributes & 1) === 1;
    if (!adds && !extends_) continue;
    const memory = new Uint8Array(Number(section.memorySize));
    memory.set(firmware.subarray(section.dataOffset, section.dataOffset + section.rawSize));
    const pages = [...Array(memory.length / 4096).keys()].map((page) => page * 4096);
    const add = (page: number) => [operation("MEM.PAGE.ADD", section.address, page)];
    const extend = (page: number) =>
      [...Array(16).keys()].flatMap((i) => {
        const at = page + i * 256;
        return [operation("MR.EXTEND", section.address, at), memory.subarray(at, at + 256)];
      });
    const steps = [adds ? add : () => [], extends_ ? extend : () => []];
    if (order === "two-pass") operations.push(...steps.flatMap((step) => pages.flatMap(step)));
    else operations.push(...pages.flatMap((page) => steps.flatMap((step) => step(page))));
  }
  return createHash("sha384").update(Buffer.concat(operations)).digest("hex");
}

function operation(name: string, address: bigint, offset: number): Uint8Array {
  const text = Buffer.from(name.padEnd(16, "\0"), "latin1");
  const gpa = Buffer.alloc(112);
  gpa.writeBigUInt64LE(address + BigInt(offset));
  return Buffer.concat([text, gpa]);
}
