// Reads the table of fields in docs/appraisal.md.
import { readProject } from "../../support/example-build.ts";

export interface Row {
  /** The check that fails when the field is changed; null where nothing is compared with it. */
  readonly check: string | null;
}

const SECTION = /\n## Every field\n([\s\S]*?)\n## /;
const ROW = /^\| `([^`]+)` \| (.*) \|$/gm;
const COMPARED = /^compared with .+ \(`([a-z0-9-]+(?:\.[a-z0-9-]+)+)`\)$/;
const NOT_PROVEN = /^not proven, because .+/;
const RANGE = /^(.*?)(\d+)–(\d+)$/;

/** Rows by the name of the field. @throws Error for a row that is there twice or says neither of the two. */
export function readFieldTable(): Map<string, Row> {
  const [, section = ""] = SECTION.exec(readProject("docs/appraisal.md")) ?? [];
  const rows = new Map<string, Row>();
  for (const [, label = "", says = ""] of section.matchAll(ROW)) {
    const check = COMPARED.exec(says)?.[1] ?? null;
    if (check === null && !NOT_PROVEN.test(says))
      throw new Error(`${label}: neither what it is compared with nor why it is not: ${says}`);
    for (const name of namesOf(label)) {
      if (rows.has(name)) throw new Error(`${name} is in the table twice`);
      rows.set(name, { check });
    }
  }
  return rows;
}

/** A label that ends in a range of numbers stands for one field each. */
function namesOf(label: string): string[] {
  const [, before = "", from = "", to = ""] = RANGE.exec(label) ?? [];
  if (from === "") return [label];
  return Array.from({ length: Number(to) - Number(from) + 1 }, (_, i) => `${before}${Number(from) + i}`);
}
