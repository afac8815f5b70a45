// The policy of a release as a draft: the next version, unless the log or the folder has one that says the same already. So running a
// release again neither makes a new version nor spoils a signature.
import { existsSync } from "node:fs";
import { parse as parseToml } from "smol-toml";
import { sha256 } from "../../protocol/cryptography/hash.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import { formatTime } from "../../protocol/entry/fields.ts";
import type { Policy } from "../../protocol/entry/policy.ts";
import type { ReleaseKind } from "../../protocol/entry/reference.ts";
import { canonicalize } from "../../protocol/envelope/canonical-json.ts";
import { envelopeToJson } from "../../protocol/envelope/dsse.ts";
import { parseJson } from "../../protocol/envelope/parse-json.ts";
import { parseStatement } from "../../protocol/envelope/statement.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { type FoundEntry, findEntry } from "../client/lookup.ts";
import { draftPolicy, type PolicyContent, type PolicyPlace } from "../policy/draft-policy.ts";
import { envelopePath, statementPath } from "./plan.ts";
import { composePolicy, type Member, type ProfileMembers } from "./policy-content.ts";
import { readSmallFile } from "./read-file.ts";
import { checkRequirements, type PolicySection, type Requirements } from "./release-file.ts";
import type { ReleaseTools } from "./release-tools.ts";
import type { SourcedStatement, StatementSources } from "./statement-source.ts";

const DAY_MS = 86_400_000;
const MAX_REQUIREMENTS = 1024 * 1024;

/** @throws MalformedError naming the key of [policy] that is missing or wrong. */
export async function draftReleasePolicy(
  section: PolicySection,
  folder: string,
  sources: StatementSources,
  { client, now, write }: ReleaseTools,
): Promise<SourcedStatement> {
  const content = composePolicy(section, readRequirements(section), await membersOf(section, sources));
  const newest = await findEntry(client, { kind: "policy", name: section.name });
  const path = statementPath(folder, "policy");
  const logged = policyOf(newest);
  if (newest !== undefined && logged !== undefined && isInForce(logged, content, now)) {
    write(envelopePath(folder, "policy"), `${JSON.stringify(envelopeToJson(newest.envelope))}\n`);
    return save(path, newest.envelope.payload, write);
  }
  const place = {
    name: section.name,
    previous:
      logged === undefined || newest === undefined
        ? null
        : { version: logged.version, digest: newest.envelope.payloadDigest },
    validFrom: formatTime(now),
    expires: formatTime(new Date(now.getTime() + section.days * DAY_MS)),
  };
  return save(path, keptDraft(path, place, content, now) ?? draftPolicy(place, content), write);
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
  if (statement.kind !== "policy" || statement.name !== place.name) return undefined;
  const { previous } = statement.predicate;
  return previous === (place.previous?.digest ?? null) && isInForce(statement.predicate, content, now)
    ? payload
    : undefined;
}

function isInForce(policy: Policy, content: PolicyContent, now: Date): boolean {
  const { svnFloor, profiles } = policy;
  return canonicalize({ svnFloor, profiles }) === canonicalize(content) && policy.expires > formatTime(now);
}

function save(path: string, payload: Uint8Array, write: ReleaseTools["write"]): SourcedStatement {
  write(path, payload);
  return { statement: parseStatement(payload), digest: encodeHex(sha256(payload)), path };
}

function policyOf(found: FoundEntry | undefined): Policy | undefined {
  const statement = found?.envelope.statement;
  return statement?.kind === "policy" ? statement.predicate : undefined;
}

/** What [policy] names, and where it names nothing, the artefacts of the file. */
async function membersOf(section: PolicySection, sources: StatementSources): Promise<ProfileMembers> {
  const all = <K extends ReleaseKind>(
    kind: K,
    key: string,
    given: readonly string[] | undefined,
  ): Promise<Member<K>[]> => {
    const references = given ?? sources.tablesOf(kind);
    if (references.length === 0) throw notGiven(key, `the file has no ${kind}`);
    return Promise.all(
      references.map((reference, i) => sources.find(reference, kind, `policy.${key}${given ? `.${i}` : ""}`)),
    );
  };
  const single = async <K extends ReleaseKind>(
    kind: K,
    key: string,
    given: string | undefined,
  ): Promise<Member<K>> => {
    const [first, ...others] = await all(kind, key, given === undefined ? undefined : [given]);
    if (first === undefined || others.length > 0) throw notGiven(key, `the file has more than one ${kind}`);
    return first;
  };
  const osImage = await single("os-image", "osImage", section.osImage);
  return {
    osImage,
    kernelPatchSet: await sources.follow(osImage.statement.predicate.kernelPatchSet),
    driverBuild: await sources.follow(osImage.statement.predicate.driverBuild),
    gspFirmware: await single("gsp-firmware", "gspFirmware", section.gspFirmware),
    gpuRims: await all("gpu-rim", "gpuRims", section.gpuRims),
    platforms: await all("platform", "platforms", section.platforms),
  };
}

function readRequirements({ requirements }: PolicySection): Requirements {
  if (typeof requirements !== "string") return requirements;
  const bytes = readSmallFile(requirements);
  const value = requirements.endsWith(".json")
    ? parseJson(bytes, MAX_REQUIREMENTS)
    : readToml(bytes, requirements);
  return checkRequirements(value, "policy.requirements");
}

function readToml(bytes: Uint8Array, path: string): unknown {
  try {
    return parseToml(decodeUtf8(bytes));
  } catch (error) {
    throw new MalformedError(
      "release file",
      `${path}: ${(error as Error).message.split("\n")[0]}`,
      "policy.requirements",
    );
  }
}

function notGiven(key: string, why: string): MalformedError {
  return new MalformedError("release file", `not given, and ${why}`, `policy.${key}`);
}
