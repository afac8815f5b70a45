// Finds the configurations of the logs that one process serves: those below a folder.
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "./context.ts";

/** What `touchstone init` calls the configuration of a log. */
const CONFIGURATION = "touchstone.toml";

/**
 * @param folder in it every NAME.toml is the configuration of a log, and every NAME/touchstone.toml directly below it. Names that begin with a
 * dot are left out, as a shell leaves them out.
 * @returns their paths, in the order of their names.
 * @throws UsageError where there is none.
 */
export function configurationsIn(folder: string): string[] {
  const names = readdirSync(folder)
    .filter((name) => !name.startsWith("."))
    .sort();
  const found = names.flatMap((name) => {
    const path = join(folder, name);
    const file = isFolder(path) ? join(path, CONFIGURATION) : path;
    return file.endsWith(".toml") && isFile(file) ? [file] : [];
  });
  if (found.length > 0) return found;
  throw new UsageError(
    `${folder}: there is no configuration of a log in this folder, no NAME.toml and no NAME/${CONFIGURATION}`,
  );
}

export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
