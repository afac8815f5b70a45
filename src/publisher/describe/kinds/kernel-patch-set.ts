// Says how the sources, patches and files of a patched kernel are named, to be described.
import * as z from "zod";
import { kernelPatchSet } from "../../../protocol/entry/kinds/kernel-patch-set.ts";
import { toolchain as tools } from "../../../protocol/entry/release.shape.ts";
import { zodOf } from "../../zod-of.ts";
import { describer, given, OptionsError } from "../describer.ts";
import { PATCH_OPTIONS, type PatchOptions, parseTools, patchOriginOf } from "../patch-options.ts";
import { patchOrigin, word } from "../table-fields.ts";

interface Options extends PatchOptions {
  readonly base: string;
  readonly baseVersion?: string;
  readonly baseArchive?: string;
  readonly config?: string;
  readonly tool?: string[];
  readonly file?: string[];
}

export const kernelPatchSetDescriber = describer({
  kind: kernelPatchSet,
  summary: "a patched kernel",
  options: [
    ...PATCH_OPTIONS,
    { flags: "--base <name>", description: "name of the base source", default: "linux" },
    {
      flags: "--base-version <version>",
      description: "version of the base source (default: the title of --config)",
    },
    { flags: "--base-archive <file>", description: "the base source archive" },
    { flags: "--config <file>", description: "the resolved .config" },
    {
      flags: "--tool <name=version>",
      description: "a tool of the build; compiler and linker come from --config",
      repeated: true,
    },
    {
      flags: "--file <file>",
      description: "a built file, such as bzImage; may be repeated",
      repeated: true,
    },
  ],
  example: `
Example:
  touchstone describe kernel-patch-set --name acme/linux --version 6.12.107-1 --channel stable --svn 1 \\
    --builder https://ci.acme.example --source https://git.acme.example/linux \\
    --base-archive linux-6.12.107.tar.xz --series debian/patches --patch-notes purposes.toml \\
    --config .config --file arch/x86/boot/bzImage -o kernel.json

Patch ids are what 'git patch-id --stable' answers; without git they are null. A long list of patches is
written beside the statement, as sha256-<digest>.json, and published with it.`,
  table: (path) => ({
    patches: patchOrigin(path),
    notes: path.exactOptional(),
    baseName: word.default("linux"),
    baseVersion: word.exactOptional(),
    baseArchive: path.exactOptional(),
    config: path.exactOptional(),
    toolchain: zodOf(tools).default([]),
    outputs: z.array(path).default([]),
  }),
  read(options: Options) {
    const toolchain = parseTools(options.tool);
    const patches = patchOriginOf(options);
    if (patches === undefined) throw new OptionsError("give the patches: --series, or --git with --range");
    const { base: baseName, baseVersion, baseArchive, config, patchNotes: notes } = options;
    return {
      patches,
      baseName,
      toolchain,
      outputs: options.file ?? [],
      ...given({ notes, baseVersion, baseArchive, config }),
    };
  },
  describe: async (input) => (await import("../kernel-patch-set.ts")).describeKernelPatchSet(input),
});
