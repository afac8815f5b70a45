// Puts a reference wherever a description repeats one of its components: zod-to-openapi writes a schema out again where it was given
// another description, and generated clients would then have a type for each place.
import type { OpenAPIObject } from "openapi3-ts/oas31";
import { canonicalize } from "../protocol/envelope/canonical-json.ts";

type Json = Record<string, unknown>;

/** The same description, with each component written out once. What stands beside a reference describes the place. */
export function referToComponents(document: OpenAPIObject): OpenAPIObject {
  const schemas = (document.components?.schemas ?? {}) as Record<string, Json>;
  const names = new Map(Object.entries(schemas).map(([name, schema]) => [shapeOf(schema), name]));
  const replace = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(replace);
    if (!isObject(value)) return value;
    const name = value.type === "object" ? names.get(shapeOf(value)) : undefined;
    return name === undefined ? replaceMembers(value) : referenceTo(name, value, schemas[name]);
  };
  const replaceMembers = (value: Json): Json =>
    Object.fromEntries(Object.entries(value).map(([key, member]) => [key, replace(member)]));
  const components = {
    ...document.components,
    schemas: Object.fromEntries(
      Object.entries(schemas).map(([name, schema]) => [name, replaceMembers(schema)]),
    ),
  };
  return { ...(replaceMembers(document as unknown as Json) as unknown as OpenAPIObject), components };
}

function referenceTo(name: string, { description }: Json, component: Json | undefined): Json {
  const $ref = `#/components/schemas/${name}`;
  return description === undefined || description === component?.description
    ? { $ref }
    : { $ref, description };
}

function shapeOf({ description: _, ...shape }: Json): string {
  return canonicalize(shape);
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null;
}
