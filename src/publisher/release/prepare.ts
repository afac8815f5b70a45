// Prepares a release: every artefact described in an order in which references point backwards, the policy drafted, and a plan that
// lists the statements by digest. Needs no key. The same artefacts give the same bytes.
import { existsSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { inDependencyOrder } from "../../protocol/entry/dependency-order.ts";
import type { ReleaseKind } from "../../protocol/entry/release-kinds.ts";
import { parseEnvelope } from "../../protocol/envelope/dsse.ts";
import { parseStatement } from "../../protocol/envelope/statement.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { attachmentsOf } from "../../protocol/registration/references.ts";
import { attachmentFileName } from "../describe/described.ts";
import { parseSignable } from "../signing/sign.ts";
import { describeTable, inTable, releaseInputOf } from "./describe-table.ts";
import { draftReleasePolicy } from "./draft-release-policy.ts";
import {
  envelopePath,
  formatPlan,
  type Plan,
  type PlannedEntry,
  planPath,
  proofPath,
  statementPath,
} from "./plan.ts";
import { readSmallFile } from "./read-file.ts";
import type { Artefact, ReleaseFile } from "./release-file.ts";
import type { ReleaseTools } from "./release-tools.ts";
import { type SourcedStatement, type StatementSources, statementSources } from "./statement-source.ts";

/**
 * Describes the artefacts into `folder`. A signature that lies there over another statement than the one of now is removed, since it
 * is worth nothing.
 * @throws MalformedError naming table and key; what the describes throw; UnreachableError where the log is asked and does not answer.
 */
export async function prepareRelease(
  release: ReleaseFile,
  folder: string,
  tools: ReleaseTools,
): Promise<Plan> {
  const sources = statementSources(folder, tools.client, tools.write);
  const entries: PlannedEntry[] = [];
  for (const artefact of inDependencyOrder(release.artefacts, kindOf)) {
    const path = statementPath(folder, artefact.table);
    const payload = await prepareArtefact(artefact, release, sources, path, tools);
    tools.write(path, payload);
    const sourced = sources.add(artefact.table, payload, path);
    entries.push(planned(artefact.table, sourced));
    tools.tell(`described ${artefact.table}: ${path}`);
  }
  const policy =
    release.policy === null
      ? null
      : planned("policy", await draftReleasePolicy(release.policy, folder, sources, tools));
  for (const entry of policy === null ? entries : [...entries, policy]) dropStale(folder, entry, tools);
  const plan = { entries, policy };
  tools.write(planPath(folder), formatPlan(plan));
  return plan;
}

function kindOf(artefact: Artefact): ReleaseKind {
  return "described" in artefact ? artefact.described.kind : artefact.kind;
}

/** The statement of an artefact; its attachments are written first, so that a statement never lacks one. */
async function prepareArtefact(
  artefact: Artefact,
  release: ReleaseFile,
  sources: StatementSources,
  path: string,
  { write }: ReleaseTools,
): Promise<Uint8Array> {
  const { table } = artefact;
  const attach = (digest: string, bytes: Uint8Array) =>
    write(join(dirname(path), attachmentFileName(digest)), bytes);
  if ("statement" in artefact) {
    const read = await inTable(table, artefact, async () => readStatement(artefact.statement, artefact.kind));
    for (const [digest, bytes] of read.attachments) attach(digest, bytes);
    return read.payload;
  }
  const input = releaseInputOf(table, artefact.described, release.release);
  const described = await inTable(table, { ...release.release, ...artefact.described }, () =>
    describeTable(artefact.described, input, async (reference, kind, key) => {
      return (await sources.find(reference, kind, `artefacts.${table}.${key}`)).path;
    }),
  );
  for (const { reference, bytes } of described.attachments) attach(reference.digest, bytes);
  return described.payload;
}

/** A statement from elsewhere, in its canonical form, and the attachments that lie beside it. */
function readStatement(
  path: string,
  kind: ReleaseKind,
): { payload: Uint8Array; attachments: Map<string, Uint8Array> } {
  const { payload } = parseSignable(readSmallFile(path));
  const statement = parseStatement(payload);
  if (statement.kind !== kind)
    throw new MalformedError("statement", `${path} is a ${statement.kind}, not a ${kind}`);
  const attachments = new Map<string, Uint8Array>();
  for (const { digest } of attachmentsOf(statement)) {
    const beside = join(dirname(path), attachmentFileName(digest));
    if (!existsSync(beside))
      throw new MalformedError("statement", `the attachment of ${path} is not beside it: ${beside}`);
    attachments.set(digest, readSmallFile(beside));
  }
  return { payload, attachments };
}

function planned(
  table: string,
  { statement: { kind, name, version }, digest }: SourcedStatement,
): PlannedEntry {
  return { table, kind, name, version, digest };
}

function dropStale(folder: string, { table, digest }: PlannedEntry, { tell }: ReleaseTools): void {
  const path = envelopePath(folder, table);
  if (!existsSync(path) || parseEnvelope(readSmallFile(path)).payloadDigest === digest) return;
  rmSync(path);
  rmSync(proofPath(folder, table), { force: true });
  tell(`removed ${path}: it signed another statement`);
}
