// Reads the layout of a PE/COFF image ("PE Format", Microsoft Learn): headers, section table, certificate table. Images whose
// parts overlap or leave a gap are refused, since implementations disagree about the Authenticode digest of such files.
import { otherFormat } from "../files/other-format.ts";
import { firstNonZero, type RandomAccess } from "../files/random-access.ts";

const MAX_SECTIONS = 96;
const DIRECTORY_OF_CERTIFICATES = 4;
const PE32 = { directoryCount: 92, directories: 96 } as const;
const PE32_PLUS = { directoryCount: 108, directories: 112 } as const;

export interface PeSection {
  /** At most 8 characters, trailing NULs removed. */
  readonly name: string;
  /** Bytes in memory; what lies beyond `rawSize` is zero. */
  readonly virtualSize: number;
  readonly virtualAddress: number;
  /** Bytes in the file and where they begin; both 0 where the file has none. */
  readonly rawSize: number;
  readonly rawOffset: number;
}

/** Offset and length in bytes of a part of the file. */
export interface Extent {
  readonly offset: number;
  readonly length: number;
}

export interface PeImage {
  readonly file: RandomAccess;
  readonly sections: readonly PeSection[];
  /** Bytes of the headers as the image states them, section table included. */
  readonly headerSize: number;
  readonly checksumOffset: number;
  /** Offset of the 8-byte directory entry of the certificate table; undefined in an image with fewer directories. */
  readonly certificateEntryOffset: number | undefined;
  /** The certificate table at the end of the file. */
  readonly certificateTable: Extent | undefined;
}

/** @throws MalformedError on a wrong signature, parts outside the file, overlaps, gaps, or data after the certificate table. */
export async function readPeImage(file: RandomAccess): Promise<PeImage> {
  return await readLayout(file, false);
}

/**
 * The image at the beginning of `file`, without the zeros that pad it to the alignment of what holds it.
 * @throws MalformedError as `readPeImage` does, and where anything but zeros follows the image.
 */
export async function readPaddedPeImage(file: RandomAccess): Promise<PeImage> {
  const { sections, headerSize, certificateTable } = await readLayout(file, true);
  const end =
    certificateTable === undefined
      ? sections.reduce((size, section) => size + section.rawSize, headerSize)
      : endOf(certificateTable);
  const rest = await firstNonZero(file, end);
  if (rest !== undefined) throw file.malformed("data after the image that are not padding", rest);
  return await readPeImage(file.part(0, end, file.format));
}

async function readLayout(file: RandomAccess, padded: boolean): Promise<PeImage> {
  const dos = await file.read(0, 64, "the DOS header");
  if (dos[0] !== 0x4d || dos[1] !== 0x5a) throw await otherFormat(file, "no MZ signature", 0);
  const start = new DataView(dos.buffer).getUint32(60, true);
  const coff = new DataView((await file.read(start, 24, "the COFF header")).buffer);
  if (coff.getUint32(0, false) !== 0x50450000) throw file.malformed("no PE signature", start);
  const sectionCount = coff.getUint16(6, true);
  if (sectionCount === 0 || sectionCount > MAX_SECTIONS)
    throw file.malformed(`${sectionCount} sections, from 1 to ${MAX_SECTIONS} are accepted`, start + 6);
  const optional = await readOptionalHeader(file, start + 24, coff.getUint16(20, true), padded);
  const table = optional.end;
  if (table + sectionCount * 40 > optional.headerSize)
    throw file.malformed(`the section table ends after the ${optional.headerSize} bytes of headers`, table);
  const sections: PeSection[] = [];
  for (let at = table; at < table + sectionCount * 40; at += 40) sections.push(await readSection(file, at));
  const image = { file, sections, ...optional };
  assertOneAfterTheOther(image);
  return image;
}

