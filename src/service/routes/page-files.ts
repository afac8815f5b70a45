// Serves the style sheet and the scripts of the pages.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { packagePath } from "../../node/package-root.ts";
import { type EncodedBody, encodeBody, respondEncoded } from "../http/encoded-body.ts";
import { BASE_HEADERS } from "../http/headers.ts";
import type { Api } from "../openapi.ts";
import { PAGE_SCRIPTS } from "../pages/scripts.ts";
import { PAGE_STYLE } from "../pages/style.ts";
import { RequestProblem } from "../problem.ts";

const CACHED = { ...BASE_HEADERS, "cache-control": "public, max-age=3600" };

/** Where the bundler writes the scripts: beside the built program, or where tests have them made. */
const FOLDERS = [
  ["dist", "page-scripts"],
  [".scratch", "page-scripts"],
] as const;

export function addPageFiles(api: Api): void {
  const files: ReadonlyArray<readonly [path: string, type: string, read: () => Promise<string>]> = [
    ["/page.css", "text/css", async () => PAGE_STYLE],
    ...PAGE_SCRIPTS.map(
      (name) => [`/scripts/${name}.js`, "text/javascript", () => readScript(name)] as const,
    ),
  ];
  for (const [path, type, read] of files) {
    let made: Promise<EncodedBody> | undefined;
    api.get(path, async (c) => {
      made ??= read().then((text) =>
        encodeBody(Uint8Array.from(Buffer.from(text)), {
          ...CACHED,
          "content-type": `${type}; charset=utf-8`,
        }),
      );
      made.catch(() => {
        made = undefined;
      });
      return respondEncoded(c, await made);
    });
  }
}

function readScript(name: string): Promise<string> {
  const folder = FOLDERS.map((path) => packagePath(...path)).find(existsSync);
  if (folder === undefined)
    throw new RequestProblem("not-found", "the scripts of the pages are not built; run 'npm run build'");
  return readFile(join(folder, `${name}.js`), "utf8");
}
