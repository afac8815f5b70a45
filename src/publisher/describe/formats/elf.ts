// Reads 64-bit little-endian ELF files, just enough for kernel modules and firmware: section headers, notes and symbols
// by name (System V ABI, gABI 4.1 chapters 4 and 5). Every offset is checked before it is used, and nothing may overlap.
import { ByteReader } from "../../../protocol/encoding/bytes.ts";
import { otherFormat } from "../files/other-format.ts";
import type { RandomAccess } from "../files/random-access.ts";

const HEADER_SIZE = 64;
const SECTION_HEADER_SIZE = 64;
const SYMBOL_SIZE = 24;
/** Section indices from here on are reserved (SHN_LORESERVE); files with more sections are not of our kinds. */
const MAX_SECTIONS = 0xff00;
const MAX_NOTES = 256;
const SHT_NULL = 0;
const SHT_SYMTAB = 2;
const SHT_STRTAB = 3;
const SHT_NOTE = 7;
const SHT_NOBITS = 8;

export interface Section {
  readonly name: string;
  readonly type: number;
  /** Byte offset in the file. */
  readonly offset: number;
  /** Bytes in the file, or in memory for SHT_NOBITS. */
  readonly size: number;
  /** Index of an associated section, such as a symbol table's strings. */
  readonly link: number;
}

export interface Note {
  readonly section: string;
  readonly name: string;
  readonly type: number;
  readonly description: Uint8Array;
}

/** Where a named object lies in the file. */
export interface SymbolPlace {
  readonly name: string;
  readonly section: string;
  readonly offset: number;
  readonly size: number;
}

/** An ELF file whose section table has been read and found sound. */
export interface Elf {
  readonly file: RandomAccess;
  /** e_type: 1 for a relocatable file. */
  readonly type: number;
  /** e_machine: 62 for x86-64, 243 for RISC-V. */
  readonly machine: number;
  readonly sections: readonly Section[];
}

/** @throws MalformedError naming file and offset when the file is no ELF64 or its section table is unsound. */
export async function readElf(file: RandomAccess): Promise<Elf> {
  const header = await readHeader(file);
  const table = await file.read(
    header.tableAt,
    header.count * SECTION_HEADER_SIZE,
    "the section header table",
  );
  const raw = Array.from({ length: header.count }, (_, i) => readSection(file, table, i, header.tableAt));
  const names = raw[header.namesIndex];
  if (names === undefined || names.type !== SHT_STRTAB)
    throw file.malformed(`section ${header.namesIndex} holds no section names`, 62);
  const strings = await file.read(names.offset, names.size, "the section names");
  const sections = raw.map((section) => ({
    ...section,
    name: readString(file, strings, section.nameAt, names.offset),
  }));
  checkOverlap(file, sections, header);
  return { file, type: header.type, machine: header.machine, sections };
}

interface Header {
  readonly type: number;
  readonly machine: number;
  readonly tableAt: number;
  readonly count: number;
  readonly namesIndex: number;
}

async function readHeader(file: RandomAccess): Promise<Header> {
  const bytes = await file.read(0, HEADER_SIZE, "the ELF header");
  const view = new DataView(bytes.buffer);
  if (view.getUint32(0) !== 0x7f454c46) throw await otherFormat(file, "no ELF magic", 0);
  if (bytes[4] !== 2 || bytes[5] !== 1 || bytes[6] !== 1)
    throw file.malformed("not a 64-bit little-endian ELF of version 1", 4);
  const entrySize = view.getUint16(58, true);
  const count = view.getUint16(60, true);
  if (entrySize !== SECTION_HEADER_SIZE) throw file.malformed(`section headers of ${entrySize} bytes`, 58);
  if (count === 0 || count >= MAX_SECTIONS) throw file.malformed(`${count} sections`, 60);
  return {
    type: view.getUint16(16, true),
    machine: view.getUint16(18, true),
    tableAt: toNumber(file, view.getBigUint64(40, true), 40),
    count,
    namesIndex: view.getUint16(62, true),
  };
}

function readSection(file: RandomAccess, table: Uint8Array, index: number, tableAt: number) {
  const at = index * SECTION_HEADER_SIZE;
  const view = new DataView(table.buffer, table.byteOffset + at, SECTION_HEADER_SIZE);
  const section = {
    nameAt: view.getUint32(0, true),
    type: view.getUint32(4, true),
    offset: toNumber(file, view.getBigUint64(24, true), tableAt + at + 24),
    size: toNumber(file, view.getBigUint64(32, true), tableAt + at + 32),
    link: view.getUint32(40, true),
  };
  if (occupiesFile(section)) file.assertInside(section.offset, section.size, `section ${index}`);
  return section;
}

function occupiesFile(section: { readonly type: number; readonly size: number }): boolean {
  return section.type !== SHT_NULL && section.type !== SHT_NOBITS && section.size > 0;
}

