// Builds an example as its user would, but for the values that the user replaces, and with made-up vendors' roots where a test needs them.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { type BuildOptions, build, type Plugin } from "esbuild";

const root = fileURLToPath(new URL("../../", import.meta.url));

export const inProject = (path: string): string => `${root}${path}`;
export const readProject = (path: string): string => readFileSync(inProject(path), "utf8");

/** Values of a module to replace, by the end of its path: exported name → value. */
export type Replacements = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Puts the made-up roots where the pinned ones are. Only a build for a test can do that. */
export function withRoots({ intel, nvidia }: { intel: Uint8Array; nvidia: Uint8Array }): Replacements {
  return {
    "/tdx/intel-root.ts": { INTEL_SGX_ROOT_CA: intel },
    "/nvidia/device-root.ts": { NVIDIA_DEVICE_ROOT: nvidia },
  };
}

const literal = (value: unknown): string =>
  value instanceof Uint8Array ? `Uint8Array.of(${value.join()})` : JSON.stringify(value);

/** For a build that takes plugins. */
export function replacing(replacements: Replacements): Plugin {
  return {
    name: "replace-values",
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const found = Object.entries(replacements).find(([end]) => path.endsWith(end));
        if (found === undefined) return undefined;
        const lines = Object.entries(found[1]).map(
          ([name, value]) => `export const ${name} = ${literal(value)};`,
        );
        return { contents: lines.join("\n"), loader: "js" };
      });
    },
  };
}

type Source = { readonly entry: string } | { readonly code: string };
type Platform = "browser" | "node";

/** One minified ES module. @throws when something cannot be resolved, such as a node: module for the browser. */
export async function bundle(
  source: Source,
  platform: Platform,
  replacements: Replacements = {},
): Promise<string> {
  const { outputFiles } = await build({
    ...buildOptions(source, platform),
    plugins: [replacing(replacements)],
  });
  return outputFiles[0]?.text ?? "";
}

/** Minified ES modules: what is loaded at once, joined, and by the name of its module what is loaded when it is needed. */
export interface Chunks {
  readonly atOnce: string;
  readonly later: ReadonlyMap<string, string>;
}

/** As `bundle`, with what is imported by `import()` in chunks of its own. */
export async function bundleInChunks(source: Source, platform: Platform): Promise<Chunks> {
  const { outputFiles, metafile } = await build({
    ...buildOptions(source, platform),
    splitting: true,
    outdir: "out",
    entryNames: "entry",
    chunkNames: "[name]-[hash]",
    metafile: true,
  });
  const textOf = (path: string) => outputFiles.find((file) => file.path === inProject(path))?.text ?? "";
  const closure = (path: string): string[] => [
    path,
    ...(metafile.outputs[path]?.imports ?? [])
      .filter(({ kind }) => kind === "import-statement")
      .flatMap((imported) => closure(imported.path)),
  ];
  const atOnce = new Set(closure("out/entry.js"));
  const later = Object.entries(metafile.outputs).filter(([path]) => !atOnce.has(path));
  return {
    atOnce: [...atOnce].map(textOf).join("\n"),
    later: new Map(later.map(([path, { entryPoint = path }]) => [entryPoint, textOf(path)])),
  };
}

function buildOptions(source: Source, platform: Platform) {
  const input: BuildOptions =
    "entry" in source
      ? { entryPoints: [inProject(source.entry)] }
      : { stdin: { contents: source.code, resolveDir: root, loader: "ts" } };
  return {
    ...input,
    absWorkingDir: root,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2023",
    platform,
    write: false,
    logLevel: "silent",
  } as const satisfies BuildOptions;
}

export const gzipped = (text: string): number => gzipSync(text, { level: 9 }).length;
