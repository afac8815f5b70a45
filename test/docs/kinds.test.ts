// What the documentation says of kinds is what the registries say.
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { KINDS } from "../../src/protocol/entry/kinds.ts";
import { DESCRIBERS } from "../../src/publisher/describe/kinds/list.ts";
import { readProject } from "../support/example-build.ts";

interface Key {
  readonly key: string;
  readonly required: boolean;
  /** Keys inside it, where it is a table. */
  readonly inside: readonly string[];
}

const byKey = (a: Key, b: Key) => (a.key < b.key ? -1 : 1);

/** The keys of a row: `key`✱ or `key = { inside, inside }`. */
function keysInRow(text: string): Key[] {
  return [...text.matchAll(/`([A-Za-z]+)(?: = \{ ([^}]*) \})?`(✱?)/g)]
    .map(([, key = "", inside, star]) => ({
      key,
      required: star === "✱",
      inside: inside?.split(", ").sort() ?? [],
    }))
    .sort(byKey);
}

function keysOfTable(shape: z.ZodRawShape): Key[] {
  return Object.entries(shape)
    .map(([key, schema]) => ({
      key,
      required: !(schema instanceof z.ZodDefault || schema instanceof z.ZodExactOptional),
      inside: insideOf(schema as z.ZodType).sort(),
    }))
    .sort(byKey);
}

function insideOf(schema: z.ZodType): string[] {
  const { members } = (schema.meta() ?? {}) as { members?: readonly string[] };
  if (members !== undefined) return [...members];
  if (schema instanceof z.ZodObject) return Object.keys(schema.shape);
  return schema instanceof z.ZodDefault || schema instanceof z.ZodExactOptional
    ? insideOf(schema.def.innerType as z.ZodType)
    : [];
}

describe("docs/formats.md", () => {
  it("lists the kinds as the registry does", () => {
    const [, list = ""] = /`<kind>` is one of ([^;]*);/.exec(readProject("docs/formats.md")) ?? [];
    expect(list.split(/,\s+/).map((kind) => kind.replaceAll("`", ""))).toEqual(KINDS);
  });
});

describe("docs/release-pipeline.md", () => {
  const rows = [...readProject("docs/release-pipeline.md").matchAll(/^\| `([a-z-]+)` \| (.*`.*) \|$/gm)];

  it("has a row for each describer, in their order", () => {
    const kinds = rows.map(([, kind]) => kind);
    expect(kinds).toEqual(DESCRIBERS.map(({ kind }) => kind.kind));
  });

  it.each(DESCRIBERS.map((one) => [one.kind.kind, one] as const))(
    "has the keys of a %s's table, and marks those that must be there",
    (kind, { table }) => {
      const row = rows.find(([, name]) => name === kind)?.[2] ?? "";
      expect(keysInRow(row)).toEqual(keysOfTable(table(z.string())));
    },
  );
});
