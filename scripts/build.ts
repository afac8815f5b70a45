// Builds what is published: the libraries by the compiler, with types; the program and the scripts of its pages by the bundler.
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { buildPageScripts } from "./build-page-scripts.ts";
import { buildProgram } from "./build-program.ts";

const ROOT = join(import.meta.dirname, "..");

/** @param dist the folder to write, which is emptied first. */
export async function build(dist: string): Promise<void> {
  rmSync(dist, { recursive: true, force: true });
  compileLibraries(dist);
  await buildProgram(join(dist, "cli"));
  await buildPageScripts(join(dist, "page-scripts"));
}

/** Without checking types, which `npm run types` does. */
function compileLibraries(dist: string): void {
  const compiler = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  const args = [compiler, "-p", join(ROOT, "tsconfig.build.json"), "--outDir", dist];
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
  if (status !== 0) throw new Error("the compiler failed");
}

if (process.argv[1] === import.meta.filename) await build(join(ROOT, "dist"));
