// Describes a guest image: the erofs root file system and its dm-verity tree, the UKI, the Secure Boot variables, and what a
// boot measures of them. The parts must belong together: one root hash, one UKI, one command line.
import { driverBuild } from "../../protocol/entry/kinds/driver-build.ts";
import { kernelPatchSet } from "../../protocol/entry/kinds/kernel-patch-set.ts";
import type { OsImage } from "../../protocol/entry/kinds/os-image.ts";
import { formatStatement, type Subject } from "../../protocol/envelope/statement.ts";
import { VerificationError } from "../../protocol/errors.ts";
import { measureLoadOptions } from "./boot/image-boot.ts";
import { type ImageMeasurementsInput, readMeasurements } from "./boot/image-measurements.ts";
import { readSecureBoot, type SecureBootFiles } from "./boot/secure-boot.ts";
import type { DescribeCode } from "./describe-code.ts";
import type { Described } from "./described.ts";
import { withFile } from "./files/random-access.ts";
import { readUki, rootHashesOf, type Uki } from "./formats/uki.ts";
import { checkContents } from "./image-contents.ts";
import { readHardening } from "./kernel/image-hardening.ts";
import { type ReleaseInput, readReleaseFields } from "./release-fields.ts";
import { describeRootfs, type RootfsInput } from "./rootfs.ts";
import { readReferenced, readStatementReference } from "./statement-reference.ts";

export interface OsImageInput extends ImageMeasurementsInput {
  readonly release: ReleaseInput;
  readonly rootfs: RootfsInput;
  readonly secureBoot: SecureBootFiles;
  /** Path of the kernel's resolved .config, for what the command line does not say. */
  readonly kernelConfig?: string;
  /** Paths of the certificates that may sign modules, PEM or DER. */
  readonly moduleCertificates: readonly string[];
  /** Paths of the statements that this image is made from. */
  readonly kernelPatchSet: string;
  readonly driverBuild: string;
  /** Paths of the GSP firmware files that the image must hold. */
  readonly gspFirmware?: readonly string[];
  readonly removedFromTcb: OsImage["removedFromTcb"];
}

/**
 * @throws MalformedError on a file that is not of its format; VerificationError when parts do not belong together: the command line
 * carries another root hash ("root-hash"), the event log is of a boot of another UKI or with other Secure Boot variables
 * ("event-log"), it holds another driver than it names ("image-content"), or nothing computes what a boot measures and no log shows it ("not-computable").
 */
export async function describeOsImage(input: OsImageInput): Promise<Described> {
  const { rootfs, verity, fileName } = await describeRootfs(input.rootfs);
  const uki = await withFile(input.uki, "UKI", readUki);
  checkRootHash(input.uki, uki.commandLine, verity.rootHash);
  const secureBoot = await readSecureBoot(input.secureBoot);
  const { measurements, attachments } = await readMeasurements(input, uki, secureBoot);
  const driver = await readReferenced(input.driverBuild, driverBuild);
  const subjects: Subject[] = [
    { name: fileName, digest: { sha256: rootfs.sha256 } },
    { name: uki.fileName, digest: { sha256: uki.sha256, sha384: uki.sha384 } },
  ];
  const predicate: OsImage = {
    ...(await readReleaseFields(input.release, subjects)),
    rootfs,
    verity,
    uki: stateUki(uki),
    commandLine: { text: uki.commandLine, measuredAs: measureLoadOptions(uki.commandLine) },
    ...(await readHardening(uki.commandLine, input.kernelConfig, input.moduleCertificates)),
    secureBoot,
    kernelPatchSet: await readStatementReference(input.kernelPatchSet, kernelPatchSet),
    driverBuild: driver.reference,
    contents: await checkContents(input.rootfs.image, driver.statement.predicate, input.gspFirmware ?? []),
    measurements,
    removedFromTcb: input.removedFromTcb,
  };
  return { payload: formatStatement("os-image", predicate, subjects), attachments };
}

export function stateUki({
  fileName,
  sha256,
  size,
  authenticode,
  sections,
  signatures,
}: Uki): OsImage["uki"] {
  return { fileName, sha256, size, authenticode, sections: [...sections], signatures: [...signatures] };
}

/** Every root hash that the command line names must be the one of the data: which of two wins is the initrd's choice. */
function checkRootHash(path: string, commandLine: string, rootHash: string): void {
  const named = rootHashesOf(commandLine);
  if (named.length === 0)
    throw new VerificationError<DescribeCode>(
      "root-hash",
      `${path}: the command line has no roothash= or systemd.verity_root_hash=`,
    );
  const other = named.find((value) => value !== rootHash);
  if (other !== undefined)
    throw new VerificationError<DescribeCode>(
      "root-hash",
      `${path}: the command line names root hash ${other}, the data have ${rootHash}`,
    );
}
