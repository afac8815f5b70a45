// Computes the digest of the initrd that systemd-stub hands to the kernel, which Linux measures: .ucode, .initrd, then one cpio archive for
// each embedded file, each padded to 4 bytes (systemd src/boot/cpio.c, pack_cpio_literal; Linux Documentation/driver-api/early-userspace).
import { createHash, type Hash } from "node:crypto";
import type { PeImage, PeSection } from "../formats/pe.ts";
import type { Stub } from "./stub.ts";

const DIRECTORY = ".extra";
const DIRECTORY_MODE = 0o40555;
const FILE_MODE = 0o100444;
const CONTENT = [".ucode", ".initrd"];
/** The stub writes this one in upper case. */
const TRAILER = Buffer.from(
  `070701${"0".repeat(32)}00000001${"0".repeat(48)}0000000B${"0".repeat(8)}TRAILER!!!\0\0\0\0`,
);

/** SHA-384 in hex; null where the stub hands over nothing, and the kernel measures no initrd. */
export async function digestHandedOverInitrd(image: PeImage, { handedOver }: Stub): Promise<string | null> {
  const hash = createHash("sha384");
  let nothing = true;
  for (const name of CONTENT) {
    const section = find(image, name);
    if (section === undefined || section.virtualSize === 0) continue;
    nothing = false;
    await update(hash, image, section);
  }
  for (const [name, fileName] of handedOver) {
    const section = find(image, name);
    if (section === undefined) continue;
    nothing = false;
    hash.update(entry(DIRECTORY, DIRECTORY_MODE, 0, 1));
    hash.update(entry(`${DIRECTORY}/${fileName}`, FILE_MODE, section.virtualSize, 2));
    await update(hash, image, section);
    hash.update(TRAILER);
  }
  return nothing ? null : hash.digest("hex");
}

/** The section's content as it is in memory, padded to 4 bytes. */
async function update(hash: Hash, image: PeImage, section: PeSection): Promise<void> {
  const stored = Math.min(section.virtualSize, section.rawSize);
  for await (const piece of image.file.chunks(section.rawOffset, stored)) hash.update(piece);
  hash.update(new Uint8Array(section.virtualSize - stored));
  hash.update(new Uint8Array(-section.virtualSize & 3));
}

function find({ sections }: PeImage, name: string): PeSection | undefined {
  return sections.find((section) => section.name === name);
}

/** A header in the form "newc" and the padded name; times, owner and device are zero. */
function entry(name: string, mode: number, size: number, inode: number): Uint8Array {
  const fields = [inode, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name.length + 1, 0];
  const header = `070701${fields.map((value) => value.toString(16).padStart(8, "0")).join("")}${name}\0`;
  return Buffer.concat([Buffer.from(header), new Uint8Array(-header.length & 3)]);
}
