// Copies what the built program reads and the compiler does not write: the two files of Swagger UI that /docs shows the API with.
import { copyFileSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const target = fileURLToPath(new URL("../dist/service/docs/", import.meta.url));
mkdirSync(target, { recursive: true });
for (const name of ["swagger-ui.css", "swagger-ui-bundle.js", "LICENSE", "NOTICE"]) {
  copyFileSync(
    fileURLToPath(new URL(`../node_modules/swagger-ui-dist/${name}`, import.meta.url)),
    `${target}${name}`,
  );
}
