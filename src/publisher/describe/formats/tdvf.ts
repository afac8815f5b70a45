// Reads the TDX metadata of virtual firmware (Intel TDX Virtual Firmware Design Guide §11; td-shim tdshim_spec.md) and the MRTD that
// the TDX module computes when a VMM builds a TD from it (TDX Module Base spec, TDH.MEM.PAGE.ADD and TDH.MR.EXTEND).
import { createHash, type Hash } from "node:crypto";
import { otherFormat } from "../files/other-format.ts";
import type { RandomAccess } from "../files/random-access.ts";
import { formatGuid, GUID_LENGTH } from "./efi-guid.ts";

const GUID_TABLE_FOOTER = "96b582de-1fb2-45f7-baea-a366c55a082d";
const TDX_METADATA_OFFSET = "e47a6535-984a-4798-865e-4685a7bf8ec2";
/** The table of GUIDed entries ends this far before the end of the image, above the reset vector. */
const TABLE_END = 32;
const ENTRY_FOOTER_LENGTH = 2 + GUID_LENGTH;
const DESCRIPTOR_LENGTH = 16;
const SECTION_LENGTH = 32;
const MAX_SECTIONS = 64;
const MAX_MEMORY = 512 * 1024 * 1024;
const PAGE = 4096;
const CHUNK = 256;
/** Boot and configuration firmware volume: a distribution ships them joined, and each as a file of its own. */
const VOLUMES = [0, 1];
const JOIN = "OVMF_CODE alone lacks the variable store, give the joined file (OVMF.fd)";
const MR_EXTEND = 1;
const PAGE_AUG = 2;

/** Whether a page is extended right after it was added, or all pages of a section are added before the first is extended. */
export type PageAddOrder = "single-pass" | "two-pass";

export interface TdvfSection {
  /** The content in the file; what lies beyond it in memory is zero. */
  readonly dataOffset: number;
  readonly rawSize: number;
  /** Guest physical address and length in bytes, both multiples of 4096. */
  readonly address: bigint;
  readonly memorySize: number;
  /** 0 BFV, 1 CFV, 2 TD HOB, 3 temporary memory, 4 permanent memory, 5 payload, 6 payload parameters. */
  readonly type: number;
  /** Bit 0: the content is measured into MRTD. Bit 1: pages are accepted by the guest, not added by the VMM. */
  readonly attributes: number;
}

/** @throws MalformedError where there is no TDX metadata, or a section lies outside the file, is not whole pages, or overlaps another. */
export async function readTdvfSections(file: RandomAccess): Promise<TdvfSection[]> {
  const start = await findDescriptor(file);
  const view = new DataView(
    (await file.read(start, DESCRIPTOR_LENGTH, "the TDX metadata descriptor")).buffer,
  );
  if (view.getUint32(0, false) !== 0x54445646) throw file.malformed("no TDVF signature", start);
  if (view.getUint32(8, true) !== 1)
    throw file.malformed(`TDVF version ${view.getUint32(8, true)} is not 1`, start + 8);
  const count = view.getUint32(12, true);
  if (
    count === 0 ||
    count > MAX_SECTIONS ||
    view.getUint32(4, true) !== DESCRIPTOR_LENGTH + count * SECTION_LENGTH
  )
    throw file.malformed(`${count} sections do not fit the descriptor's length`, start + 4);
  const sections: TdvfSection[] = [];
  for (let i = 0; i < count; i++)
    sections.push(await readSection(file, start + DESCRIPTOR_LENGTH + i * SECTION_LENGTH));
  checkMemory(file, start, sections);
  return sections;
}

/** Walks the GUIDed table backwards from its footer to the entry that says where the descriptor is. */
async function findDescriptor(file: RandomAccess): Promise<number> {
  const tableEnd = file.size - TABLE_END;
  const footer = await readEntryFooter(file, tableEnd);
  if (footer.guid !== GUID_TABLE_FOOTER)
    throw await otherFormat(
      file,
      "no GUIDed table at the end of the image, which OVMF_CODE and the joined file (OVMF.fd) have and OVMF_VARS has not",
      tableEnd - GUID_LENGTH,
    );
  const tableStart = tableEnd - footer.length;
  for (let end = tableEnd - ENTRY_FOOTER_LENGTH; end - ENTRY_FOOTER_LENGTH >= tableStart; ) {
    const { guid, length } = await readEntryFooter(file, end);
    if (length < ENTRY_FOOTER_LENGTH)
      throw file.malformed(`an entry of ${length} bytes`, end - ENTRY_FOOTER_LENGTH);
    if (guid === TDX_METADATA_OFFSET) {
      if (length !== ENTRY_FOOTER_LENGTH + 4)
        throw file.malformed(`a TDX metadata entry of ${length} bytes`, end - length);
      const entry = await file.read(end - length, 4, "the TDX metadata entry");
      return file.size - new DataView(entry.buffer).getUint32(0, true);
    }
    end -= length;
  }
  throw file.malformed("the firmware has no TDX metadata", tableStart);
}

