// Writes one file of validators: imports, and for each exported schema its TypeScript type and its shape.
import { readFileSync } from "node:fs";
import { join, posix } from "node:path";
import * as z from "zod";
import * as containers from "../../src/protocol/shape/containers.ts";
import * as scalars from "../../src/protocol/shape/scalars.ts";
import * as shape from "../../src/protocol/shape/shape.ts";
import type { Named, NamedValues } from "./named-values.ts";
import type { SchemaModule, SchemaRecord } from "./shape-files.ts";
import { writeShape } from "./write-shape.ts";
import { writeType } from "./write-type.ts";

/** The functions that shapes are composed of, with the file of each. */
const RUNTIME: Readonly<Record<string, string>> = {
  ...fileOf("shape", shape),
  ...fileOf("scalars", scalars),
  ...fileOf("containers", containers),
};

function fileOf(file: string, module: object): Record<string, string> {
  return Object.fromEntries(Object.keys(module).map((name) => [name, file]));
}

export class ShapeFile {
  readonly #root: string;
  readonly #module: SchemaModule;
  readonly #names: NamedValues;
  /** What is imported: file → names, those of types marked. */
  readonly #imports = new Map<string, Set<string>>();
  readonly #path: string;

  constructor(root: string, module: SchemaModule, names: NamedValues) {
    this.#root = root;
    this.#module = module;
    this.#names = names;
    this.#path = module.path.replace(/\.schema\.ts$/, ".shape.ts");
  }

  text(): string {
    const body = [...this.#module.schemas].map(([name, schema]) =>
      schema instanceof z.ZodType ? this.#writeSchema(name, schema) : this.#writeRecord(name, schema),
    );
    const head = `// Reads what ${posix.basename(this.#module.path)} describes. Generated from it by \`npm run generate\`; do not edit.\n`;
    return `${head}${this.#writeImports()}\n${body.join("\n")}`;
  }

  #writeSchema(name: string, schema: z.ZodType): string {
    const type = writeType(schema, this, name);
    const value = writeShape(schema, this, name);
    const comment = commentOf(schema, "");
    if (/^[a-z]+$/.test(type))
      return `${comment}export const ${name}: ${this.use("Shape")}<${type}> = ${value};\n`;
    const typeName = capitalised(name);
    if (schema instanceof z.ZodObject)
      return `${comment}export type ${typeName} = ${type};\n
export const ${name} = ${value.replace("(", `<${typeName}>(`)};\n`;
    return `${comment}export type ${typeName} = ${type};\n
export const ${name}: ${this.use("Shape")}<${typeName}> = ${value};\n`;
  }

  /** Shapes by name, and their types. */
  #writeRecord(name: string, schemas: SchemaRecord): string {
    const members = Object.entries(schemas);
    const typeName = capitalised(name.toLowerCase());
    const types = members.map(([key, schema]) => `  ${quoted(key)}: ${writeType(schema, this)};\n`);
    const shapes = members.map(([key, schema]) => `  ${member(key, writeShape(schema, this))}`);
    return `export type ${typeName} = {\n${types.join("")}};\n
export const ${name}: { readonly [K in keyof ${typeName}]: ${this.use("Shape")}<${typeName}[K]> } = {\n${shapes.join("")}};\n`;
  }

  /** The name of a function of the runtime, which is imported. */
  use(name: string): string {
    const file = RUNTIME[name];
    if (file === undefined) throw new TypeError(`the runtime has no ${name}`);
    return (
      this.#import({ name: name === "Shape" ? "type Shape" : name, path: `src/protocol/shape/${file}.ts` }) &&
      name
    );
  }

  /** The name of an exported value, which is imported where it is another file's. */
  refer(value: unknown, asType = false): string | undefined {
    const named = this.#names.find(value);
    if (named === undefined) return undefined;
    const name = asType ? capitalised(named.name) : named.name;
    if (named.path !== this.#path) this.#import({ name: asType ? `type ${name}` : name, path: named.path });
    return name;
  }

  /** What a conversion says that it returns. */
  returnTypeOf(conversion: unknown): string {
    const named = this.#names.find(conversion);
    const text = named && readFileSync(join(this.#root, named.path), "utf8");
    const [, type] =
      new RegExp(`^export function ${named?.name}\\(.*\\): (\\w+) \\{$`, "m").exec(text ?? "") ?? [];
    if (type === undefined)
      throw new TypeError(`${conversion} is no exported function of one line that states its type`);
    return type;
  }

  #import({ name, path }: Named): true {
    this.#imports.set(path, (this.#imports.get(path) ?? new Set()).add(name));
    return true;
  }

  #writeImports(): string {
    const folder = posix.dirname(this.#path);
    const lines = [...this.#imports].map(([path, names]) => {
      const relative = posix.relative(folder, path);
      const target = relative.startsWith(".") ? relative : `./${relative}`;
      const sorted = [...names].sort((a, b) => (bare(a) < bare(b) ? -1 : 1));
      if (sorted.every((name) => name.startsWith("type ")))
        return { target, line: `import type { ${sorted.map(bare).join(", ")} } from "${target}";\n` };
      return { target, line: `import { ${sorted.join(", ")} } from "${target}";\n` };
    });
    return lines
      .sort((a, b) => (a.target < b.target ? -1 : 1))
      .map(({ line }) => line)
      .join("");
  }
}

const bare = (name: string) => name.replace(/^type /, "");

export function quoted(key: string): string {
  return /^\w+$/.test(key) ? key : JSON.stringify(key);
}

export function member(key: string, value: string): string {
  return `${key === value ? key : `${quoted(key)}: ${value}`},\n`;
}

export function commentOf(schema: z.ZodType, indent: string): string {
  const { description } = z.globalRegistry.get(schema) ?? {};
  return description === undefined ? "" : `${indent}/** ${description.replaceAll("*/", "*\\/")} */\n`;
}

function capitalised(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
