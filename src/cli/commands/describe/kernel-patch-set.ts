// touchstone describe kernel-patch-set: base source, patches, configuration and built files into a statement.
import type { Command } from "commander";
import { describeKernelPatchSet } from "../../../publisher/describe/kernel-patch-set.ts";
import { type CliContext, UsageError } from "../../context.ts";
import { collect } from "../../options.ts";
import { addPatchOptions, collectTool, type PatchOptions, patchOriginOf } from "./patch-options.ts";
import { addReleaseOptions, type ReleaseOptions } from "./release-options.ts";
import { writeAndShow } from "./write-and-show.ts";

interface Options extends ReleaseOptions, PatchOptions {
  readonly base: string;
  readonly baseVersion?: string;
  readonly baseArchive?: string;
  readonly config?: string;
  readonly tool?: { name: string; version: string }[];
  readonly file?: string[];
  readonly json?: boolean;
}

const EXAMPLE = `
Example:
  touchstone describe kernel-patch-set --name acme/linux --version 6.12.107-1 --channel stable --svn 1 \\
    --builder https://ci.acme.example --source https://git.acme.example/linux \\
    --base-archive linux-6.12.107.tar.xz --series debian/patches --patch-notes purposes.toml \\
    --config .config --file arch/x86/boot/bzImage -o kernel.json

Patch ids are what 'git patch-id --stable' answers; without git they are null. A long list of patches is
written beside the statement, as sha256-<digest>.json, and published with it.`;

export function addKernelPatchSet(describe: Command, context: CliContext): void {
  const command = describe.command("kernel-patch-set").description("a patched kernel");
  addPatchOptions(addReleaseOptions(command))
    .option("--base <name>", "name of the base source", "linux")
    .option("--base-version <version>", "version of the base source (default: the title of --config)")
    .option("--base-archive <file>", "the base source archive")
    .option("--config <file>", "the resolved .config")
    .option(
      "--tool <name=version>",
      "a tool of the build; compiler and linker come from --config",
      collectTool,
    )
    .option("--file <file>", "a built file, such as bzImage; may be repeated", collect)
    .addHelpText("after", EXAMPLE)
    .action(async (options: Options) => {
      const patches = patchOriginOf(options);
      if (patches === undefined) throw new UsageError("give the patches: --series, or --git with --range");
      const described = await describeKernelPatchSet({
        release: options,
        baseName: options.base,
        patches,
        toolchain: options.tool ?? [],
        outputs: options.file ?? [],
        ...(options.baseVersion === undefined ? {} : { baseVersion: options.baseVersion }),
        ...(options.baseArchive === undefined ? {} : { baseArchive: options.baseArchive }),
        ...(options.patchNotes === undefined ? {} : { notes: options.patchNotes }),
        ...(options.config === undefined ? {} : { config: options.config }),
      });
      await writeAndShow(context, options, described);
    });
}
