// touchstone describe driver-build: NVIDIA's kernel modules as built, and what belongs to them, into a statement.
import type { Command } from "commander";
import { observeRunningDriver } from "../../../publisher/describe/driver/running-driver.ts";
import { describeDriverBuild } from "../../../publisher/describe/driver-build.ts";
import { type CliContext, UsageError } from "../../context.ts";
import { addPatchOptions, collectTool, type PatchOptions, patchOriginOf } from "./patch-options.ts";
import { addReleaseOptions, type ReleaseOptions } from "./release-options.ts";
import { writeAndShow } from "./write-and-show.ts";

interface Options extends ReleaseOptions, PatchOptions {
  readonly modules: string;
  readonly kernel: string;
  readonly tag?: string;
  readonly commit?: string;
  readonly libraries?: string;
  readonly sourceTree?: string;
  readonly tool?: { name: string; version: string }[];
  readonly rimId?: string;
  readonly rim?: string;
  readonly running?: boolean;
  readonly json?: boolean;
}

const EXAMPLE = `
Example:
  touchstone describe driver-build --name acme/nvidia --version 550.163.01-1 --channel stable --svn 1 \\
    --builder https://ci.acme.example --source https://github.com/NVIDIA/open-gpu-kernel-modules \\
    --modules out/modules --kernel kernel.json --series nvidia-patches --libraries out/lib \\
    --rim-id NV_GPU_DRIVER_GH100_550.163.01 -o driver.json

--running adds what this host reports of its own driver. It is refused when the host runs another build, and the
statement marks it as observed: nothing proves it.`;

export function addDriverBuild(describe: Command, context: CliContext): void {
  const command = describe.command("driver-build").description("a build of NVIDIA's open kernel modules");
  addPatchOptions(addReleaseOptions(command))
    .requiredOption("--modules <dir>", "folder of the built .ko files (.gz, .xz and .zst too)")
    .requiredOption("--kernel <file>", "statement or envelope of the kernel-patch-set they are built for")
    .option("--tag <name>", "git tag of NVIDIA's source")
    .option("--commit <hex>", "git commit of NVIDIA's source")
    .option("--libraries <dir>", "folder with libnvidia-pkcs11*.so")
    .option("--source-tree <dir>", "NVIDIA's source, to find the CC firmware that is compiled in")
    .option("--tool <name=version>", "a tool of the build; may be repeated", collectTool)
    .option("--rim-id <id>", "id of the driver's RIM")
    .option("--rim <file>", "the driver's RIM file, digested")
    .option("--running", "add what this host reports of its driver")
    .addHelpText("after", EXAMPLE)
    .action(async (options: Options) => {
      await writeAndShow(context, options, await describeDriverBuild(await inputOf(options)));
    });
}

async function inputOf(options: Options): Promise<Parameters<typeof describeDriverBuild>[0]> {
  const patches = patchOriginOf(options);
  return {
    release: options,
    modules: options.modules,
    kernel: options.kernel,
    toolchain: options.tool ?? [],
    ...(patches === undefined ? {} : { patches }),
    ...(options.patchNotes === undefined ? {} : { notes: options.patchNotes }),
    ...(options.tag === undefined ? {} : { tag: options.tag }),
    ...(options.commit === undefined ? {} : { commit: options.commit }),
    ...(options.libraries === undefined ? {} : { libraries: options.libraries }),
    ...(options.sourceTree === undefined ? {} : { sourceTree: options.sourceTree }),
    ...rimOf(options),
    ...(options.running === true ? { observed: await observeRunningDriver() } : {}),
  };
}

function rimOf({ rimId, rim }: Options): { rim?: { id: string; path?: string } } {
  if (rimId === undefined && rim === undefined) return {};
  if (rimId === undefined)
    throw new UsageError("--rim needs --rim-id: the same id is served with different contents");
  return { rim: { id: rimId, ...(rim === undefined ? {} : { path: rim }) } };
}
