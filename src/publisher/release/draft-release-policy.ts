// Drafts the policy over a release: the next version, unless the log or the folder has one that says the same already. So running a
// release again neither makes a new version nor spoils a signature.
import { existsSync } from "node:fs";
import { sha256 } from "../../protocol/cryptography/hash.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { formatTime } from "../../protocol/entry/fields.ts";
import type { Policy } from "../../protocol/entry/policy.ts";
import { canonicalize } from "../../protocol/envelope/canonical-json.ts";
import { parseStatement } from "../../protocol/envelope/statement.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { findEntry } from "../client/lookup.ts";
import { composePolicy } from "../policy/compose-policy.ts";
import { draftPolicy, type PolicyContent, type PolicyPlace, placeAfter } from "../policy/draft-policy.ts";
import { MEMBER_KINDS } from "../policy/release-set.ts";
import { parseRequirements } from "../policy/requirements.ts";
import { type ChosenReleases, type ReleaseSource, selectRelease } from "../policy/select-release.ts";
import { inReleaseFile } from "./in-release-file.ts";
import { envelopePath, statementPath } from "./plan.ts";
import { readSmallFile } from "./read-file.ts";
import type { PolicySection } from "./release-file.ts";
import type { ReleaseTools } from "./release-tools.ts";
import type { SourcedStatement, StatementSources } from "./statement-source.ts";

/** @throws MalformedError naming the key of [policy] that is missing or wrong. */
export async function draftReleasePolicy(
  section: PolicySection,
  folder: string,
  sources: StatementSources,
  { client, origin, now, write }: ReleaseTools,
): Promise<SourcedStatement> {
  const content = await composeContent(section, sources);
  const newest = await findEntry(client, { kind: "policy", name: section.name });
  const path = statementPath(folder, "policy");
  if (newest !== undefined && isInForce(newest.statement.predicate, content, now)) {
    write(envelopePath(folder, "policy"), newest.envelope.leaf);
    return save(path, newest.envelope.payload, write);
  }
  const place = placeAfter({ name: section.name, origin }, newest, section.days, now);
  return save(path, keptDraft(path, place, content, now) ?? draftPolicy(place, content), write);
}

async function composeContent(section: PolicySection, sources: StatementSources): Promise<PolicyContent> {
  const { name, profile, requirements, svnFloor } = section;
  return inReleaseFile("policy.requirements", async () => {
    const wanted =
      typeof requirements === "string" ? parseRequirements(readSmallFile(requirements)) : requirements;
    const source: ReleaseSource = {
      find: (chosen, kind, at) => sources.find(chosen, kind, `policy.${at}`),
      follow: (reference) => sources.follow(reference),
    };
    const releases = await selectRelease(chosenBy(section, sources), source);
    return composePolicy(profile ?? name, releases, wanted, svnFloor);
  });
}

/** The draft in the folder, where it is for the same place and says the same. */
function keptDraft(
  path: string,
  place: PolicyPlace,
  content: PolicyContent,
  now: Date,
): Uint8Array | undefined {
  if (!existsSync(path)) return undefined;
  const payload = readSmallFile(path);
  const statement = parseStatement(payload);
  if (statement.kind !== "policy") return undefined;
  const { name, origin, previous } = statement.predicate;
  const same =
    name === place.name && origin === place.origin && previous === (place.previous?.digest ?? null);
  return same && isInForce(statement.predicate, content, now) ? payload : undefined;
}

function isInForce(policy: Policy, content: PolicyContent, now: Date): boolean {
  const { svnFloor, rebuilds, profiles } = policy;
  return (
    canonicalize({ svnFloor, rebuilds, profiles }) === canonicalize(content) &&
    policy.expires > formatTime(now)
  );
}

function save(path: string, payload: Uint8Array, write: ReleaseTools["write"]): SourcedStatement {
  write(path, payload);
  return { statement: parseStatement(payload), digest: encodeHex(sha256(payload)), path };
}

/** What [policy] names, and where it names nothing, the artefacts of the file. */
function chosenBy(section: PolicySection, sources: StatementSources): ChosenReleases {
  const all = (member: keyof ChosenReleases, given: readonly string[] | undefined) => {
    const kind = MEMBER_KINDS[member];
    const references = given ?? sources.tablesOf(kind);
    if (references.length === 0) throw notGiven(member, `the file has no ${kind}`);
    return references;
  };
  const single = (member: keyof ChosenReleases, given: string | undefined) => {
    const [first, ...others] = all(member, given === undefined ? undefined : [given]);
    if (first === undefined || others.length > 0)
      throw notGiven(member, `the file has more than one ${MEMBER_KINDS[member]}`);
    return first;
  };
  return {
    osImage: single("osImage", section.osImage),
    gspFirmware: single("gspFirmware", section.gspFirmware),
    gpuRims: all("gpuRims", section.gpuRims),
    switchRims: section.switchRims ?? sources.tablesOf(MEMBER_KINDS.switchRims),
    platforms: all("platforms", section.platforms),
  };
}

function notGiven(key: string, why: string): MalformedError {
  return new MalformedError("release file", `not given, and ${why}`, `policy.${key}`);
}
