// Serves the style sheet and the scripts of the pages.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { packagePath } from "../../node/package-root.ts";
import { BASE_HEADERS } from "../http/headers.ts";
import { addLastingFile } from "../http/lasting-files.ts";
import type { Api } from "../openapi.ts";
import { PAGE_STYLE } from "../pages/style.ts";
import { RequestProblem } from "../problem.ts";

/** Where the bundler writes the scripts: beside the built program, or where tests have them made. */
const FOLDERS = [
  ["dist", "page-scripts"],
  [".scratch", "page-scripts"],
] as const;

/** Those that a page names (pages/scripts.ts), and the chunks that those load. */
const SCRIPTS = "/scripts/:name{[A-Za-z0-9-]+\\.js}";

export function addPageFiles(api: Api): void {
  addLastingFile(api, { path: "/page.css", headers: headersOf("text/css"), read: () => PAGE_STYLE });
  addLastingFile(api, { path: SCRIPTS, headers: headersOf("text/javascript"), read: readScript });
}

function headersOf(type: string): Record<string, string> {
  return {
    ...BASE_HEADERS,
    "cache-control": "public, max-age=3600",
    "content-type": `${type}; charset=utf-8`,
  };
}

async function readScript(name: string): Promise<string> {
  const folder = FOLDERS.map((path) => packagePath(...path)).find(existsSync);
  if (folder === undefined)
    throw new RequestProblem("not-found", "the scripts of the pages are not built; run 'npm run build'");
  try {
    return await readFile(join(folder, name), "utf8");
  } catch {
    throw new RequestProblem("not-found", "there is no such script; a page of another version may name it");
  }
}
