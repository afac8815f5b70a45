// Finds the two files of Swagger UI: beside the built program, or in node_modules while developing.
import { existsSync } from "node:fs";
import { packagePath } from "../../node/package-root.ts";

const FILES = [
  ["swagger-ui.css", "text/css; charset=utf-8"],
  ["swagger-ui-bundle.js", "text/javascript; charset=utf-8"],
] as const;

/** Name, content type and path of each file. */
export function swaggerAssets(): Array<readonly [name: string, type: string, file: string]> {
  const built = packagePath("dist", "swagger-ui");
  const folder = existsSync(built) ? built : packagePath("node_modules", "swagger-ui-dist");
  return FILES.map(([name, type]) => [name, type, `${folder}/${name}`]);
}
