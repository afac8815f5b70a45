// Writes the validators that are made of the zod schemas: each *.schema.ts has its *.shape.ts beside it. Runs before everything else that
// is generated, since that is written by a program which reads with them.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { shapeFiles } from "./shapes/shape-files.ts";

const ROOT = join(import.meta.dirname, "..");

for (const [path, text] of await shapeFiles(ROOT)) writeFileSync(join(ROOT, path), text);