async function readEntryFooter(file: RandomAccess, end: number): Promise<{ guid: string; length: number }> {
  const bytes = await file.read(
    end - ENTRY_FOOTER_LENGTH,
    ENTRY_FOOTER_LENGTH,
    "an entry of the GUIDed table",
  );
  return { guid: formatGuid(bytes.subarray(2)), length: new DataView(bytes.buffer).getUint16(0, true) };
}

async function readSection(file: RandomAccess, at: number): Promise<TdvfSection> {
  const view = new DataView((await file.read(at, SECTION_LENGTH, "a TDX metadata section")).buffer);
  const section = {
    dataOffset: view.getUint32(0, true),
    rawSize: view.getUint32(4, true),
    address: view.getBigUint64(8, true),
    memorySize: Number(view.getBigUint64(16, true)),
    type: view.getUint32(24, true),
    attributes: view.getUint32(28, true),
  };
  const { rawSize, memorySize, address, attributes } = section;
  if (section.dataOffset + rawSize > file.size && VOLUMES.includes(section.type))
    throw file.malformed(
      `the content of a TDX metadata section needs ${rawSize} bytes, the end is at ${file.size}: ${JOIN}`,
      section.dataOffset,
    );
  file.assertInside(section.dataOffset, rawSize, "the content of a TDX metadata section");
  if (memorySize % PAGE !== 0 || address % BigInt(PAGE) !== 0n)
    throw file.malformed("a section is not whole pages", at + 8);
  if (rawSize > memorySize)
    throw file.malformed(`${rawSize} bytes do not fit ${memorySize} bytes of memory`, at + 4);
  if (isMeasured(section) && memorySize > MAX_MEMORY)
    throw file.malformed(`a section of ${memorySize} bytes of memory`, at + 16);
  if ((attributes & ~(MR_EXTEND | PAGE_AUG)) !== 0)
    throw file.malformed(`unknown attributes 0x${attributes.toString(16)}`, at + 28);
  return section;
}

/** Pages that the guest accepts by itself leave no trace in MRTD, however many they are, unless their content is extended. */
function isMeasured({ attributes }: TdvfSection): boolean {
  return (attributes & PAGE_AUG) === 0 || (attributes & MR_EXTEND) !== 0;
}

function checkMemory(file: RandomAccess, start: number, sections: readonly TdvfSection[]): void {
  let end = 0n;
  for (const { address, memorySize } of sections.toSorted((a, b) => (a.address < b.address ? -1 : 1))) {
    if (address < end) throw file.malformed(`sections overlap in memory at 0x${address.toString(16)}`, start);
    end = address + BigInt(memorySize);
  }
}

/** The MRTD of a TD built from this firmware: SHA-384 in lower-case hex, sections in the order of the metadata. */
export async function computeMrtd(
  file: RandomAccess,
  sections: readonly TdvfSection[],
  order: PageAddOrder,
): Promise<string> {
  const mrtd = createHash("sha384");
  for (const section of sections.filter(isMeasured)) {
    if (order === "two-pass") for (const gpa of pagesOf(section)) addPage(mrtd, section, gpa);
    let page = 0;
    for await (const content of pageContents(file, section)) {
      const gpa = section.address + BigInt(page++ * PAGE);
      if (order === "single-pass") addPage(mrtd, section, gpa);
      extendPage(mrtd, section, gpa, content);
    }
  }
  return mrtd.digest("hex");
}

function* pagesOf({ address, memorySize }: TdvfSection): Generator<bigint> {
  for (let offset = 0; offset < memorySize; offset += PAGE) yield address + BigInt(offset);
}

/** The pages of a section one by one, zeros after its content. Each is valid until the next is asked for. */
async function* pageContents(file: RandomAccess, section: TdvfSection): AsyncGenerator<Uint8Array> {
  const page = new Uint8Array(PAGE);
  let done = 0;
  for await (const piece of file.chunks(section.dataOffset, section.rawSize, PAGE)) {
    page.fill(0).set(piece);
    yield page;
    done += PAGE;
  }
  page.fill(0);
  for (; done < section.memorySize; done += PAGE) yield page;
}

function addPage(mrtd: Hash, section: TdvfSection, gpa: bigint): void {
  if ((section.attributes & PAGE_AUG) === 0) mrtd.update(operation("MEM.PAGE.ADD", gpa));
}

function extendPage(mrtd: Hash, section: TdvfSection, gpa: bigint, content: Uint8Array): void {
  if ((section.attributes & MR_EXTEND) === 0) return;
  for (let at = 0; at < PAGE; at += CHUNK) {
    mrtd.update(operation("MR.EXTEND", gpa + BigInt(at))).update(content.subarray(at, at + CHUNK));
  }
}

/** The 128-byte block that stands for an operation: its name at 0, the guest physical address at 16. */
function operation(name: string, gpa: bigint): Uint8Array {
  const block = Buffer.alloc(128);
  block.write(name, "latin1");
  block.writeBigUInt64LE(gpa, 16);
  return block;
}
