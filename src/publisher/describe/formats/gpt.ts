// The partition table of a disk image as firmware measures it (UEFI 2.10 §5.3; TCG PC Client PFP §10.2.6, UEFI_GPT_DATA): the
// primary header, the number of partitions in use, and their entries.
import { createHash } from "node:crypto";
import type { RandomAccess } from "../files/random-access.ts";

const BLOCK = 512;
const HEADER_LENGTH = 92;
const ENTRY_LENGTH = 128;
const MAX_ENTRIES = 1024;

/** SHA-384 of the EV_EFI_GPT_EVENT of this disk, in hex. Disks with 512-byte blocks and 128-byte entries only. */
export async function measureGpt(disk: RandomAccess): Promise<string> {
  const header = await disk.read(BLOCK, HEADER_LENGTH, "the GPT header");
  const view = new DataView(header.buffer);
  if (Buffer.from(header.subarray(0, 8)).toString("latin1") !== "EFI PART")
    throw disk.malformed("no GPT signature", BLOCK);
  const count = view.getUint32(80, true);
  const entryLength = view.getUint32(84, true);
  if (entryLength !== ENTRY_LENGTH || count > MAX_ENTRIES)
    throw disk.malformed(`${count} entries of ${entryLength} bytes`, BLOCK + 80);
  const start = Number(view.getBigUint64(72, true)) * BLOCK;
  const table = await disk.read(start, count * ENTRY_LENGTH, "the partition entries");
  const used = [...Array(count).keys()]
    .map((i) => table.subarray(i * ENTRY_LENGTH, (i + 1) * ENTRY_LENGTH))
    .filter((entry) => entry.subarray(0, 16).some((byte) => byte !== 0));
  const usedCount = Buffer.alloc(8);
  usedCount.writeUInt32LE(used.length);
  const event = createHash("sha384").update(header).update(usedCount);
  for (const entry of used) event.update(entry);
  return event.digest("hex");
}
