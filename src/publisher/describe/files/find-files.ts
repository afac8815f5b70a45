// Finds the files of a build tree, in one order on every machine. Symbolic links are not followed: what they lead to is either found
// under its own name or lies outside the tree.
import { readdir } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { fileName } from "../../../protocol/entry/fields.shape.ts";
import { MalformedError } from "../../../protocol/errors.ts";

const MAX_ENTRIES = 200_000;
const MAX_DEPTH = 32;

export interface FoundFile {
  readonly path: string;
  /** Relative to the tree, with / as separator, and fit for a statement. */
  readonly fileName: string;
}

/**
 * Regular files under `root` whose last name matches `pattern`, sorted by relative name.
 * @throws MalformedError for a matching name that a statement cannot hold, over 200,000 entries, or 32 levels.
 */
export async function findFiles(root: string, pattern: RegExp): Promise<FoundFile[]> {
  const found: FoundFile[] = [];
  let entries = 0;
  const visit = async (folder: string, depth: number): Promise<void> => {
    if (depth > MAX_DEPTH) throw new MalformedError("file tree", `deeper than ${MAX_DEPTH} levels`, folder);
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (++entries > MAX_ENTRIES)
        throw new MalformedError("file tree", `more than ${MAX_ENTRIES} entries`, root);
      const path = join(folder, entry.name);
      if (entry.isDirectory()) await visit(path, depth + 1);
      else if (entry.isFile() && pattern.test(entry.name)) found.push({ path, fileName: nameIn(root, path) });
    }
  };
  await visit(root, 0);
  return found.sort((a, b) => (a.fileName < b.fileName ? -1 : 1));
}

function nameIn(root: string, path: string): string {
  const name = relative(root, path).split(sep).join("/");
  if (fileName.safeParse(name).error !== undefined)
    throw new MalformedError("file tree", `${JSON.stringify(name)} is no name for a statement`, root);
  return name;
}
