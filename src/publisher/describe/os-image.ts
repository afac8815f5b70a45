// Describes a guest image: the erofs root file system and its dm-verity tree, the UKI, the Secure Boot variables, and what a
// known-good boot measured of them. The parts must belong together: one root hash, one UKI, one command line.
import { driverBuild } from "../../protocol/entry/kinds/driver-build.ts";
import { kernelPatchSet } from "../../protocol/entry/kinds/kernel-patch-set.ts";
import type { OsImage } from "../../protocol/entry/kinds/os-image.ts";
import { formatStatement, type Subject } from "../../protocol/envelope/statement.ts";
import { VerificationError } from "../../protocol/errors.ts";
import { formEvents } from "./boot/expected-events.ts";
import { readKnownGoodLog } from "./boot/known-good.ts";
import { checkSecureBoot, readSecureBoot, type SecureBootFiles } from "./boot/secure-boot.ts";
import { explainEvents, measureLoadOptions, predictEvents } from "./boot/tcg-prediction.ts";
import type { DescribeCode } from "./describe-code.ts";
import type { Described } from "./described.ts";
import { withFile } from "./files/random-access.ts";
import { measureGpt } from "./formats/gpt.ts";
import { readUki, rootHashesOf, type Uki } from "./formats/uki.ts";
import { readHardening } from "./kernel/image-hardening.ts";
import { type ReleaseInput, readReleaseFields } from "./release-fields.ts";
import { describeRootfs, type RootfsInput } from "./rootfs.ts";
import { readStatementReference } from "./statement-reference.ts";

export interface OsImageInput {
  readonly release: ReleaseInput;
  readonly rootfs: RootfsInput;
  /** Path of the UKI. */
  readonly uki: string;
  readonly secureBoot: SecureBootFiles;
  /** Path of the kernel's resolved .config, for what the command line does not say. */
  readonly kernelConfig?: string;
  /** Paths of the certificates that may sign modules, PEM or DER. */
  readonly moduleCertificates: readonly string[];
  /** Paths of the statements that this image is made from. */
  readonly kernelPatchSet: string;
  readonly driverBuild: string;
  /** Path of the event log of a known-good boot of this image. */
  readonly eventLog: string;
  /** Path of the disk image that was booted, to explain its partition table in the log. */
  readonly disk?: string;
  readonly removedFromTcb: OsImage["removedFromTcb"];
}

/**
 * @throws MalformedError on a file that is not of its format; VerificationError when parts do not belong together: the command line
 * carries another root hash ("root-hash"), or the event log is of a boot of another UKI or with other Secure Boot variables
 * ("event-log").
 */
export async function describeOsImage(input: OsImageInput): Promise<Described> {
  const { rootfs, verity, fileName } = await describeRootfs(input.rootfs);
  const uki = await withFile(input.uki, "UKI", readUki);
  checkRootHash(input.uki, uki.commandLine, verity.rootHash);
  const secureBoot = await readSecureBoot(input.secureBoot);
  const { attachments, ...measurements } = await readMeasurements(input, uki, secureBoot);
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
    driverBuild: await readStatementReference(input.driverBuild, driverBuild),
    measurements,
    removedFromTcb: input.removedFromTcb,
  };
  return { payload: formatStatement("os-image", predicate, subjects), attachments };
}

function stateUki({ fileName, sha256, size, authenticode, sections, signatures }: Uki): OsImage["uki"] {
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

async function readMeasurements(input: OsImageInput, uki: Uki, secureBoot: OsImage["secureBoot"]) {
  const { disk, eventLog } = input;
  const gpt = disk === undefined ? undefined : await withFile(disk, "disk image", measureGpt);
  const { log, registerOf, source } = await readKnownGoodLog(eventLog);
  const events = explainEvents(log, predictEvents(uki, gpt));
  if (!events.some(({ register, digest }) => register === "rtmr1" && digest === uki.authenticode.sha384))
    throw new VerificationError<DescribeCode>(
      "event-log",
      `${eventLog}: RTMR1 was not extended with ${input.uki}: another image was booted`,
    );
  checkSecureBoot(eventLog, log, secureBoot);
  const observed = { rtmr1: registerOf("rtmr1"), rtmr2: registerOf("rtmr2") };
  return { ...observed, derivation: "observed" as const, from: source, ...formEvents(events) };
}
