// Builds a program in Go that stands beside a test. Go keeps what it built and downloaded, so that only the first build takes long.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface GoProgram {
  /** Path of the program; null where Go or a module is not there. */
  readonly path: string | null;
  /** Why not, for the name of the skipped test. */
  readonly why: string;
  remove(): void;
}

/** @param source folder with the go.mod and the go.sum that pin every module. */
export function buildGo(source: string): GoProgram {
  const folder = mkdtempSync(join(tmpdir(), "touchstone-go-"));
  const path = join(folder, "program");
  const remove = () => rmSync(folder, { recursive: true });
  const built = spawnSync("go", ["build", "-o", path, "."], {
    cwd: source,
    encoding: "utf8",
    timeout: 300_000,
  });
  if (built.error !== undefined) return { path: null, why: "Go is not installed", remove };
  if (built.status !== 0)
    return { path: null, why: built.stderr.trim().split("\n").at(-1) ?? "it cannot be built", remove };
  return { path, why: "", remove };
}
