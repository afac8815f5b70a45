// Builds the page: `node examples/verifier-browser/build.mjs FOLDER`. page.js is what it needs to ask for the policy, the keys and the evidence;
// what judges the answers comes in chunks, which index.html names so that they are on their way while the page is still being read.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { build } from "esbuild";

const HERE = import.meta.dirname;

/** Chunks that few pages need: where a quorum counts witnesses with keys of ML-DSA-44, and where a policy binds evidence to a certificate. */
const SELDOM = /(?:ml-dsa-44|certificate-binding)\.ts$/;

/**
 * Three of four functions are called before the verdict. They are compiled as they arrive, on another thread, and not one by one when they
 * are called (https://v8.dev/blog/explicit-compile-hints); browsers that do not know it take it for a comment.
 */
const COMPILE_AT_ONCE = "//# allFunctionsCalledOnLoad";

/** The files of the page, by their names, but for the style sheet. Plugins are esbuild's. */
export async function buildPage(plugins = []) {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(HERE, "page.ts")],
    absWorkingDir: HERE,
    outdir: "site",
    bundle: true,
    splitting: true,
    minify: true,
    banner: { js: COMPILE_AT_ONCE },
    format: "esm",
    target: "es2023",
    write: false,
    metafile: true,
    plugins,
  });
  const scripts = outputFiles.map(({ path, text }) => [basename(path), text]);
  return new Map([...scripts, ["index.html", withPreloads(chunksOf(metafile))]]);
}

/** First what page.js imports, then what is loaded while it waits for the log and the machine. */
function chunksOf({ outputs }) {
  const first = outputs["site/page.js"].imports.filter(({ kind }) => kind === "import-statement");
  const later = Object.entries(outputs).filter(([, { entryPoint = "" }]) => !SELDOM.test(entryPoint));
  const paths = new Set([...first.map(({ path }) => path), ...later.map(([path]) => path)]);
  paths.delete("site/page.js");
  return [...paths].map((path) => basename(path));
}

function withPreloads(chunks) {
  const links = chunks.map((name) => `    <link rel="modulepreload" href="${name}">\n`);
  return readFileSync(join(HERE, "index.html"), "utf8").replace("  </head>", `${links.join("")}  </head>`);
}

if (process.argv[1] === import.meta.filename) {
  const [folder = "site"] = process.argv.slice(2);
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of await buildPage()) writeFileSync(join(folder, name), text);
  copyFileSync(join(HERE, "page.css"), join(folder, "page.css"));
}
