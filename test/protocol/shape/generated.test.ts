// The validators beside the schemas are what `npm run generate` makes of them, and it can make them whatever state they are in.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { NamedValues } from "../../../scripts/shapes/named-values.ts";
import { ShapeFile } from "../../../scripts/shapes/shape-file.ts";
import { shapeFiles } from "../../../scripts/shapes/shape-files.ts";
import { inProject } from "../../support/example-build.ts";

const ROOT = inProject("");

function filesEndingWith(end: string): string[] {
  return readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(end))
    .map((path) => join("src", path))
    .sort();
}

const textOf = (schema: z.ZodType, names = new NamedValues()) =>
  new ShapeFile(ROOT, { path: "src/a.schema.ts", schemas: new Map([["a", schema]]) }, names).text();

describe("generated validators", () => {
  it("are what is committed; run `npm run generate` where this fails", async () => {
    const files = await shapeFiles(ROOT);
    expect([...files.keys()].sort()).toEqual(filesEndingWith(".shape.ts"));
    for (const [path, text] of files) expect(readFileSync(join(ROOT, path), "utf8"), path).toBe(text);
  });

  it("are not needed by the schemas that they are made of", async () => {
    const { metafile } = await build({
      absWorkingDir: ROOT,
      entryPoints: filesEndingWith(".schema.ts"),
      bundle: true,
      packages: "external",
      format: "esm",
      write: false,
      outdir: "nowhere",
      metafile: true,
    });
    expect(Object.keys(metafile.inputs).filter((path) => path.endsWith(".shape.ts"))).toEqual([]);
  });
});

describe("a schema", () => {
  const isEven = (n: number) => n % 2 === 0;

  it("may refine by a function that the file of its format exports", () => {
    const names = new NamedValues();
    names.add(isEven, { name: "isEven", path: "src/a.ts" });
    const schema = z.int().refine(isEven, { error: "must be even" });
    expect(textOf(schema, names)).toContain('safeInteger(rule(isEven, "must be even"))');
    expect(textOf(schema, names)).toContain('import { isEven } from "./a.ts";');
  });

  it.each([
    ["a refinement without a name", z.int().refine(isEven, { error: "must be even" })],
    ["a conversion without a name", z.string().transform((text) => text.length)],
    ["a number that need not be whole", z.number()],
    ["a check that no validator has", z.string().startsWith("a")],
    ["a type that no validator has", z.date()],
  ])("with %s is refused", (_, schema) => {
    expect(() => textOf(schema)).toThrow(TypeError);
  });
});
