// Packs what a release publishes into dist-packages/: the package `touchstone`, the packages of packages/ made of the same files, and a bill
// of materials of each (CycloneDX, by `npm sbom`).
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { build } from "./build.ts";

const ROOT = join(import.meta.dirname, "..");
const PACKAGES = join(ROOT, "packages");
/** What the packages have in common. */
const SHARED = ["version", "license", "author", "homepage", "repository", "bugs", "engines"] as const;

type Manifest = Readonly<Record<string, unknown>> & {
  readonly name: string;
  readonly version: string;
  readonly files: readonly string[];
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
  readonly dependencies: Readonly<Record<string, string>>;
};
interface Lock {
  readonly packages: Readonly<
    Record<string, { readonly dev?: boolean; readonly dependencies?: Readonly<Record<string, string>> }>
  >;
}

/** Tarball and bill of materials of a package. */
export interface Packed {
  readonly manifest: Manifest;
  readonly tarball: string;
  readonly sbom: string;
}

/** The package `touchstone`, and those that are a part of it. */
export interface AllPacked {
  readonly touchstone: Packed;
  readonly verifier: Packed;
  readonly gate: Packed;
}

/** @param folder where everything goes; it is emptied first. */
export async function packAll(folder: string): Promise<AllPacked> {
  rmSync(folder, { recursive: true, force: true });
  const whole = await stageTouchstone(join(folder, "touchstone"));
  const part = (name: string) => pack(stagePart(name, join(folder, name), whole), folder);
  return { touchstone: pack(whole, folder), verifier: part("verifier"), gate: part("gate") };
}

async function stageTouchstone(stage: string): Promise<string> {
  const { scripts: _, devDependencies: __, ...manifest } = read<Manifest>(ROOT, "package.json");
  await build(join(stage, "dist"));
  for (const file of ["README.md", "LICENSE", ...manifest.files.filter((name) => name !== "dist")])
    cpSync(join(ROOT, file), join(stage, file), { recursive: true });
  writeManifest(stage, manifest, () => true);
  return stage;
}

/** The files that the entries of a package of packages/ reach, and the packages that those import. */
function stagePart(name: string, stage: string, whole: string): string {
  const root = read<Manifest>(ROOT, "package.json");
  const own = read<Manifest>(join(PACKAGES, name), "package.json");
  const { files, packages } = reach(whole, entriesOf(own));
  for (const file of files)
    for (const part of [file, `${file}.map`, declarationOf(file)])
      cpSync(join(whole, part), join(stage, part));
  const shared = Object.fromEntries(SHARED.map((name) => [name, root[name]]));
  const dependencies = Object.fromEntries(packages.map((name) => [name, root.dependencies[name]]));
  const installed = withDependencies(packages);
  writeManifest(stage, { ...own, ...shared, dependencies }, (name) => installed.has(name));
  cpSync(join(PACKAGES, name, "README.md"), join(stage, "README.md"));
  cpSync(join(ROOT, "LICENSE"), join(stage, "LICENSE"));
  return stage;
}

/** Packages, and what they depend on in turn. */
function withDependencies(packages: readonly string[]): Set<string> {
  const lock = read<Lock>(ROOT, "package-lock.json");
  const names = new Set(packages);
  for (const name of names)
    for (const needed of Object.keys(lock.packages[`node_modules/${name}`]?.dependencies ?? {}))
      names.add(needed);
  return names;
}

function entriesOf({ exports }: Manifest): string[] {
  return Object.values(exports).flatMap((target) => (typeof target === "string" ? [] : [target.default]));
}

/** Follows the imports of compiled modules and of their declarations. */
function reach(folder: string, entries: readonly string[]): { files: string[]; packages: string[] } {
  const files = new Set(entries.map((entry) => join(entry)));
  const packages = new Set<string>();
  for (const file of files) {
    for (const name of [...importsOf(join(folder, file)), ...importsOf(join(folder, declarationOf(file)))]) {
      if (name.startsWith(".")) files.add(join(dirname(file), name.replace(/\.ts$/, ".js")));
      else if (!name.startsWith("node:")) packages.add(/^(?:@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name);
    }
  }
  return { files: [...files].sort(), packages: [...packages].sort() };
}

/** What a file imports, at once or when it is needed. */
function importsOf(file: string): string[] {
  const text = readFileSync(file, "utf8");
  const atOnce = text.matchAll(/^(?:import|export) (?:[^;"']*? from )?["']([^"']+)["'];$/gm);
  const later = text.matchAll(/\bimport\(["']([^"']+)["']\)/g);
  return [...atOnce, ...later].map(([, name = ""]) => name);
}

const declarationOf = (file: string) => file.replace(/\.js$/, ".d.ts");

/**
 * Writes package.json, and a lock of what is installed with it: `npm sbom --omit=dev` on the whole lock would leave out what a
 * development dependency needs as well.
 */
function writeManifest(stage: string, manifest: object, isInstalled: (name: string) => boolean): void {
  const { packages, ...lock } = read<Lock>(ROOT, "package-lock.json");
  const installed = Object.entries(packages).filter(
    ([path, { dev }]) => path !== "" && dev !== true && isInstalled(path.replace("node_modules/", "")),
  );
  write(stage, "package.json", manifest);
  write(stage, "package-lock.json", {
    ...lock,
    packages: { "": manifest, ...Object.fromEntries(installed) },
  });
}

function pack(stage: string, folder: string): Packed {
  const npm = (...args: string[]) => execFileSync("npm", args, { cwd: stage, encoding: "utf8" });
  const sbomText = npm("sbom", "--sbom-format=cyclonedx", "--package-lock-only", "--omit=dev");
  const [{ filename }] = JSON.parse(
    npm("pack", "--json", "--ignore-scripts", `--pack-destination=${folder}`),
  );
  const sbom = join(folder, filename.replace(/\.tgz$/, ".cdx.json"));
  writeFileSync(sbom, sbomText);
  return { manifest: read(stage, "package.json"), tarball: join(folder, filename), sbom };
}

function read<T>(folder: string, name: string): T {
  return JSON.parse(readFileSync(join(folder, name), "utf8")) as T;
}

function write(folder: string, name: string, value: object): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), `${JSON.stringify(value, null, 2)}\n`);
}

if (process.argv[1] === import.meta.filename) {
  for (const { tarball, sbom } of Object.values(await packAll(join(ROOT, "dist-packages"))))
    for (const file of [tarball, sbom]) console.log(relative(ROOT, file));
}
