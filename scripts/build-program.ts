// Bundles the program `touchstone`: main.js, which any Node can read; run.js, which every start needs; what the commands do, which is
// loaded when they are called; and what runs in threads of their own. What a verifier runs once for each answer is whole, since each file
// more takes a millisecond to open. The others share chunks. `npm run bench -- --rows start` measures it.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type BuildOptions, build, type Plugin } from "esbuild";

const SOURCE = join(import.meta.dirname, "..", "src");
const CLI = join(SOURCE, "cli");

/** What runs in a thread of its own; src/node/thread.ts finds it by its name. */
const THREADS = [
  "log/store/sqlite/writer-thread",
  "log/checkpointing/high-water-thread",
  "log/checking/signature-thread",
  "log/index/index-thread",
];

/** Actions that are one file each. */
const WHOLE = ["appraise", "audit", "bundle", "proof"];

/** Some libraries in the bundle are CommonJS and ask for Node's own modules by require. */
const REQUIRE = 'const require = process.getBuiltinModule("node:module").createRequire(import.meta.url);';

/** An ES import of node:fs reads all that it exports, and so loads Node's streams: 5 ms, a fifth of Node's own start. */
const plainBuiltins: Plugin = {
  name: "plain-builtins",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: "builtin" }));
    onLoad({ filter: /./, namespace: "builtin" }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
    }));
  },
};

/** Commander starts programs for commands that are programs of their own. There are none. */
const noChildrenOfCommander: Plugin = {
  name: "no-children-of-commander",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      /[\\/]commander[\\/]/.test(importer) ? { path: "none", namespace: "none" } : undefined,
    );
    onLoad({ filter: /./, namespace: "none" }, () => ({ contents: "module.exports = {};" }));
  },
};

/** zod is used whole, and brings its messages in fifty languages: a server would hold them for ever, and says nothing in them. */
const englishAlone: Plugin = {
  name: "english-alone",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /locales\/index\.js$/ }, () => ({ path: "locales", namespace: "english" }));
    onLoad({ filter: /./, namespace: "english" }, () => ({ contents: "export {};" }));
  },
};

/** run.js and the actions are built by themselves, and imported from where they are then. */
const builtApart: Plugin = {
  name: "built-apart",
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/run\.ts$/ }, () => ({ path: "./run.js", external: true }));
    onResolve({ filter: /\/actions\// }, ({ path, kind }) => {
      const [, name = ""] = /\/actions\/(.+)\.ts$/.exec(path) ?? [];
      return kind === "dynamic-import" ? { path: `./actions/${name}.js`, external: true } : undefined;
    });
  },
};

/** @param folder where to write. better-sqlite3 stays outside: it is native code. */
export async function buildProgram(folder: string): Promise<void> {
  const common: BuildOptions = {
    outdir: folder,
    outbase: CLI,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node22.14",
    external: ["better-sqlite3"],
    logLevel: "error",
    // V8 keeps the text of what runs, in two bytes a character where a comment has a dash: without comments it is a third of that.
    minifyWhitespace: true,
    lineLimit: 120,
    plugins: [noChildrenOfCommander, plainBuiltins, englishAlone, builtApart],
  };
  const inCli = (names: readonly string[]) => names.map((name) => join(CLI, `${name}.ts`));
  const { actions, whole } = listActions();
  await build({ ...common, entryPoints: inCli(["main"]) });
  await build({ ...common, banner: { js: REQUIRE }, entryPoints: inCli(["run", ...whole]) });
  await build({
    ...common,
    banner: { js: REQUIRE },
    entryPoints: inCli(actions),
    splitting: true,
    chunkNames: "chunks/[name]-[hash]",
  });
  await build({
    ...common,
    outdir: join(folder, "threads"),
    entryNames: "[name]",
    banner: { js: REQUIRE },
    entryPoints: THREADS.map((name) => join(SOURCE, `${name}.ts`)),
  });
}

/** By their path from src/cli, without the ending. */
function listActions(): { actions: string[]; whole: string[] } {
  const files = readdirSync(join(CLI, "actions"), { recursive: true, encoding: "utf8" });
  const all = files.filter((file) => file.endsWith(".ts")).map((file) => `actions/${file.slice(0, -3)}`);
  const whole = WHOLE.map((name) => `actions/${name}`);
  return { actions: all.filter((name) => !whole.includes(name)), whole };
}