/** Two meanings for the same bytes are how a file shows different things to different readers. */
function checkOverlap(file: RandomAccess, sections: readonly Section[], header: Header): void {
  const parts = sections.filter(occupiesFile).map(({ name, offset, size }) => ({ what: name, offset, size }));
  parts.push({ what: "the ELF header", offset: 0, size: HEADER_SIZE });
  parts.push({
    what: "the section header table",
    offset: header.tableAt,
    size: header.count * SECTION_HEADER_SIZE,
  });
  parts.sort((a, b) => a.offset - b.offset);
  for (const [i, part] of parts.entries()) {
    const before = parts[i - 1];
    if (before !== undefined && part.offset < before.offset + before.size)
      throw file.malformed(`${part.what} overlaps ${before.what}`, part.offset);
  }
}

/** The one section of that name, or undefined. @throws MalformedError when there are two: which one counts is anyone's guess. */
export function findSection(elf: Elf, name: string): Section | undefined {
  const [section, second] = elf.sections.filter((candidate) => candidate.name === name);
  if (second !== undefined) throw elf.file.malformed(`two sections are named ${name}`, second.offset);
  return section;
}

/** The bytes of a section, at most 16 MiB. */
export async function readSectionBytes(elf: Elf, section: Section): Promise<Uint8Array> {
  if (section.type === SHT_NOBITS) return new Uint8Array(0);
  return await elf.file.read(section.offset, section.size, `section ${section.name}`);
}

/** All notes of all SHT_NOTE sections, in file order (gABI 5, "Note Section": words of 4 bytes also in ELF64). */
export async function readNotes(elf: Elf): Promise<Note[]> {
  const notes: Note[] = [];
  for (const section of elf.sections.filter(({ type }) => type === SHT_NOTE)) {
    const reader = new ByteReader(
      await readSectionBytes(elf, section),
      `${elf.file.format} ${elf.file.path}: notes`,
    );
    while (reader.remaining > 0) {
      if (notes.length === MAX_NOTES)
        throw elf.file.malformed("too many notes", section.offset + reader.offset);
      notes.push(readNote(reader, section.name));
    }
  }
  return notes;
}

function readNote(reader: ByteReader, section: string): Note {
  const nameSize = reader.u32le("the length of a note's name");
  const descriptionSize = reader.u32le("the length of a note's description");
  const type = reader.u32le("a note's type");
  const name = takePadded(reader, nameSize, "a note's name");
  const description = takePadded(reader, descriptionSize, "a note's description");
  return { section, name: printableRun(name), type, description };
}

function takePadded(reader: ByteReader, size: number, what: string): Uint8Array {
  const bytes = reader.take(size, what);
  // The last note of a section may leave its padding out.
  reader.take(Math.min(-size & 3, reader.remaining), `the padding of ${what}`);
  return bytes;
}

function printableRun(bytes: Uint8Array): string {
  const end = bytes.at(-1) === 0 ? bytes.length - 1 : bytes.length;
  return String.fromCharCode(...bytes.subarray(0, Math.min(end, 64))).replace(/[^\x20-\x7e]/g, "?");
}

/** The places of the objects whose names match `pattern`, from the symbol table of a relocatable file. */
export async function findSymbols(elf: Elf, pattern: RegExp): Promise<SymbolPlace[]> {
  const table = elf.sections.find(({ type }) => type === SHT_SYMTAB);
  const names = table === undefined ? undefined : elf.sections[table.link];
  if (table === undefined || names === undefined || names.type !== SHT_STRTAB) return [];
  const symbols = await readSectionBytes(elf, table);
  const strings = await readSectionBytes(elf, names);
  const view = new DataView(symbols.buffer, symbols.byteOffset, symbols.byteLength);
  const found: SymbolPlace[] = [];
  for (let at = 0; at + SYMBOL_SIZE <= symbols.length; at += SYMBOL_SIZE) {
    const section = elf.sections[view.getUint16(at + 6, true)];
    if (section === undefined || !occupiesFile(section)) continue;
    const name = readString(elf.file, strings, view.getUint32(at, true), names.offset);
    if (pattern.test(name)) found.push(placeSymbol(elf, name, section, view, at, table.offset));
  }
  return found;
}

/** In a relocatable file a symbol's value counts from the start of its section. */
function placeSymbol(
  elf: Elf,
  name: string,
  section: Section,
  view: DataView,
  at: number,
  tableAt: number,
): SymbolPlace {
  const value = toNumber(elf.file, view.getBigUint64(at + 8, true), tableAt + at + 8);
  const size = toNumber(elf.file, view.getBigUint64(at + 16, true), tableAt + at + 16);
  if (value > section.size || size > section.size - value)
    throw elf.file.malformed(`symbol ${name} ends outside section ${section.name}`, tableAt + at);
  return { name, section: section.name, offset: section.offset + value, size };
}

function readString(file: RandomAccess, strings: Uint8Array, at: number, base: number): string {
  const end = strings.indexOf(0, at);
  if (at >= strings.length || end < 0) throw file.malformed("a name without end", base + at);
  let text = "";
  for (let i = at; i < end; i++) text += String.fromCharCode(strings[i] ?? 0);
  return text;
}

function toNumber(file: RandomAccess, value: bigint, at: number): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER))
    throw file.malformed(`an offset or size of ${value} bytes`, at);
  return Number(value);
}
