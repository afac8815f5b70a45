// Bundles the scripts of the service's pages: one minified module each, with the part of the verifier that it needs; what it needs later, or
// seldom, is in chunks beside it.
import { join } from "node:path";
import { build, type Plugin } from "esbuild";
import { PAGE_SCRIPTS } from "../src/service/pages/scripts.ts";

const SOURCES = join(import.meta.dirname, "..", "src", "service", "pages", "scripts");

/** @param folder where to write them, as NAME.js, and chunks, as NAME-HASH.js. */
export async function buildPageScripts(folder: string, plugins: Plugin[] = []): Promise<void> {
  // Each by itself: what two pages share is not worth another round trip of both.
  for (const name of PAGE_SCRIPTS)
    await build({
      entryPoints: [join(SOURCES, `${name}.ts`)],
      outdir: folder,
      bundle: true,
      splitting: true,
      chunkNames: "[name]-[hash]",
      minify: true,
      format: "esm",
      platform: "browser",
      target: "es2023",
      logLevel: "error",
      plugins,
    });
}
