// Lets a zod schema stand where a generated validator does, for kinds that tests make up.
import type * as z from "zod";
import { canonicalize } from "../../src/protocol/envelope/canonical-json.ts";
import { Shape } from "../../src/protocol/shape/shape.ts";

export function shapeOf<T>(schema: z.ZodType<T>): Shape<T> {
  return new Shape((value, reading, depth) => {
    const { data, error } = schema.safeParse(value);
    const [issue] = error?.issues ?? [];
    if (issue === undefined) {
      reading.isSorted &&= canonicalize(value) === JSON.stringify(value);
      return data as T;
    }
    for (const [i, key] of issue.path.entries()) reading.path[depth + i] = key as string | number;
    return reading.refuse(depth + issue.path.length, issue.message);
  });
}
