// Says how the parts of a guest image are named, to be described: an erofs image under dm-verity, a UKI, and its boots.
import * as z from "zod";
import { readAs } from "../../../protocol/encoding/shape.ts";
import { BOOT_PATHS, type BootPath, LAYOUTS, type Layout } from "../../../protocol/entry/boot.ts";
import { integer } from "../../../protocol/entry/fields.shape.ts";
import { type RemovedFromTcb, removedFromTcb } from "../../../protocol/entry/kinds/os-image.shape.ts";
import { osImage } from "../../../protocol/entry/kinds/os-image.ts";
import { parseJson } from "../../../protocol/envelope/parse-json.ts";
import { zodOf } from "../../zod-of.ts";
import { describer, given, OptionsError } from "../describer.ts";
import { withFile } from "../files/random-access.ts";
import { reference, word } from "../table-fields.ts";

interface Options {
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
  readonly gspFirmware?: readonly string[];
  readonly boot: string[];
  readonly eventLog?: string;
  readonly disk?: string;
  readonly removed?: string;
}

const NOTHING_REMOVED: RemovedFromTcb = { packages: [], daemons: [], kernelModules: [] };
const BOOTS = BOOT_PATHS.flatMap((path) =>
  LAYOUTS.map((layout) => [`${path}:${layout}`, { path, layout }] as const),
);
const boot = z.string().transform((name, context) => {
  const found = new Map<string, { path: BootPath; layout: Layout }>(BOOTS).get(name);
  if (found !== undefined) return found;
  context.addIssue({ code: "custom", message: "expected a boot path and a layout" });
  return z.NEVER;
});
const MAX_REMOVED = 256 * 1024;

export const osImageDescriber = describer({
  kind: osImage,
  summary: "a guest image: erofs, dm-verity, UKI, Secure Boot",
  options: [
    { flags: "--rootfs <file>", description: "erofs image of the root file system", required: true },
    {
      flags: "--verity <file>",
      description: "dm-verity superblock and tree, where they do not follow the file system in the image",
    },
    {
      flags: "--verity-offset <bytes>",
      description: "where the verity superblock begins",
      value: "count",
    },
    {
      flags: "--mkfs-argument <argument>",
      description: "argument that mkfs.erofs was given, as --mkfs-argument=-zlz4hc; may be repeated",
      repeated: true,
    },
    {
      flags: "--source-date-epoch <seconds>",
      description: "SOURCE_DATE_EPOCH of the build; the image must agree",
      value: "count",
    },
    {
      flags: "--uki <file>",
      description: "unified kernel image; its command line must carry the root hash",
      required: true,
    },
    { flags: "--pk <file>", description: "Secure Boot PK, .esl or .auth; without it Secure Boot is off" },
    { flags: "--kek <file>", description: "Secure Boot KEK" },
    { flags: "--db <file>", description: "Secure Boot db" },
    { flags: "--dbx <file>", description: "Secure Boot dbx" },
    {
      flags: "--kernel-config <file>",
      description: "the kernel's resolved .config, for lockdown and module signing",
    },
    {
      flags: "--module-certificate <file>",
      description: "certificate that may sign modules; may be repeated",
      repeated: true,
    },
    { flags: "--kernel-patch-set <file>", description: "statement of the kernel", required: true },
    { flags: "--driver-build <file>", description: "statement of the driver build", required: true },
    {
      flags: "--gsp-firmware <file>",
      description:
        "GSP firmware that the image must hold byte for byte, as it does the driver; may be repeated",
      repeated: true,
    },
    {
      flags: "--boot <path:layout>",
      description: `how it is started, and the layout of the firmware's events, as uki-kernel:edk2-202411; paths are ${BOOT_PATHS.join(", ")}, layouts ${LAYOUTS.join(", ")}; may be repeated`,
      required: true,
      repeated: true,
    },
    {
      flags: "--event-log <file>",
      description:
        "event log of a known-good boot, CCEL or dstack JSON: it must agree, and stands for what nothing computes",
    },
    {
      flags: "--disk <file>",
      description: "disk image that it is started from, for uki-disk",
    },
    {
      flags: "--removed <file>",
      description: 'what was cut from the TCB: {"packages": […], "daemons": […], "kernelModules": […]}',
    },
  ],
  example: `
Example:
  touchstone describe os-image --name acme/guest --version 1.4.0 --channel stable --svn 3 \\
    --builder https://ci.acme.example --source https://git.acme.example/guest --source-commit 0123…cdef \\
    --rootfs root.erofs --verity root.verity --mkfs-argument=-zlz4hc --source-date-epoch 1767225600 \\
    --uki guest.efi --pk PK.auth --kek KEK.auth --db db.auth --dbx dbx.auth \\
    --kernel-patch-set kernel.json --driver-build driver.json --boot uki-kernel:edk2-202411 -o os-image.json`,
  table: (path) => ({
    rootfs: z.strictObject({
      image: path,
      verity: path.exactOptional(),
      verityOffset: zodOf(integer).exactOptional(),
      mkfsArguments: z.array(word).default([]),
      sourceDateEpoch: zodOf(integer).exactOptional(),
    }),
    uki: path,
    kernelPatchSet: reference,
    driverBuild: reference,
    gspFirmware: z.array(path).exactOptional(),
    boots: z.array(boot).min(1).max(8),
    eventLog: path.exactOptional(),
    secureBoot: z
      .strictObject({
        pk: path.exactOptional(),
        kek: path.exactOptional(),
        db: path.exactOptional(),
        dbx: path.exactOptional(),
      })
      .default({}),
    kernelConfig: path.exactOptional(),
    moduleCertificates: z.array(path).default([]),
    disk: path.exactOptional(),
    removedFromTcb: zodOf(removedFromTcb).default(NOTHING_REMOVED),
  }),
  async read(options: Options) {
    const { uki, kernelPatchSet, driverBuild, eventLog, removed } = options;
    const boots = options.boot.map(readBoot);
    const { verity, verityOffset, sourceDateEpoch, pk, kek, db, dbx, kernelConfig, disk } = options;
    return {
      rootfs: {
        image: options.rootfs,
        mkfsArguments: options.mkfsArgument ?? [],
        ...given({ verity, verityOffset, sourceDateEpoch }),
      },
      uki,
      kernelPatchSet,
      driverBuild,
      boots,
      secureBoot: given({ pk, kek, db, dbx }),
      moduleCertificates: options.moduleCertificate ?? [],
      removedFromTcb: removed === undefined ? NOTHING_REMOVED : await readRemoved(removed),
      ...given({
        kernelConfig,
        disk,
        eventLog,
        gspFirmware: options.gspFirmware && [...options.gspFirmware],
      }),
    };
  },
  describe: async (input) => (await import("../os-image.ts")).describeOsImage(input),
});

function readBoot(text: string): z.infer<typeof boot> {
  const { data } = boot.safeParse(text);
  if (data !== undefined) return data;
  throw new OptionsError(
    `--boot takes a path and a layout, as uki-kernel:edk2-202411; paths are ${BOOT_PATHS.join(", ")}, layouts ${LAYOUTS.join(", ")}`,
  );
}

async function readRemoved(path: string): Promise<RemovedFromTcb> {
  const bytes = await withFile(path, "what was removed", (file) =>
    file.read(0, Math.min(file.size, MAX_REMOVED + 1), "the list"),
  );
  return readAs(removedFromTcb, parseJson(bytes, MAX_REMOVED), `what was removed, ${path}`);
}
