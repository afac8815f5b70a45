// Finds files of this package, wherever its code runs from: the sources, dist/, or a bundle of either.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const NAME = "touchstone";

/** The path of a file or folder that ships with the package, such as `migrations/sqlite`. */
export function packagePath(...parts: readonly string[]): string {
  return join(packageRoot(), ...parts);
}

/** The version in package.json. */
export function packageVersion(): string {
  return String(readManifest(packageRoot())?.version);
}

/** The nearest folder above this file whose package.json has the package's name. @throws Error where there is none. */
function packageRoot(): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    if (readManifest(folder)?.name === NAME) return folder;
    if (folder === dirname(folder))
      throw new Error(`no package.json of ${NAME} above ${import.meta.dirname}: install it as a whole`);
  }
}

function readManifest(folder: string): { readonly name?: unknown; readonly version?: unknown } | undefined {
  const file = join(folder, "package.json");
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
}
