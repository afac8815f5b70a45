// Checks out the program of before a migration beside this one, from the history that a clone has: a shallow one may not have it.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { packagePath } from "../../src/node/package-root.ts";

const ROOT = packagePath(".");

/** What Node.js is called with to run sources, on 22.14 too. */
export const RUNNING_SOURCES = ["--experimental-strip-types", "--disable-warning=ExperimentalWarning"];

function git(...args: string[]): string {
  const { status, stdout } = spawnSync("git", ["-C", ROOT, ...args], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : "";
}

export class ProgramBefore {
  readonly #commit: string;

  /** The commit before the newest migration for an engine. */
  constructor(engine: "sqlite" | "postgres") {
    const newest = `migrations/${engine}/${readdirSync(packagePath("migrations", engine)).sort().at(-1)}`;
    const added = git("log", "--diff-filter=A", "--format=%H", "-1", "--", newest);
    this.#commit = added === "" ? "" : git("rev-parse", "--verify", "--quiet", `${added}^`);
  }

  /** Why it cannot be run; undefined where it can. @param file that has to be in it. */
  whyNot(file: string): string | undefined {
    if (this.#commit === "") return "the commit before the newest migration is not in this clone";
    if (git("ls-tree", "--name-only", this.#commit, file) === "")
      return `the commit before the newest migration has no ${file}`;
    return undefined;
  }

  /** @returns the path of a file in it. */
  checkOut(folder: string): (...path: string[]) => string {
    git("worktree", "add", "--detach", folder, this.#commit);
    const modules = join(folder, "node_modules");
    if (!existsSync(modules)) symlinkSync(packagePath("node_modules"), modules);
    return (...path) => join(folder, ...path);
  }

  remove(folder: string): void {
    git("worktree", "remove", "--force", folder);
  }
}
