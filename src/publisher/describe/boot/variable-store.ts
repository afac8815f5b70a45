// Reads the variable store of virtual firmware: the configuration firmware volume (PI 1.7 volume 3 §3.2.1), and in it the authenticated
// variables as EDK II stores them (MdeModulePkg/Include/Guid/VariableFormat.h).
import type { RandomAccess } from "../files/random-access.ts";
import { formatGuid, GUID_LENGTH } from "../formats/efi-guid.ts";

const SYSTEM_NV_DATA = "fff12b8d-7696-4c8b-a985-2747075b4f50";
const AUTHENTICATED_VARIABLES = "aaf32c78-947b-439a-a180-2e144ec37792";
const VOLUME_HEADER = 56;
const MIN_VOLUME_HEADER = 72;
const STORE_HEADER = 28;
const FORMATTED = 0x5a;
const HEALTHY = 0xfe;
const VARIABLE_HEADER = 60;
const VARIABLE_START = 0x55aa;
const ADDED = 0x3f;
/** Being replaced: it counts where no other of its name was added. */
const IN_DELETED_TRANSITION = 0x3e;
const MAX_VOLUME = 8 * 1024 * 1024;
const MAX_VARIABLES = 4096;

/** Content of a variable by "vendor GUID:name". */
export type Variables = ReadonlyMap<string, Uint8Array>;

/** @throws MalformedError where the volume is not one of variables, or its parts do not fit into each other. */
export async function readVariableStore(volume: RandomAccess): Promise<Variables> {
  if (volume.size > MAX_VOLUME) throw volume.malformed(`a volume of ${volume.size} bytes`, 0);
  const bytes = await volume.read(0, volume.size, "the configuration volume");
  const start = storeOffset(volume, bytes);
  volume.assertInside(start, STORE_HEADER, "the variable store");
  const view = new DataView(bytes.buffer);
  if (formatGuid(bytes.subarray(start, start + GUID_LENGTH)) !== AUTHENTICATED_VARIABLES)
    throw volume.malformed("no store of authenticated variables", start);
  const size = view.getUint32(start + 16, true);
  volume.assertInside(start, size, "the variable store");
  if (size < STORE_HEADER) throw volume.malformed(`a variable store of ${size} bytes`, start + 16);
  if (view.getUint8(start + 20) !== FORMATTED || view.getUint8(start + 21) !== HEALTHY)
    throw volume.malformed("the variable store is not formatted and healthy", start + 20);
  return readVariables(volume, bytes, start + STORE_HEADER, start + size);
}

/** Where the volume's header ends, which its 16-bit words say by adding up to zero. */
function storeOffset(volume: RandomAccess, bytes: Uint8Array): number {
  volume.assertInside(0, MIN_VOLUME_HEADER, "the header of a firmware volume");
  const view = new DataView(bytes.buffer);
  if (view.getUint32(40, false) !== 0x5f465648) throw volume.malformed("no firmware volume (_FVH)", 40);
  if (formatGuid(bytes.subarray(16, 32)) !== SYSTEM_NV_DATA)
    throw volume.malformed("not a volume of variables", 16);
  const length = view.getBigUint64(32, true);
  if (length > BigInt(volume.size))
    throw volume.malformed(`a volume of ${length} bytes, ${volume.size} are there`, 32);
  const header = view.getUint16(48, true);
  if (header < MIN_VOLUME_HEADER || header > volume.size || header % 2 !== 0)
    throw volume.malformed(`a volume header of ${header} bytes`, 48);
  let sum = 0;
  for (let at = 0; at < header; at += 2) sum = (sum + view.getUint16(at, true)) & 0xffff;
  if (sum !== 0)
    throw volume.malformed("the checksum of the volume's header does not hold", VOLUME_HEADER - 6);
  return header;
}

function readVariables(volume: RandomAccess, bytes: Uint8Array, start: number, end: number): Variables {
  const view = new DataView(bytes.buffer);
  const added = new Map<string, Uint8Array>();
  const replaced = new Map<string, Uint8Array>();
  let count = 0;
  for (let at = start; at + VARIABLE_HEADER <= end && view.getUint16(at, true) === VARIABLE_START; ) {
    if (++count > MAX_VARIABLES) throw volume.malformed(`more than ${MAX_VARIABLES} variables`, at);
    const nameSize = view.getUint32(at + 36, true);
    const dataSize = view.getUint32(at + 40, true);
    const content = at + VARIABLE_HEADER;
    if (nameSize % 2 !== 0 || nameSize < 2 || nameSize + dataSize > end - content)
      throw volume.malformed(`a variable with ${nameSize} bytes of name and ${dataSize} of data`, at + 36);
    const key = `${formatGuid(bytes.subarray(at + 44, at + 60))}:${text(bytes.subarray(content, content + nameSize))}`;
    const data = bytes.slice(content + nameSize, content + nameSize + dataSize);
    const state = view.getUint8(at + 2);
    if (state === ADDED && added.has(key)) throw volume.malformed(`the variable ${key} is there twice`, at);
    if (state === ADDED) added.set(key, data);
    if (state === IN_DELETED_TRANSITION) replaced.set(key, data);
    at = Math.ceil((content + nameSize + dataSize) / 4) * 4;
  }
  return new Map([...replaced, ...added]);
}

function text(utf16: Uint8Array): string {
  return Buffer.from(utf16).toString("utf16le").replace(/\0$/, "");
}
