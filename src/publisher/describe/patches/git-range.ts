// Reads the commits of a git range as patches, oldest first. git itself reads the objects. Each patch is the e-mail form of one commit,
// made by the plumbing command diff-tree with every choice spelled out, in an empty repository that borrows the objects: so neither
// configuration nor attributes, grafts or what is checked out change a byte.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { runTool } from "../../../node/run-tool.ts";
import { MalformedError } from "../../../protocol/errors.ts";
import type { SeriesPatch } from "./patch-series.ts";

const FORMAT = "git range";
const MAX_COMMITS = 10_000;
const MAX_PATCH = 16 * 1024 * 1024;
const OBJECT_NAME = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** A repository's own configuration may name programs to run. None of them may be. */
const SAFE_CONFIG = [
  ["core.fsmonitor", "false"],
  ["core.hooksPath", "/dev/null"],
  ["core.attributesFile", "/dev/null"],
  ["core.quotePath", "true"],
  ["core.commitGraph", "false"],
  ["log.showSignature", "false"],
  ["diff.orderFile", "/dev/null"],
  ["diff.suppressBlankEmpty", "false"],
  ["i18n.logOutputEncoding", "UTF-8"],
  ["protocol.allow", "never"],
].flatMap(([name, value]) => ["-c", `${name}=${value}`]);

const PATCH_FORM = [
  "diff-tree",
  "--root",
  "--pretty=email",
  "--encoding=UTF-8",
  "--patch",
  "--binary",
  "--full-index",
  "--unified=3",
  "--inter-hunk-context=0",
  "--diff-algorithm=myers",
  "--src-prefix=a/",
  "--dst-prefix=b/",
  "--no-renames",
  "--no-ext-diff",
  "--no-textconv",
  "--no-color",
  "--no-notes",
  "--submodule=short",
  "--ignore-submodules=none",
];

export interface GitRange {
  /** Full object names of the two ends: the commit before the first patch, and the last patch. */
  readonly base: string;
  readonly tip: string;
  readonly patches: readonly SeriesPatch[];
}

/**
 * The commits after `base` up to `tip` in the repository at `repository`, named like `git format-patch` names its files.
 * @throws MalformedError when an end names no commit, when history between them is not one line, or is empty or too long;
 * ToolMissingError without git, ToolError when git fails, as it does where the history between the ends is not all there.
 */
export async function readGitRange(repository: string, base: string, tip: string): Promise<GitRange> {
  const git = gitIn(resolve(repository));
  await git(["rev-parse", "--git-dir"]);
  const ends = { base: await resolveCommit(git, base), tip: await resolveCommit(git, tip) };
  const borrowing = mkdtempSync(join(tmpdir(), "touchstone-git-"));
  try {
    return { ...ends, patches: await readPatches(await borrowObjects(git, borrowing), ends) };
  } finally {
    rmSync(borrowing, { recursive: true, force: true });
  }
}

async function readPatches(git: Git, { base, tip }: Omit<GitRange, "patches">): Promise<SeriesPatch[]> {
  const patches: SeriesPatch[] = [];
  for (const commit of await listCommits(git, base, tip)) {
    const bytes = await git([...PATCH_FORM, commit], MAX_PATCH);
    patches.push({ fileName: `${String(patches.length + 1).padStart(4, "0")}-${commit}.patch`, bytes });
  }
  return patches;
}

type Git = (args: readonly string[], maxOutput?: number) => Promise<Uint8Array>;

/** Whoever names a repository means it, whoever owns it; nothing of its configuration is run. */
function gitIn(path: string): Git {
  const fixed = ["-C", path, "-c", `safe.directory=${path}`, ...SAFE_CONFIG];
  return (args, maxOutput) =>
    runTool("git", [...fixed, ...args], maxOutput === undefined ? {} : { maxOutput });
}

/** An empty repository in `folder` that finds the objects of another one (gitrepository-layout(5), objects/info/alternates). */
async function borrowObjects(git: Git, folder: string): Promise<Git> {
  const line = async (...args: string[]) =>
    Buffer.from(await git(args))
      .toString("utf8")
      .trim();
  const format = await line("rev-parse", "--show-object-format");
  const objects = await line("rev-parse", "--path-format=absolute", "--git-path", "objects");
  const own = gitIn(folder);
  await own(["init", "--quiet", "--bare", "--template=", `--object-format=${format}`, "."]);
  writeFileSync(join(folder, "objects", "info", "alternates"), `${objects}\n`);
  return own;
}

async function resolveCommit(git: Git, revision: string): Promise<string> {
  const output = await git([
    "rev-parse",
    "--verify",
    "--quiet",
    "--end-of-options",
    `${revision}^{commit}`,
  ]).catch((error: unknown) => {
    if (error instanceof Error && error.name === "ToolError") return undefined;
    throw error;
  });
  const name = output === undefined ? "" : Buffer.from(output).toString("latin1").trim();
  if (!OBJECT_NAME.test(name))
    throw new MalformedError(FORMAT, `${JSON.stringify(revision)} names no commit`);
  return name;
}

/** Commits in order of application. A merge has no single patch, so that history must be one line from base to tip. */
async function listCommits(git: Git, base: string, tip: string): Promise<string[]> {
  const output = await git([
    "rev-list",
    "--reverse",
    "--topo-order",
    "--parents",
    "--end-of-options",
    tip,
    `^${base}`,
  ]);
  const lines = Buffer.from(output).toString("latin1").split("\n").slice(0, -1);
  if (lines.length === 0) throw new MalformedError(FORMAT, `no commits between ${base} and ${tip}`);
  if (lines.length > MAX_COMMITS)
    throw new MalformedError(FORMAT, `${lines.length} commits, at most ${MAX_COMMITS}`);
  let parent = base;
  return lines.map((line) => {
    const [commit = "", ...parents] = line.split(" ");
    if (parents.length !== 1 || parents[0] !== parent)
      throw new MalformedError(FORMAT, `history from ${base} is not one line: ${commit} has other parents`);
    parent = commit;
    return commit;
  });
}