async function readOptionalHeader(file: RandomAccess, offset: number, length: number, padded: boolean) {
  const bytes = await file.read(offset, length, "the optional header");
  const view = new DataView(bytes.buffer);
  const magic = length >= 2 ? view.getUint16(0, true) : 0;
  const layout = magic === 0x20b ? PE32_PLUS : magic === 0x10b ? PE32 : undefined;
  if (layout === undefined || length < layout.directories)
    throw file.malformed(`optional header of ${length} bytes with magic 0x${magic.toString(16)}`, offset);
  const directories = view.getUint32(layout.directoryCount, true);
  if (directories > (length - layout.directories) / 8)
    throw file.malformed(
      `${directories} data directories do not fit the optional header`,
      offset + layout.directoryCount,
    );
  const headerSize = view.getUint32(60, true);
  file.assertInside(0, headerSize, "the headers");
  const entry = layout.directories + DIRECTORY_OF_CERTIFICATES * 8;
  const hasEntry = directories > DIRECTORY_OF_CERTIFICATES;
  return {
    end: offset + length,
    headerSize,
    checksumOffset: offset + 64,
    certificateEntryOffset: hasEntry ? offset + entry : undefined,
    certificateTable: hasEntry ? certificateTable(file, view, offset, entry, padded) : undefined,
  };
}

function certificateTable(
  file: RandomAccess,
  view: DataView,
  optionalHeader: number,
  entry: number,
  padded: boolean,
): Extent | undefined {
  const extent = { offset: view.getUint32(entry, true), length: view.getUint32(entry + 4, true) };
  if (extent.offset === 0 && extent.length === 0) return undefined;
  const end = endOf(extent);
  if (extent.length === 0 || end > file.size || (end < file.size && !padded))
    throw file.malformed("the certificate table does not end where the file ends", optionalHeader + entry);
  return extent;
}

async function readSection(file: RandomAccess, at: number): Promise<PeSection> {
  const bytes = await file.read(at, 40, "a section header");
  const view = new DataView(bytes.buffer);
  const name = Buffer.from(bytes.subarray(0, 8)).toString("latin1").replace(/\0+$/, "");
  if (!/^[.A-Za-z0-9_$-]{1,8}$/.test(name)) throw file.malformed(`section name ${JSON.stringify(name)}`, at);
  const rawSize = view.getUint32(16, true);
  const rawOffset = rawSize === 0 ? 0 : view.getUint32(20, true);
  file.assertInside(rawOffset, rawSize, `section ${name}`);
  return {
    name,
    virtualSize: view.getUint32(8, true),
    virtualAddress: view.getUint32(12, true),
    rawSize,
    rawOffset,
  };
}

/** Headers, sections and certificate table follow each other in the file without overlap or gap, and sections do not overlap in memory. */
function assertOneAfterTheOther({ file, sections, headerSize, certificateTable }: PeImage): void {
  let end = headerSize;
  for (const section of inFileOrder(sections)) {
    if (section.rawOffset !== end)
      throw file.malformed(
        `section ${section.name} ${section.rawOffset < end ? "overlaps what is before it" : `leaves a gap after byte ${end}`}`,
        section.rawOffset,
      );
    end += section.rawSize;
  }
  if (certificateTable !== undefined && certificateTable.offset < end)
    throw file.malformed("the certificate table overlaps a section", certificateTable.offset);
  let memoryEnd = 0;
  for (const section of sections.toSorted((a, b) => a.virtualAddress - b.virtualAddress)) {
    if (section.virtualAddress < memoryEnd)
      throw file.malformed(`section ${section.name} overlaps another in memory`, section.rawOffset);
    memoryEnd = section.virtualAddress + section.virtualSize;
  }
}

function endOf({ offset, length }: Extent): number {
  return offset + length;
}

/** The sections that have bytes in the file, as they follow each other there. */
function inFileOrder(sections: readonly PeSection[]): PeSection[] {
  return sections.filter((section) => section.rawSize > 0).sort((a, b) => a.rawOffset - b.rawOffset);
}
