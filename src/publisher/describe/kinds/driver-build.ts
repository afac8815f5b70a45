// Says how NVIDIA's kernel modules as built, and what belongs to them, are named, to be described.
import * as z from "zod";
import { driverBuild } from "../../../protocol/entry/kinds/driver-build.ts";
import { toolchain } from "../../../protocol/entry/release.shape.ts";
import { zodOf } from "../../zod-of.ts";
import { describer, given, OptionsError } from "../describer.ts";
import { PATCH_OPTIONS, type PatchOptions, parseTools, patchOriginOf } from "../patch-options.ts";
import { patchOrigin, reference, word } from "../table-fields.ts";

interface Options extends PatchOptions {
  readonly modules: string;
  readonly kernel: string;
  readonly tag?: string;
  readonly commit?: string;
  readonly libraries?: string;
  readonly sourceTree?: string;
  readonly tool?: string[];
  readonly rimId?: string;
  readonly rim?: string;
  readonly running?: boolean;
}

export const driverBuildDescriber = describer({
  kind: driverBuild,
  summary: "a build of NVIDIA's open kernel modules",
  options: [
    ...PATCH_OPTIONS,
    {
      flags: "--modules <dir>",
      description: "folder of the built .ko files (.gz, .xz and .zst too)",
      required: true,
    },
    {
      flags: "--kernel <file>",
      description: "statement or envelope of the kernel-patch-set they are built for",
      required: true,
    },
    { flags: "--tag <name>", description: "git tag of NVIDIA's source" },
    { flags: "--commit <hex>", description: "git commit of NVIDIA's source" },
    { flags: "--libraries <dir>", description: "folder with libnvidia-pkcs11*.so" },
    {
      flags: "--source-tree <dir>",
      description: "NVIDIA's source, to find the CC firmware that is compiled in",
    },
    {
      flags: "--tool <name=version>",
      description: "a tool of the build; may be repeated",
      repeated: true,
    },
    { flags: "--rim-id <id>", description: "id of the driver's RIM" },
    { flags: "--rim <file>", description: "the driver's RIM file, digested" },
    { flags: "--running", description: "add what this host reports of its driver" },
  ],
  example: `
Example:
  touchstone describe driver-build --name acme/nvidia --version 550.163.01-1 --channel stable --svn 1 \\
    --builder https://ci.acme.example --source https://github.com/NVIDIA/open-gpu-kernel-modules \\
    --modules out/modules --kernel kernel.json --series nvidia-patches --libraries out/lib \\
    --rim-id NV_GPU_DRIVER_GH100_550.163.01 -o driver.json

--running adds what this host reports of its own driver. It is refused when the host runs another build, and the
statement marks it as observed: nothing proves it.`,
  table: (path) => ({
    modules: path,
    kernel: reference,
    patches: patchOrigin(path).exactOptional(),
    notes: path.exactOptional(),
    libraries: path.exactOptional(),
    sourceTree: path.exactOptional(),
    tag: word.exactOptional(),
    commit: word.exactOptional(),
    toolchain: zodOf(toolchain).default([]),
    rim: z.strictObject({ id: word, path: path.exactOptional() }).exactOptional(),
  }),
  async read(options: Options) {
    const { modules, kernel, patchNotes: notes, tag, commit, libraries, sourceTree } = options;
    return {
      modules,
      kernel,
      toolchain: parseTools(options.tool),
      ...given({ patches: patchOriginOf(options), notes, tag, commit, libraries, sourceTree }),
      ...rimOf(options),
      ...(options.running === true ? { observed: await observe() } : {}),
    };
  },
  describe: async (input) => (await import("../driver-build.ts")).describeDriverBuild(input),
});

function rimOf({ rimId, rim: path }: Options): { rim?: { id: string; path?: string } } {
  if (rimId === undefined && path === undefined) return {};
  if (rimId === undefined)
    throw new OptionsError("--rim needs --rim-id: the same id is served with different contents");
  return { rim: { id: rimId, ...given({ path }) } };
}

async function observe() {
  const { observeRunningDriver } = await import("../driver/running-driver.ts");
  return await observeRunningDriver();
}
