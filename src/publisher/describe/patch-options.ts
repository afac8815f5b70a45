// Reads how a command line names patches, a quilt directory or a git range with notes on them, and the tools of a build.
import { type DescribeOption, given, OptionsError } from "./describer.ts";
import type { PatchOrigin } from "./patches/patch-origin.ts";

export interface PatchOptions {
  readonly series?: string;
  readonly seriesFile?: string;
  readonly git?: string;
  readonly range?: string;
  readonly patchNotes?: string;
}

export const PATCH_OPTIONS: readonly DescribeOption[] = [
  { flags: "--series <dir>", description: "quilt directory with the patches and their series file" },
  { flags: "--series-file <name>", description: "another list in that directory than 'series'" },
  {
    flags: "--git <repository>",
    description: "git repository with the patches as commits, in place of --series",
  },
  { flags: "--range <base..tip>", description: "the commits after base up to tip" },
  { flags: "--patch-notes <file>", description: "TOML or JSON: a patch's file name = its purpose" },
];

/** @throws OptionsError unless there is exactly one of --series and --git with --range, or neither. */
export function patchOriginOf({ series, seriesFile, git, range }: PatchOptions): PatchOrigin | undefined {
  if (series !== undefined && git !== undefined) throw new OptionsError("give one of --series and --git");
  if (series !== undefined) return { directory: series, ...given({ seriesFile }) };
  if (git === undefined && range === undefined) return undefined;
  if (git === undefined || range === undefined) throw new OptionsError("--git and --range belong together");
  return { repository: git, ...parseRange(range) };
}

function parseRange(text: string): { base: string; tip: string } {
  const [, base, tip] = /^([^\s-][^\s]*?)\.\.([^\s.-][^\s]*)$/.exec(text) ?? [];
  if (base === undefined || tip === undefined) throw new OptionsError(`--range ${text}: expected base..tip`);
  return { base, tip };
}

/** Tools, each given as "name=version". */
export function parseTools(texts: readonly string[] = []): { name: string; version: string }[] {
  return texts.map((text) => {
    const at = text.indexOf("=");
    if (at < 1) throw new OptionsError(`--tool ${text}: expected name=version`);
    return { name: text.slice(0, at), version: text.slice(at + 1) };
  });
}
