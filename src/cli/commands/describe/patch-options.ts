// How a command line names patches: a quilt directory or a git range, and the notes on them. Tools are named alike.
import { type Command, InvalidArgumentError } from "commander";
import type { PatchOrigin } from "../../../publisher/describe/patches/patch-origin.ts";
import { UsageError } from "../../context.ts";

export interface PatchOptions {
  readonly series?: string;
  readonly seriesFile?: string;
  readonly git?: string;
  readonly range?: { readonly base: string; readonly tip: string };
  readonly patchNotes?: string;
}

export function addPatchOptions(command: Command): Command {
  return command
    .option("--series <dir>", "quilt directory with the patches and their series file")
    .option("--series-file <name>", "another list in that directory than 'series'")
    .option("--git <repository>", "git repository with the patches as commits, in place of --series")
    .option("--range <base..tip>", "the commits after base up to tip", parseRange)
    .option("--patch-notes <file>", "TOML or JSON: a patch's file name = its purpose");
}

/** @throws UsageError unless there is exactly one of --series and --git with --range, or neither. */
export function patchOriginOf(options: PatchOptions): PatchOrigin | undefined {
  const { series, seriesFile, git, range } = options;
  if ((git === undefined) !== (range === undefined))
    throw new UsageError("--git and --range belong together");
  if (series !== undefined && git !== undefined) throw new UsageError("give one of --series and --git");
  if (series !== undefined) return { directory: series, ...(seriesFile === undefined ? {} : { seriesFile }) };
  if (git !== undefined && range !== undefined) return { repository: git, ...range };
  return undefined;
}

function parseRange(text: string): { base: string; tip: string } {
  const [, base, tip] = /^([^\s-][^\s]*?)\.\.([^\s.-][^\s]*)$/.exec(text) ?? [];
  if (base === undefined || tip === undefined) throw new InvalidArgumentError("expected base..tip");
  return { base, tip };
}

/** "name=version", for an option that may be given several times. */
export function collectTool(
  text: string,
  earlier: readonly { name: string; version: string }[] = [],
): { name: string; version: string }[] {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("expected name=version");
  return [...earlier, { name: text.slice(0, at), version: text.slice(at + 1) }];
}
