// The generated validators take what the zod schemas take that they come from, read it alike, and refuse the rest with the same words.
// TOUCHSTONE_CASES sets how many values of each schema are tried.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { schemaModules } from "../../../scripts/shapes/shape-files.ts";
import type { Shape } from "../../../src/protocol/shape/shape.ts";
import { inProject } from "../../support/example-build.ts";
import { brokenValueOf, validValueOf } from "../../support/schema-cases.ts";

const CASES = Number(process.env.TOUCHSTONE_CASES ?? 60);

interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly errors?: readonly (readonly Issue[])[];
}

const modules = await schemaModules(inProject(""));
const pairs = (
  await Promise.all(
    modules.map(async ({ path, schemas }) => {
      if (schemas.size === 0) return [];
      const shapes = await import(inProject(path.replace(".schema.ts", ".shape.ts")));
      return [...schemas].flatMap(([name, schema]) =>
        schema instanceof z.ZodType
          ? [{ what: `${name} of ${path}`, schema, shape: shapes[name] as Shape<unknown> }]
          : [],
      );
    }),
  )
).flat();

/** What a choice of several forms found, too: which form a value with two faults is nearest to, the two may see otherwise. */
function everyIssue(issues: readonly Issue[], at: readonly PropertyKey[] = []): string[] {
  return issues.flatMap((issue) => {
    const path = [...at, ...issue.path];
    return [
      `${path.join("/")}: ${issue.message}`,
      ...(issue.errors ?? []).flatMap((inner) => everyIssue(inner, path)),
    ];
  });
}

function expectSame(schema: z.ZodType, shape: Shape<unknown>, value: unknown): void {
  const theirs = schema.safeParse(value);
  const ours = shape.safeParse(value);
  if (theirs.success) {
    expect(ours.error).toBeUndefined();
    expect(ours.data).toEqual(theirs.data);
    return;
  }
  expect(ours.error).toBeDefined();
  const [issue] = ours.error?.issues ?? [];
  const told = `${issue?.path.join("/")}: ${issue?.message}`;
  const issues: readonly Issue[] = theirs.error.issues as readonly Issue[];
  const known = everyIssue(issues);
  const choiceFailed =
    known.length > issues.length || issues.some(({ message }) => message === "Invalid input");
  if (choiceFailed) expect(known).toContain(told);
  else expect(told).toBe(known[0]);
}

describe.each(pairs)("$what", ({ schema, shape }) => {
  it("takes what zod takes, and refuses broken and hostile values with its words", () => {
    fc.assert(
      fc.property(fc.oneof(validValueOf(schema), brokenValueOf(schema)), (value) => {
        // Only JSON reaches a validator.
        if (value !== undefined) expectSame(schema, shape, JSON.parse(JSON.stringify(value)));
      }),
      { numRuns: CASES },
    );
  });
});
