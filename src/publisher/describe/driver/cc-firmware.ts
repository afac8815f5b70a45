// Finds the firmware that brings up GSP in confidential-computing mode (the CC "FMC"). It travels inside nvidia.ko: NVIDIA's build makes
// C arrays of it (src/nvidia/generated/g_bindata_kgspGetBinArchiveGspRmCcFmc…_<chip>.c) and its SHA-384 beside it. It is found
// by the arrays' symbols in the module, or in the source tree and by the source's bytes in the module.
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { crc32, inflateRawSync } from "node:zlib";
import { encodeHex } from "../../../protocol/encoding/hex.ts";
import type { DriverBuild } from "../../../protocol/entry/kinds/driver-build.ts";
import { MalformedError } from "../../../protocol/errors.ts";
import { findFiles } from "../files/find-files.ts";
import { type Elf, findSection, findSymbols, readSectionBytes, type SymbolPlace } from "../formats/elf.ts";

export type CcFirmware = DriverBuild["ccFirmware"][number];

const FORMAT = "CC firmware";
const SYMBOL = /^kgspBinArchive\w*CcFmc\w*_ucode_(?:image|hash)_data$/;
const GENERATED = /^g_bindata_kgspGetBinArchive\w*CcFmc\w*\.c$/;
const ARRAY =
  /\bNvU8\s+(kgspBinArchive\w*CcFmc\w*_ucode_(?:image|hash)_data)\s*\[\s*\]\s*=\s*\{([0-9a-fxA-F,\s]*)\}/g;
const MAX_SOURCE = 64 * 1024 * 1024;
const MAX_IMAGE = 16 * 1024 * 1024;

/** An image under the name of its array, with the place where it was found. */
export interface FoundImage {
  readonly array: string;
  /** The firmware itself. */
  readonly image: Uint8Array;
  /** The array's bytes: the image, or its packed form. */
  readonly stored: Uint8Array;
  readonly foundIn: string;
}

/** The images that a module's symbols name. A module without symbols has none. */
export async function findInModule(elf: Elf, fileName: string): Promise<FoundImage[]> {
  const arrays = new Map<string, Uint8Array>();
  const places = new Map<string, SymbolPlace>();
  for (const place of await findSymbols(elf, SYMBOL)) {
    if (places.has(place.name)) throw elf.file.malformed(`two symbols are named ${place.name}`, place.offset);
    places.set(place.name, place);
    arrays.set(place.name, await elf.file.read(place.offset, place.size, place.name));
  }
  return pairImages(arrays, (name) => `${fileName} ${places.get(name)?.section}, symbol ${name}`);
}

/** The images in the generated sources under `tree`. */
export async function findInSource(tree: string): Promise<FoundImage[]> {
  const found: FoundImage[] = [];
  for (const { path, fileName } of await findFiles(tree, GENERATED)) {
    const { size } = await stat(path);
    if (size > MAX_SOURCE)
      throw new MalformedError(`${FORMAT} source ${path}`, `${size} bytes, at most ${MAX_SOURCE} are read`);
    const text = await readFile(path, "latin1");
    const arrays = new Map(
      [...text.matchAll(ARRAY)].map(([, name = "", body = ""]) => [name, readBytes(body, path)]),
    );
    found.push(...pairImages(arrays, (name) => `source ${basename(fileName)}, array ${name}`));
  }
  return found;
}

/** The images of the source tree that a module's .rodata holds, byte for byte: for modules without symbols. */
export async function findBySource(
  elf: Elf,
  fileName: string,
  known: readonly FoundImage[],
): Promise<FoundImage[]> {
  const section = findSection(elf, ".rodata");
  if (section === undefined || known.length === 0) return [];
  const bytes = Buffer.from(await readSectionBytes(elf, section));
  return known
    .filter(({ stored }) => bytes.indexOf(stored) >= 0)
    .map((found) => ({ ...found, foundIn: `${fileName} .rodata, bytes of source array ${found.array}` }));
}

export function describeCcFirmware({ image, foundIn }: FoundImage): CcFirmware {
  return { foundIn, sha384: createHash("sha384").update(image).digest("hex"), size: image.length };
}

/** Each image array with the digest that was compiled in beside it, which it must have. */
function pairImages(
  arrays: ReadonlyMap<string, Uint8Array>,
  placeOf: (name: string) => string,
): FoundImage[] {
  return [...arrays]
    .filter(([name]) => name.endsWith("_ucode_image_data"))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([array, stored]) => {
      const image = unpackArray(stored);
      const hash = arrays.get(array.replace("_image_data", "_hash_data"));
      if (
        hash !== undefined &&
        createHash("sha384").update(image).digest("hex") !== encodeHex(unpackArray(hash))
      )
        throw new MalformedError(
          FORMAT,
          "the image has not the SHA-384 that is compiled in beside it",
          placeOf(array),
        );
      return { array, image, stored, foundIn: placeOf(array) };
    });
}

/**
 * NVIDIA's build packs some arrays (535) and some not (550): a raw deflate stream, then CRC-32 and length as at the end of gzip
 * (RFC 1952 §2.3.1), which tell a packed array from a plain one.
 */
function unpackArray(bytes: Uint8Array): Uint8Array {
  if (bytes.length < 8) return bytes;
  const trailer = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 8, 8);
  const size = trailer.getUint32(4, true);
  if (size === 0 || size > MAX_IMAGE) return bytes;
  const inflated = inflate(bytes.subarray(0, -8), size);
  const packed = inflated?.length === size && crc32(inflated) === trailer.getUint32(0, true);
  return packed ? inflated : bytes;
}

function inflate(bytes: Uint8Array, size: number): Uint8Array | undefined {
  try {
    return inflateRawSync(bytes, { maxOutputLength: size });
  } catch {
    return undefined;
  }
}

function readBytes(body: string, path: string): Uint8Array {
  const items = body.split(",").map((item) => item.trim());
  if (items.at(-1) === "") items.pop();
  const strange = items.find((item) => !/^0x[0-9a-fA-F]{2}$/.test(item));
  if (strange !== undefined)
    throw new MalformedError(
      `${FORMAT} source ${path}`,
      `${JSON.stringify(strange.slice(0, 20))} is no byte`,
    );
  return Uint8Array.from(items, (item) => Number.parseInt(item, 16));
}
