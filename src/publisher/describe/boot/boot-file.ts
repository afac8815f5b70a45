// Holds the file that firmware starts from a disk, \EFI\BOOT\BOOTX64.EFI of its EFI system partition, against the UKI that was given, and looks for
// what systemd-stub would take from beside it (systemd-stub(7), "Companion Files"). What cannot be read is said to be not checked.
import { createHash } from "node:crypto";
import { MalformedError, VerificationError } from "../../../protocol/errors.ts";
import type { DescribeCode } from "../describe-code.ts";
import { digestContent, type RandomAccess, withFile } from "../files/random-access.ts";
import { encodeGuid } from "../formats/efi-guid.ts";
import { type FatVolume, openFat } from "../formats/fat.ts";
import { type FatEntry, findEntry, listDirectory } from "../formats/fat-directory.ts";
import { readPartitionTable } from "../formats/gpt.ts";

/** Whether the boot file is the UKI. One that is another is an error, so there is no third outcome. */
export type BootFileCheck =
  | { readonly outcome: "equal" }
  | { readonly outcome: "not-checked"; readonly reason: string };

const ESP_TYPE = encodeGuid("c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
const BOOT_FILE = ["EFI", "BOOT", "BOOTX64.EFI"];
/** What is in these is added to the image or to what it measures, whichever kind of file it is. */
const ADDED = [
  ["EFI", "BOOT", "BOOTX64.EFI.extra.d"],
  ["loader", "addons"],
  ["loader", "credentials"],
  ["loader", "extensions"],
];

/**
 * @param disk path of the disk image, or undefined; @param uki path of the UKI.
 * @throws VerificationError "boot-file" where the boot file is missing or another than the UKI; "not-computable" where there are add-ons.
 */
export async function checkBootFile(disk: string | undefined, uki: string): Promise<BootFileCheck> {
  if (disk === undefined) return notChecked("give --disk");
  try {
    return await withFile(disk, "disk image", async (file) => {
      const found = await findEsps(file);
      const [esp] = found;
      if (esp === undefined || found.length > 1)
        return notChecked(`${disk} has ${found.length} EFI system partitions, one is expected`);
      const volume = await openFat(esp);
      await requireNoAddOns(volume);
      await requireSame(volume, uki);
      return { outcome: "equal" };
    });
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return notChecked(error.message);
  }
}

function notChecked(reason: string): BootFileCheck {
  return { outcome: "not-checked", reason };
}

async function findEsps(disk: RandomAccess): Promise<RandomAccess[]> {
  const { sector, used } = await readPartitionTable(disk);
  return used
    .map((entry) => Buffer.from(entry))
    .filter((entry) => entry.subarray(0, ESP_TYPE.length).equals(ESP_TYPE))
    .map((entry) => {
      const [first, last] = [entry.readBigUInt64LE(32), entry.readBigUInt64LE(40)];
      return disk.part(Number(first) * sector, Number(last - first + 1n) * sector, "EFI system partition");
    });
}

async function requireNoAddOns(volume: FatVolume): Promise<void> {
  for (const path of ADDED) {
    const folder = await findEntry(volume, path);
    const [first] = folder?.isDirectory ? await listDirectory(volume, folder) : [];
    if (first !== undefined)
      throw new VerificationError<DescribeCode>(
        "not-computable",
        `add-ons are on the ESP of ${volume.file.path}, ${asPath([...path, first.name])}: the stub may use and measure them; remove them from the disk, or boot by -kernel`,
      );
  }
}

async function requireSame(volume: FatVolume, uki: string): Promise<void> {
  const entry = await findEntry(volume, BOOT_FILE);
  const where = `${asPath(BOOT_FILE)} of ${volume.file.path}`;
  if (entry === null || entry.isDirectory)
    throw other(`no boot file: there is no ${where}; copy ${uki} there, or boot by -kernel`);
  const given = await withFile(uki, "UKI", (file) => digestContent(file, ["sha256"]));
  const differs = (measure: string, onDisk: string | number, ofUki: string | number) =>
    other(
      `an unknown boot file: ${where} has ${measure} ${onDisk}, ${uki} has ${ofUki}; give as --uki what is on the disk, or copy the UKI there`,
    );
  if (entry.size !== given.size) throw differs("length", entry.size, given.size);
  const sha256 = await digestEntry(volume, entry);
  if (sha256 !== given.sha256) throw differs("SHA-256", sha256, given.sha256);
}

async function digestEntry(volume: FatVolume, { cluster, size }: FatEntry): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of volume.content(cluster, size)) hash.update(piece);
  return hash.digest("hex");
}

function asPath(names: readonly string[]): string {
  return names.map((name) => `\\${name}`).join("");
}

function other(message: string): VerificationError<DescribeCode> {
  return new VerificationError<DescribeCode>("boot-file", message);
}
