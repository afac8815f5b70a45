// Reads and writes the plan of a prepared release: its statements in the order in which they are published, each by digest, so that what
// comes back from the machine of another signer is still what was prepared.
import { join } from "node:path";
import * as z from "zod";
import { readAs } from "../../protocol/encoding/shape.ts";
import { name, releaseVersion, sha256 } from "../../protocol/entry/fields.shape.ts";
import { kind } from "../../protocol/entry/kinds.shape.ts";
import { parseJson } from "../../protocol/envelope/parse-json.ts";
import { zodOf } from "../zod-of.ts";
import { TABLE_NAME } from "./artefact-table.ts";

const MAX_PLAN = 1024 * 1024;

const planned = z.strictObject({
  /** Name of the table in the release file, and of the files in the folder. */
  table: z.string().regex(TABLE_NAME),
  kind: zodOf(kind),
  name: zodOf(name),
  version: zodOf(releaseVersion),
  /** SHA-256 of the statement. */
  digest: zodOf(sha256),
});
export type PlannedEntry = z.infer<typeof planned>;

const plan = z.strictObject({ entries: z.array(planned).min(1).max(1000), policy: planned.nullable() });
export type Plan = z.infer<typeof plan>;

export function formatPlan(content: Plan): string {
  return `${JSON.stringify(content, null, 2)}\n`;
}

/** @throws MalformedError with a JSON pointer. */
export function parsePlan(bytes: Uint8Array): Plan {
  return readAs(plan, parseJson(bytes, MAX_PLAN), "release plan");
}

/** Where the folder of a release holds what. */
export const planPath = (folder: string): string => join(folder, "plan.json");
export const statementPath = (folder: string, table: string): string => join(folder, `${table}.json`);
export const envelopePath = (folder: string, table: string): string => join(folder, `${table}.dsse.json`);
export const proofPath = (folder: string, table: string): string => join(folder, `${table}.tlog-proof`);
