// Lets the schemas of a publisher's own files hold fields of the protocol: a generated validator as a zod type.
import * as z from "zod";
import { ObjectShape } from "../protocol/shape/containers.ts";
import type { Shape } from "../protocol/shape/shape.ts";

/** What the validator reads, with its fault where it stands. The metadata name the members of an object. */
export function zodOf<T>(shape: Shape<T>): z.ZodType<T, T> {
  const type = z.custom<T>().check((context) => {
    const { error } = shape.safeParse(context.value);
    const [issue] = error?.issues ?? [];
    if (issue === undefined) return;
    const { message, path } = issue;
    context.issues.push({ code: "custom", message, path: [...path], input: context.value });
  });
  return shape instanceof ObjectShape ? type.meta({ members: shape.names }) : type;
}
