// Lets the schemas of a publisher's own files hold fields of the protocol: a generated validator as a zod type.
import * as z from "zod";
import type { Shape } from "../protocol/shape/shape.ts";

/** What the validator reads, with its fault where it stands. */
export function zodOf<T>(shape: Shape<T>): z.ZodType<T, T> {
  return z.custom<T>().check((context) => {
    const { error } = shape.safeParse(context.value);
    const [issue] = error?.issues ?? [];
    if (issue === undefined) return;
    context.issues.push({
      code: "custom",
      message: issue.message,
      path: [...issue.path],
      input: context.value,
    });
  });
}
