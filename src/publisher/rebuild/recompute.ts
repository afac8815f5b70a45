// Computes again, from rebuilt files, the members of an entry that follow from files. Parameters that the entry states, such as boot paths,
// layout and the shape of the VM, are taken from it: they are what was rebuilt.
import { basename } from "node:path";
import type { DriverBuild } from "../../protocol/entry/kinds/driver-build.ts";
import { driverBuild } from "../../protocol/entry/kinds/driver-build.ts";
import { gspFirmware } from "../../protocol/entry/kinds/gsp-firmware.ts";
import { kernelPatchSet } from "../../protocol/entry/kinds/kernel-patch-set.ts";
import { type OsImage, osImage } from "../../protocol/entry/kinds/os-image.ts";
import { type Platform, platform } from "../../protocol/entry/kinds/platform.ts";
import type { Statement } from "../../protocol/envelope/statement.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { digestAcpi } from "../describe/boot/acpi-blobs.ts";
import { extendAll } from "../describe/boot/computed-event.ts";
import { readFirmware } from "../describe/boot/firmware.ts";
import { measureLoadOptions, measureUkiBoot } from "../describe/boot/image-boot.ts";
import { type MeasureInput, measureBoot } from "../describe/boot/measure.ts";
import { readModules } from "../describe/driver-build.ts";
import { digestFile, withFile } from "../describe/files/random-access.ts";
import { readUki } from "../describe/formats/uki.ts";
import { describeFile } from "../describe/gsp-firmware.ts";
import { stateUki } from "../describe/os-image.ts";
import { describeRootfs } from "../describe/rootfs.ts";

/** Paths of what was built again. */
export interface RebuiltFiles {
  readonly uki?: string;
  readonly rootfs?: string;
  readonly verity?: string;
  readonly disk?: string;
  /** Folder of kernel modules. */
  readonly modules?: string;
  readonly firmware?: string;
  readonly acpi?: string;
  /** Files of GSP firmware, or of a kernel build. */
  readonly outputs?: readonly string[];
  /** How the platform's images are started, which its RTMR0 depends on. */
  readonly boot: Pick<MeasureInput, "boot" | "bootOptions" | "diskDevice" | "secureBoot">;
}

type Recomputed = Readonly<Record<string, unknown>>;

/** The members that the files determine, as the entry would state them. @throws MalformedError where no file that was given is of this kind of entry. */
export async function recompute(statement: Statement, files: RebuiltFiles): Promise<Recomputed> {
  const members = await membersOf(statement, files);
  if (Object.keys(members).length > 0) return members;
  throw new MalformedError("rebuilt release", `none of the files given says anything of a ${statement.kind}`);
}

async function membersOf(statement: Statement, files: RebuiltFiles): Promise<Recomputed> {
  switch (statement.kind) {
    case osImage.kind:
      return await ofImage(statement.predicate, files);
    case platform.kind:
      return files.firmware === undefined ? {} : await ofPlatform(statement.predicate, files.firmware, files);
    case driverBuild.kind:
      return files.modules === undefined ? {} : await ofDriver(files.modules);
    case gspFirmware.kind:
      return files.outputs === undefined ? {} : { files: await Promise.all(files.outputs.map(describeFile)) };
    case kernelPatchSet.kind:
      return files.outputs === undefined ? {} : { outputs: await Promise.all(files.outputs.map(ofOutput)) };
    default:
      return {};
  }
}

async function ofImage(image: OsImage, files: RebuiltFiles): Promise<Recomputed> {
  return {
    ...(files.uki === undefined ? {} : await ofUki(image, files.uki, files.disk)),
    ...(files.rootfs === undefined ? {} : await ofRootfs(files.rootfs, files.verity)),
  };
}

async function ofUki(image: OsImage, path: string, disk: string | undefined): Promise<Recomputed> {
  const uki = await withFile(path, "UKI", readUki);
  const rows: OsImage["measurements"] = [];
  for (const row of image.measurements) {
    if (row.derivation !== "computed" || (row.bootPath === "uki-disk" && disk === undefined)) continue;
    const { bootPath, layout } = row;
    const secureBootOn = image.secureBoot.enabled;
    const boot = { uki: path, bootPath, layout, secureBootOn, ...(disk !== undefined && { disk }) };
    const { rtmr1, rtmr2 } = await measureUkiBoot(boot);
    const values = { rtmr1: extendAll(rtmr1).value ?? "", rtmr2: extendAll(rtmr2).value ?? "" };
    // What is compared of a row is its registers: its events follow from them, and where they were seen besides is no property of a file.
    rows.push({ ...row, ...values });
  }
  const { text, measuredAs } = { text: uki.commandLine, measuredAs: measureLoadOptions(uki.commandLine) };
  const complete = rows.length === image.measurements.length;
  return { uki: stateUki(uki), commandLine: { text, measuredAs }, ...(complete && { measurements: rows }) };
}

async function ofRootfs(image: string, verity: string | undefined): Promise<Recomputed> {
  const described = await describeRootfs({
    image,
    mkfsArguments: [],
    ...(verity !== undefined && { verity }),
  });
  const { mkfsArguments: _, sourceDateEpoch: __, ...rootfs } = described.rootfs;
  return { rootfs, verity: described.verity };
}

async function ofPlatform(
  stated: Platform,
  path: string,
  { acpi, boot, uki }: RebuiltFiles,
): Promise<Recomputed> {
  const firmware = await readFirmware(path);
  const name = stated.vmm.name === "other" ? undefined : stated.vmm.name;
  const measured = await measureBoot(
    {
      ...boot,
      layout: stated.layout,
      memory: stated.shape.memoryBytes,
      ...(name && { vmm: name }),
      ...(acpi !== undefined && { acpi }),
      ...(uki !== undefined && { uki }),
    },
    firmware,
  );
  const { pageAddOrder } = stated;
  const { value, events } = measured.rtmr0;
  return {
    firmware: { fileName: firmware.fileName, ...firmware.digests },
    ...(pageAddOrder !== "observed" && { mrtd: firmware.mrtd[pageAddOrder] }),
    ...(value !== null && { rtmr0: value, events }),
    ...(acpi !== undefined && { acpi: await digestAcpi(acpi) }),
  };
}

async function ofDriver(folder: string): Promise<Pick<DriverBuild, "modules">> {
  const { modules } = await readModules(folder, []);
  return { modules };
}

async function ofOutput(path: string) {
  const { sha256, size } = await digestFile(path, ["sha256"]);
  return { fileName: basename(path), sha256, size };
}
