// Writes ELF64 files section by section, sound or not, for tests of the reader.
export interface MadeSection {
  readonly name: string;
  readonly type?: number;
  readonly bytes: Uint8Array;
  /** Name of the associated section. */
  readonly link?: string;
}

const SECTION_HEADER = 64;
const RELOCATABLE = 1;
const RISC_V = 243;
const PROGBITS = 1;
const STRTAB = 3;

export function makeElf(sections: readonly MadeSection[], machine = RISC_V): Uint8Array {
  const names = ["", ...sections.map(({ name }) => name), ".shstrtab"];
  const strings = new TextEncoder().encode(names.map((name) => `${name}\0`).join(""));
  const all: MadeSection[] = [...sections, { name: ".shstrtab", type: STRTAB, bytes: strings }];
  const size = all.reduce((sum, { bytes }) => sum + bytes.length, 64);
  const elf = new Uint8Array(size + SECTION_HEADER * (all.length + 1));
  const view = new DataView(elf.buffer);
  elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, RELOCATABLE, true);
  view.setUint16(18, machine, true);
  view.setBigUint64(40, BigInt(size), true);
  view.setUint16(58, SECTION_HEADER, true);
  view.setUint16(60, all.length + 1, true);
  view.setUint16(62, all.length, true);
  let offset = 64;
  let nameAt = 1;
  for (const [i, { name, type = PROGBITS, bytes, link }] of all.entries()) {
    const at = size + SECTION_HEADER * (i + 1);
    view.setUint32(at, nameAt, true);
    view.setUint32(at + 4, type, true);
    view.setBigUint64(at + 24, BigInt(offset), true);
    view.setBigUint64(at + 32, BigInt(bytes.length), true);
    if (link !== undefined) view.setUint32(at + 40, names.indexOf(link), true);
    elf.set(bytes, offset);
    offset += bytes.length;
    nameAt += name.length + 1;
  }
  return elf;
}

/** Where field `field` (byte offset in the header) of section number `index` lies; 0 is the null section. */
export function sectionField(elf: Uint8Array, index: number, field: number): number {
  const view = new DataView(elf.buffer, elf.byteOffset);
  return Number(view.getBigUint64(40, true)) + index * SECTION_HEADER + field;
}

/** A copy with a little-endian number of `size` bytes at `at` replaced. */
export function withNumber(
  bytes: Uint8Array,
  at: number,
  size: 2 | 4 | 8,
  value: bigint | number,
): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const view = new DataView(copy.buffer);
  if (size === 2) view.setUint16(at, Number(value), true);
  else if (size === 4) view.setUint32(at, Number(value), true);
  else view.setBigUint64(at, BigInt(value), true);
  return copy;
}
