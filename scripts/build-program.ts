// Bundles the program `touchstone`: one file to start with, and chunks that are loaded by the commands that need them.
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

/** Some libraries in the bundle are CommonJS and ask for Node's own modules by require. */
const REQUIRE =
  'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);';

/** @param folder where to write main.js and its chunks. better-sqlite3 stays outside: it is native code. */
export function buildProgram(folder: string): void {
  buildSync({
    entryPoints: [fileURLToPath(new URL("../src/cli/main.ts", import.meta.url))],
    outdir: folder,
    chunkNames: "chunks/[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node22.14",
    external: ["better-sqlite3"],
    banner: { js: REQUIRE },
    logLevel: "error",
  });
}
