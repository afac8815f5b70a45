// Where the two files of Swagger UI are: beside the built program, or in node_modules while developing.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const FILES = [
  ["swagger-ui.css", "text/css; charset=utf-8"],
  ["swagger-ui-bundle.js", "text/javascript; charset=utf-8"],
] as const;

/** Name, content type and path of each file. */
export function swaggerAssets(): Array<readonly [name: string, type: string, file: string]> {
  return FILES.map(([name, type]) => {
    const built = fileURLToPath(new URL(`../docs/${name}`, import.meta.url));
    const installed = fileURLToPath(
      new URL(`../../../node_modules/swagger-ui-dist/${name}`, import.meta.url),
    );
    return [name, type, existsSync(built) ? built : installed];
  });
}
