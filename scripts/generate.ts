// Writes what is generated and committed: openapi.yaml, schemas/*.json and the options of the describers. With --check it writes nothing
// and fails where a file is stale.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import * as z from "zod";
import { splitViewJson } from "../src/auditor/split-view.schema.ts";
import { policyBundleJson } from "../src/protocol/bundle/policy-bundle.schema.ts";
import { PREDICATES } from "../src/protocol/entry/kinds.schema.ts";
import type { Kind } from "../src/protocol/entry/kinds.ts";
import { predicateTypeOf } from "../src/protocol/entry/kinds.ts";
import { lookupAnswerJson } from "../src/protocol/lookup/lookup-answer.schema.ts";
import { DESCRIBER_OPTIONS_PATH, describerOptionsText } from "./describer-options.ts";
import { formatFiles } from "./format-files.ts";
import { describedApi } from "./record-examples.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const BUNDLE_ID = "urn:touchstone:policy-bundle:v1";
const LOOKUP_ID = "urn:touchstone:lookup:v1";
const SPLIT_VIEW_ID = "urn:touchstone:split-view:v1";

/** Every generated file: its path from the project's root, and its text. */
export async function generatedFiles(): Promise<Map<string, string>> {
  const files = new Map([
    ["openapi.yaml", stringify(await describedApi(), { lineWidth: 110, aliasDuplicateObjects: false })],
  ]);
  for (const [path, text] of formatFiles(ROOT, new Map([[DESCRIBER_OPTIONS_PATH, describerOptionsText()]])))
    files.set(path, text);
  for (const [kind, schema] of Object.entries(PREDICATES)) {
    files.set(`schemas/${kind}.v1.json`, schemaText(schema, predicateTypeOf(kind as Kind), "Predicate of"));
  }
  files.set("schemas/policy-bundle.v1.json", schemaText(policyBundleJson, BUNDLE_ID, "File format of"));
  files.set("schemas/lookup.v1.json", schemaText(lookupAnswerJson, LOOKUP_ID, "File format of"));
  files.set("schemas/split-view.v1.json", schemaText(splitViewJson, SPLIT_VIEW_ID, "File format of"));
  return files;
}

function schemaText(schema: z.ZodType, id: string, what: string): string {
  const { $schema, ...body } = z.toJSONSchema(schema, { io: "input" });
  const $comment = `${what} Touchstone entries. Rules that JSON Schema cannot say (order of times, sums, versions that follow one another) are checked in addition.`;
  return `${JSON.stringify({ $schema, $id: id, $comment, ...body }, null, 2)}\n`;
}

async function main(check: boolean): Promise<number> {
  let stale = 0;
  for (const [path, text] of await generatedFiles()) {
    const file = join(ROOT, path);
    if (!check) {
      mkdirSync(join(file, ".."), { recursive: true });
      writeFileSync(file, text);
    } else if (readOrEmpty(file) !== text) {
      stale++;
      console.error(`${path} is stale; run 'npm run generate'`);
    }
  }
  return stale;
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

if (process.argv[1] === import.meta.filename)
  process.exitCode = Math.min(1, await main(process.argv.includes("--check")));
