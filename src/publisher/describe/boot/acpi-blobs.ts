// Reads the ACPI blobs that QEMU hands to the firmware over fw_cfg, and the order in which the firmware measures them: the loader script,
// and then each file as the script allocates it (edk2 OvmfPkg/Library/AcpiPlatformLib/QemuFwCfgAcpi.c; QEMU hw/acpi/bios-linker-loader.c).
import { access } from "node:fs/promises";
import { join } from "node:path";
import { MalformedError } from "../../../protocol/errors.ts";
import { type RandomAccess, withFile } from "../files/random-access.ts";
import { type ComputedEvent, known, sha384Hex, unknown } from "./computed-event.ts";

export const LOADER = "etc/table-loader";
export const RSDP = "etc/acpi/rsdp";
export const TABLES = "etc/acpi/tables";

const ENTRY = 128;
const NAME = 56;
const MAX_LOADER = 64 * ENTRY * 8;
const MAX_BLOB = 4 * 1024 * 1024;
const ALLOCATE = 1;
const ADD_POINTER = 2;
const ADD_CHECKSUM = 3;
const WRITE_POINTER = 4;
const POINTER_SIZES = [1, 2, 4, 8];

/** Name of a fw_cfg file as a file of a folder: etc/acpi/rsdp is etc_acpi_rsdp. */
export function blobFileName(name: string): string {
  return name.replaceAll("/", "_");
}

/**
 * The ACPI events of RTMR0.
 * @param folder with the blobs; undefined: they are unknown.
 * @throws MalformedError where the script is broken, allocates nothing, or patches what it did not allocate.
 */
export async function measureAcpi(folder: string | undefined): Promise<ComputedEvent[]> {
  const event = (digest: string, name: string) =>
    known("rtmr0", "EV_PLATFORM_CONFIG_FLAGS", "given", digest, `ACPI: ${name}, as the VMM made it`);
  if (folder === undefined)
    return [LOADER, RSDP, TABLES].map((name) =>
      unknown("rtmr0", "EV_PLATFORM_CONFIG_FLAGS", `ACPI: ${name}, give --acpi`),
    );
  const loader = await readBlob(folder, LOADER, MAX_LOADER);
  const blobs = await withFile(join(folder, blobFileName(LOADER)), "ACPI loader script", (file) =>
    readAllocated(file, loader, folder),
  );
  return [
    event(sha384Hex(loader), LOADER),
    ...[...blobs].map(([name, bytes]) => event(sha384Hex(bytes), name)),
  ];
}

/** SHA-384 of the three blobs that every q35 has, hex. */
export async function digestAcpi(folder: string): Promise<{ loader: string; rsdp: string; tables: string }> {
  const digest = async (name: string) => sha384Hex(await readBlob(folder, name, MAX_BLOB));
  return { loader: await digest(LOADER), rsdp: await digest(RSDP), tables: await digest(TABLES) };
}

async function readBlob(folder: string, name: string, limit: number): Promise<Uint8Array> {
  const path = join(folder, blobFileName(name));
  return await withFile(path, "ACPI blob", async (file) => {
    if (file.size > limit) throw file.malformed(`longer than ${limit} bytes`, limit);
    return await file.read(0, file.size, "the blob");
  });
}

/** Every file that the script allocates, in its order. */
async function readAllocated(
  file: RandomAccess,
  loader: Uint8Array,
  folder: string,
): Promise<Map<string, Uint8Array>> {
  if (loader.length % ENTRY !== 0) throw file.malformed("not whole commands of 128 bytes", loader.length);
  const blobs = new Map<string, Uint8Array>();
  for (let at = 0; at < loader.length; at += ENTRY) {
    const view = new DataView(loader.buffer, loader.byteOffset + at, ENTRY);
    const command = view.getUint32(0, true);
    if (command === 0) break;
    if (command === ALLOCATE) await allocate(file, at, view, folder, blobs);
    else checkPatch(file, at, view, command, blobs);
  }
  for (const name of [RSDP, TABLES])
    if (!blobs.has(name)) throw file.malformed(`the script does not allocate ${name}`, 0);
  return blobs;
}

async function allocate(
  file: RandomAccess,
  at: number,
  view: DataView,
  folder: string,
  blobs: Map<string, Uint8Array>,
): Promise<void> {
  const name = nameAt(file, at, view, 4);
  const alignment = view.getUint32(4 + NAME, true);
  if (alignment === 0 || (alignment & (alignment - 1)) !== 0 || alignment > 4096)
    throw file.malformed(`${name} is to be aligned to ${alignment}`, at + 4 + NAME);
  if (blobs.has(name)) throw file.malformed(`${name} is allocated twice`, at);
  const path = join(folder, blobFileName(name));
  await access(path).catch(() => {
    throw file.malformed(`allocates ${name}, and there is no file ${path}`, at);
  });
  blobs.set(name, await readBlob(folder, name, MAX_BLOB));
}

/** What a command patches must be inside of what was allocated before it. */
function checkPatch(
  file: RandomAccess,
  at: number,
  view: DataView,
  command: number,
  blobs: ReadonlyMap<string, Uint8Array>,
): void {
  const inside = (name: string, offset: number, length: number) => {
    const blob = blobs.get(name);
    if (blob === undefined) throw file.malformed(`patches ${name}, which is not allocated`, at);
    if (offset + length > blob.length)
      throw file.malformed(`patches ${length} bytes at ${offset} of ${name}, it has ${blob.length}`, at);
  };
  const first = nameAt(file, at, view, 4);
  if (command === ADD_CHECKSUM) {
    inside(first, view.getUint32(4 + NAME, true), 1);
    inside(first, view.getUint32(8 + NAME, true), view.getUint32(12 + NAME, true));
    return;
  }
  if (command !== ADD_POINTER && command !== WRITE_POINTER)
    throw file.malformed(`unknown command ${command}`, at);
  const second = nameAt(file, at, view, 4 + NAME);
  const writes = command === WRITE_POINTER;
  const size = view.getUint8(4 + 2 * NAME + (writes ? 8 : 4));
  if (!POINTER_SIZES.includes(size)) throw file.malformed(`a pointer of ${size} bytes`, at);
  inside(second, 0, 1);
  if (!writes) inside(first, view.getUint32(4 + 2 * NAME, true), size);
}

function nameAt(file: RandomAccess, at: number, view: DataView, offset: number): string {
  const field = Buffer.from(view.buffer, view.byteOffset + offset, NAME).toString("latin1");
  const name = field.replace(/\0.*$/s, "");
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*(?:\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/.test(name) || name.length === NAME)
    throw new MalformedError(
      `${file.format} ${file.path}`,
      "a file name that is none",
      `byte ${at + offset}`,
    );
  return name;
}
