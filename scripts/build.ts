// Builds what is published: the libraries by the compiler, with types; the program by the bundler; and Swagger UI for /docs.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { buildProgram } from "./build-program.ts";

const ROOT = join(import.meta.dirname, "..");
const SWAGGER = ["swagger-ui.css", "swagger-ui-bundle.js", "LICENSE", "NOTICE"];

/** @param dist the folder to write, which is emptied first. */
export async function build(dist: string): Promise<void> {
  rmSync(dist, { recursive: true, force: true });
  compileLibraries(dist);
  await buildProgram(join(dist, "cli"));
  mkdirSync(join(dist, "swagger-ui"));
  for (const name of SWAGGER)
    copyFileSync(join(ROOT, "node_modules", "swagger-ui-dist", name), join(dist, "swagger-ui", name));
}

/** Without checking types, which `npm run types` does. */
function compileLibraries(dist: string): void {
  const compiler = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  const args = [compiler, "-p", join(ROOT, "tsconfig.build.json"), "--outDir", dist];
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
  if (status !== 0) throw new Error("the compiler failed");
}

if (process.argv[1] === import.meta.filename) await build(join(ROOT, "dist"));
