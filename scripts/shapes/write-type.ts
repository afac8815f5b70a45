// Writes the TypeScript type of what a schema reads.
import type * as z from "zod";
import { commentOf, quoted, type ShapeFile } from "./shape-file.ts";

/** These need no name. */
const BASIC: readonly string[] = ["string", "number", "boolean", "unknown"];

/** @param declared name of the exported schema that is being written, which does not stand for itself. */
export function writeType(schema: z.ZodType, file: ShapeFile, declared?: string, indent = ""): string {
  const { def } = schema;
  const isNamed = declared === undefined && !BASIC.includes(def.type);
  return (isNamed ? file.refer(def, true) : undefined) ?? structure(schema, file, indent);
}

function structure(schema: z.ZodType, file: ShapeFile, indent: string): string {
  const def = (schema as unknown as z.core.$ZodTypes)._zod.def;
  const inner = (one: z.core.$ZodType) => writeType(one as z.ZodType, file, undefined, indent);
  switch (def.type) {
    case "string":
    case "number":
    case "boolean":
    case "unknown":
      return def.type;
    case "literal":
      return def.values.map((value) => JSON.stringify(value)).join(" | ");
    case "enum":
      return Object.values(def.entries)
        .map((value) => JSON.stringify(value))
        .join(" | ");
    case "nullable":
      return `${inner(def.innerType)} | null`;
    case "optional":
    case "default":
      return inner(def.innerType);
    case "array": {
      const item = inner(def.element);
      return item.includes(" | ") ? `(${item})[]` : `${item}[]`;
    }
    case "tuple":
      return `[${def.items.map(inner).join(", ")}]`;
    case "record":
      return `Record<string, ${inner(def.valueType)}>`;
    case "union":
      return def.options.map(inner).join(" | ");
    case "pipe":
      return file.returnTypeOf(transformOf(def));
    case "object":
      return writeMembers(def.shape as z.ZodRawShape, file, indent);
    default:
      throw new TypeError(`no type is known for ${def.type}`);
  }
}

function writeMembers(shape: z.ZodRawShape, file: ShapeFile, indent: string): string {
  const deeper = `${indent}  `;
  const members = Object.entries(shape).map(([name, schema]) => {
    const member = schema as z.ZodType;
    const mark = member.def.type === "optional" ? "?" : "";
    const type = writeType(member, file, undefined, deeper) + (mark && " | undefined");
    return `${commentOf(member, deeper)}${deeper}${quoted(name)}${mark}: ${type};\n`;
  });
  return `{\n${members.join("")}${indent}}`;
}

/** The function of a `.transform()`. */
export function transformOf({ out }: z.core.$ZodPipeDef): unknown {
  const { def } = out._zod as unknown as { def: z.core.$ZodTransformDef };
  if (def.type !== "transform") throw new TypeError("only a transformation stands at the end of a pipe");
  return def.transform;
}
