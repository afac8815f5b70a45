// Writes the expression that composes a validator, in the functions of src/protocol/shape/, from the definition of a zod schema.
import type * as z from "zod";
import { member, type ShapeFile } from "./shape-file.ts";
import { transformOf } from "./write-type.ts";

/** @param declared name of the exported schema that is being written, which does not stand for itself. */
export function writeShape(schema: z.ZodType, file: ShapeFile, declared?: string, indent = ""): string {
  return (declared === undefined ? file.refer(schema.def) : undefined) ?? compose(schema, file, indent);
}

function compose(schema: z.ZodType, file: ShapeFile, indent: string): string {
  const def = (schema as unknown as z.core.$ZodTypes)._zod.def;
  const call = (name: string, ...args: readonly string[]) => `${file.use(name)}(${args.join(", ")})`;
  const inner = (one: z.core.$ZodType) => writeShape(one as z.ZodType, file, undefined, indent);
  const checks = (def.checks ?? []).map((check) => writeCheck(check, file));
  switch (def.type) {
    case "string":
      return call("string", ...checks);
    case "number":
      if (!("format" in def) || def.format !== "safeint")
        throw new TypeError("only safe integers are numbers");
      return call("safeInteger", ...checks);
    case "boolean":
    case "unknown":
      return call(def.type);
    case "literal":
      return call("oneOf", ...def.values.map((value) => JSON.stringify(value)));
    case "enum":
      return call("oneOf", ...Object.values(def.entries).map((value) => JSON.stringify(value)));
    case "nullable":
    case "optional":
      return call(def.type, inner(def.innerType));
    case "default":
      return call("withDefault", inner(def.innerType), JSON.stringify(def.defaultValue));
    case "array":
      return call("list", inner(def.element), ...checks);
    case "tuple":
      return call("tuple", ...def.items.map(inner));
    case "record":
      return call("record", inner(def.keyType), inner(def.valueType));
    case "union":
      if ("discriminator" in def)
        return call("variants", JSON.stringify(def.discriminator), writeVariants(def, file, indent));
      return call("either", ...def.options.map(inner));
    case "pipe":
      return call("converted", inner(def.in), nameOf(transformOf(def), file));
    case "object": {
      const how =
        (def.catchall as z.core.$ZodTypes | undefined)?._zod.def.type === "never" ? "object" : "openObject";
      return call(how, writeMembers(def.shape as z.ZodRawShape, file, indent), ...checks);
    }
    default:
      throw new TypeError(`no validator is known for ${def.type}`);
  }
}

/** One for each value of the member that tells them apart. */
function writeVariants(def: z.core.$ZodUnionDef, file: ShapeFile, indent: string): string {
  const { discriminator } = def as z.core.$ZodDiscriminatedUnionDef;
  const shapes = def.options.map((option) => [
    [...(option._zod.propValues?.[discriminator] ?? [])].join(),
    option as z.ZodType,
  ]);
  return writeMembers(Object.fromEntries(shapes) as z.ZodRawShape, file, indent);
}

function writeMembers(shape: z.ZodRawShape, file: ShapeFile, indent: string): string {
  const deeper = `${indent}  `;
  const members = Object.entries(shape).map(([name, schema]) => {
    const value = writeShape(schema as z.ZodType, file, undefined, deeper);
    return `${deeper}${member(name, value)}`;
  });
  return `{\n${members.join("")}${indent}}`;
}

function writeCheck(check: z.core.$ZodCheck, file: ShapeFile): string {
  const { def } = check._zod as unknown as { def: Readonly<Record<string, unknown>> & { check: string } };
  const call = (name: string, value: unknown) => `${file.use(name)}(${value})`;
  switch (def.check) {
    case "min_length":
      return call("atLeast", def.minimum);
    case "max_length":
      return call("atMost", def.maximum);
    case "length_equals":
      return call("exactly", def.length);
    case "greater_than":
      if (def.inclusive) return call("from", def.value);
      break;
    case "less_than":
      if (def.inclusive) return call("upTo", def.value);
      break;
    case "string_format":
      if (def.format === "regex") return call("matching", file.refer(def.pattern) ?? def.pattern);
      break;
    case "custom":
      return call("rule", `${nameOf(def.fn, file)}, ${JSON.stringify(messageOf(def))}`);
  }
  throw new TypeError(`no check is known for ${def.check}`);
}

function messageOf({ error }: Readonly<Record<string, unknown>>): unknown {
  if (typeof error !== "function") throw new TypeError("a refinement needs a message");
  return error({});
}

/** Generated code can only call what has a name. */
function nameOf(value: unknown, file: ShapeFile): string {
  const name = file.refer(value);
  if (name === undefined) throw new TypeError(`a refinement or conversion is no exported function: ${value}`);
  return name;
}
