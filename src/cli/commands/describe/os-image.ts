// touchstone describe os-image: an erofs image under dm-verity, a UKI and the log of a known-good boot into a statement.
import type { Command } from "commander";
import { readAs } from "../../../protocol/encoding/shape.ts";
import { osImage } from "../../../protocol/entry/kinds/os-image.ts";
import { parseJson } from "../../../protocol/envelope/parse-json.ts";
import { describeOsImage, type OsImageInput } from "../../../publisher/describe/os-image.ts";
import type { CliContext } from "../../context.ts";
import { readOwn } from "../../files.ts";
import { collect, parseCount } from "../../options.ts";
import { addReleaseOptions, type ReleaseOptions } from "./release-options.ts";
import { writeAndShow } from "./write-and-show.ts";

interface Options extends ReleaseOptions {
  readonly rootfs: string;
  readonly verity?: string;
  readonly verityOffset?: number;
  readonly mkfsArgument?: string[];
  readonly sourceDateEpoch?: number;
  readonly uki: string;
  readonly pk?: string;
  readonly kek?: string;
  readonly db?: string;
  readonly dbx?: string;
  readonly kernelConfig?: string;
  readonly moduleCertificate?: string[];
  readonly kernelPatchSet: string;
  readonly driverBuild: string;
  readonly eventLog: string;
  readonly disk?: string;
  readonly removed?: string;
  readonly json?: boolean;
}

const EXAMPLE = `
Example:
  touchstone describe os-image --name acme/guest --version 1.4.0 --channel stable --svn 3 \\
    --builder https://ci.acme.example --source https://git.acme.example/guest --source-commit 0123…cdef \\
    --rootfs root.erofs --verity root.verity --mkfs-argument=-zlz4hc --source-date-epoch 1767225600 \\
    --uki guest.efi --pk PK.auth --kek KEK.auth --db db.auth --dbx dbx.auth \\
    --kernel-patch-set kernel.json --driver-build driver.json --event-log ccel.bin -o os-image.json`;

export function addOsImage(describe: Command, context: CliContext): void {
  const command = describe
    .command("os-image")
    .description("a guest image: erofs, dm-verity, UKI, Secure Boot");
  addReleaseOptions(command)
    .requiredOption("--rootfs <file>", "erofs image of the root file system")
    .option(
      "--verity <file>",
      "dm-verity superblock and tree, where they do not follow the file system in the image",
    )
    .option("--verity-offset <bytes>", "where the verity superblock begins", parseCount)
    .option(
      "--mkfs-argument <argument>",
      "argument that mkfs.erofs was given, as --mkfs-argument=-zlz4hc; may be repeated",
      collect,
    )
    .option(
      "--source-date-epoch <seconds>",
      "SOURCE_DATE_EPOCH of the build; the image must agree",
      parseCount,
    )
    .requiredOption("--uki <file>", "unified kernel image; its command line must carry the root hash")
    .option("--pk <file>", "Secure Boot PK, .esl or .auth; without it Secure Boot is off")
    .option("--kek <file>", "Secure Boot KEK")
    .option("--db <file>", "Secure Boot db")
    .option("--dbx <file>", "Secure Boot dbx")
    .option("--kernel-config <file>", "the kernel's resolved .config, for lockdown and module signing")
    .option("--module-certificate <file>", "certificate that may sign modules; may be repeated", collect)
    .requiredOption("--kernel-patch-set <file>", "statement of the kernel")
    .requiredOption("--driver-build <file>", "statement of the driver build")
    .requiredOption("--event-log <file>", "event log of a known-good boot: CCEL or dstack JSON")
    .option("--disk <file>", "disk image that was booted, to explain its partition table")
    .option(
      "--removed <file>",
      'what was cut from the TCB: {"packages": […], "daemons": […], "kernelModules": […]}',
    )
    .addHelpText("after", EXAMPLE)
    .action(async (options: Options) => {
      await writeAndShow(context, options, await describeOsImage(toInput(options)));
    });
}

function toInput(options: Options): OsImageInput {
  const { pk, kek, db, dbx, verity, verityOffset, sourceDateEpoch, kernelConfig, disk } = options;
  return {
    release: options,
    rootfs: {
      image: options.rootfs,
      mkfsArguments: options.mkfsArgument ?? [],
      ...defined({ verity, verityOffset, sourceDateEpoch }),
    },
    uki: options.uki,
    secureBoot: defined({ pk, kek, db, dbx }),
    moduleCertificates: options.moduleCertificate ?? [],
    kernelPatchSet: options.kernelPatchSet,
    driverBuild: options.driverBuild,
    eventLog: options.eventLog,
    removedFromTcb: readRemoved(options.removed),
    ...defined({ kernelConfig, disk }),
  };
}

const MAX_REMOVED = 256 * 1024;

function readRemoved(path: string | undefined): OsImageInput["removedFromTcb"] {
  if (path === undefined) return { packages: [], daemons: [], kernelModules: [] };
  return readOwn(path, (bytes) =>
    readAs(osImage.schema.shape.removedFromTcb, parseJson(bytes, MAX_REMOVED), "what was removed"),
  );
}

/** The members that are not undefined: what an option object with exact optional members takes. */
function defined<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
