// Makes the validators that are used at run time (*.shape.ts) of the zod schemas that define the formats (*.schema.ts): one file beside each.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import * as z from "zod";
import { formatFiles } from "../format-files.ts";
import { type Named, NamedValues } from "./named-values.ts";
import { ShapeFile } from "./shape-file.ts";

/** What one *.schema.ts exports that becomes a validator, in the order in which it stands there. */
export interface SchemaModule {
  /** From the project's root: "src/protocol/entry/policy.schema.ts". */
  readonly path: string;
  readonly schemas: ReadonlyMap<string, z.ZodType | SchemaRecord>;
}

/** A constant in capitals that lists schemas by name. */
export type SchemaRecord = Readonly<Record<string, z.ZodType>>;

/** Every generated validator: its path from the project's root, and its text. */
export async function shapeFiles(root: string): Promise<Map<string, string>> {
  const modules = await schemaModules(root);
  const names = new NamedValues();
  for (const { path, schemas } of modules)
    for (const [name, schema] of schemas)
      if (schema instanceof z.ZodType) names.add(schema.def, { name, path: shapePath(path) });
  for (const named of await importedValues(root, modules)) names.add(named.value, named);
  const texts = modules
    .filter(({ schemas }) => schemas.size > 0)
    .map((module) => [shapePath(module.path), new ShapeFile(root, module, names).text()] as const);
  return formatFiles(root, new Map(texts));
}

export async function schemaModules(root: string): Promise<SchemaModule[]> {
  const paths = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".schema.ts"))
    .map((path) => join("src", path));
  const modules: SchemaModule[] = [];
  for (const path of paths.sort()) modules.push(await readModule(root, path));
  return modules;
}

async function readModule(root: string, path: string): Promise<SchemaModule> {
  const exported = await load(root, path);
  const text = readFileSync(join(root, path), "utf8");
  const names = [...text.matchAll(/^export const (\w+)/gm)].map(([, name = ""]) => name);
  const schemas = names.flatMap((name) => {
    const value = exported[name];
    return value instanceof z.ZodType || isRecord(name, value) ? [[name, value] as const] : [];
  });
  return { path, schemas: new Map(schemas) };
}

function isRecord(name: string, value: unknown): value is SchemaRecord {
  return name === name.toUpperCase() && Object.values(Object(value)).every((one) => one instanceof z.ZodType);
}

/** Functions, patterns and lists that schemas import: a validator names them, as its schema does. */
async function importedValues(
  root: string,
  modules: readonly SchemaModule[],
): Promise<(Named & { value: unknown })[]> {
  const paths = new Set(modules.flatMap(({ path }) => importsOf(root, path)));
  const found = await Promise.all(
    [...paths].map(async (path) =>
      Object.entries(await load(root, path)).map(([name, value]) => ({ name, path, value })),
    ),
  );
  return found.flat().filter(({ value }) => typeof value === "function" || value instanceof RegExp);
}

function importsOf(root: string, path: string): string[] {
  const text = readFileSync(join(root, path), "utf8");
  return [...text.matchAll(/^import (?!type )[^;]*? from "(\.[^"]+)";$/gms)]
    .map(([, target = ""]) => join(path, "..", target))
    .filter((target) => !target.endsWith(".schema.ts"));
}

async function load(root: string, path: string): Promise<Record<string, unknown>> {
  return (await import(pathToFileURL(join(root, path)).href)) as Record<string, unknown>;
}

function shapePath(path: string): string {
  return path.replace(/\.schema\.ts$/, ".shape.ts");
}
