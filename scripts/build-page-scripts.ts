// Bundles the scripts of the service's pages: one minified module each, with the part of the verifier that it needs.
import { join } from "node:path";
import { build } from "esbuild";
import { PAGE_SCRIPTS } from "../src/service/pages/scripts.ts";

const SOURCES = join(import.meta.dirname, "..", "src", "service", "pages", "scripts");

/** @param folder where to write them, as NAME.js. */
export async function buildPageScripts(folder: string): Promise<void> {
  await build({
    entryPoints: PAGE_SCRIPTS.map((name) => join(SOURCES, `${name}.ts`)),
    outdir: folder,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2023",
    logLevel: "error",
  });
}
