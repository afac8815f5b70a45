// Builds what is published into dist/: the libraries by the compiler, with types; the program by the bundler; and Swagger UI for /docs.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { buildProgram } from "./build-program.ts";

const ROOT = join(import.meta.dirname, "..");
const DIST = join(ROOT, "dist");

rmSync(DIST, { recursive: true, force: true });
compileLibraries();
buildProgram(join(DIST, "cli"));
copySwagger();

function compileLibraries(): void {
  const compiler = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  const { status } = spawnSync(process.execPath, [compiler, "-p", join(ROOT, "tsconfig.build.json")], {
    stdio: "inherit",
  });
  if (status !== 0) process.exit(status ?? 1);
}

function copySwagger(): void {
  const from = join(ROOT, "node_modules", "swagger-ui-dist");
  const to = join(DIST, "swagger-ui");
  mkdirSync(to, { recursive: true });
  for (const name of ["swagger-ui.css", "swagger-ui-bundle.js", "LICENSE", "NOTICE"])
    copyFileSync(join(from, name), join(to, name));
}
