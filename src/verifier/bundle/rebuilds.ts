// Counts who built the releases of a policy again (docs/formats.md, "Policy bundle", step 5): enough of the keys that the policy names must have got
// the same, and one that got something else refuses, unless the policy says that it is to be shown.
import { type Rebuild, rebuild } from "../../protocol/entry/kinds/rebuild.ts";
import type { Policy } from "../../protocol/entry/policy.ts";
import type { RebuildRule } from "../../protocol/entry/rebuild-rule.ts";
import { describeReference, type Reference } from "../../protocol/entry/reference.ts";
import type { Statement } from "../../protocol/envelope/statement.ts";
import type { EntryRecord } from "../../protocol/registration/references.ts";
import { refuseBroken, refuseUnacceptable } from "./bundle-error.ts";

/** An entry of the bundle whose signatures, authorisation and inclusion were verified. */
interface ShownEntry {
  readonly record: EntryRecord;
  readonly statement: Statement;
}

/** A rebuild of a release of the policy, signed by a key that the policy names. */
export interface CountedRebuild {
  /** The release, as kind/name@version. */
  readonly of: string;
  /** The rebuild's entry. */
  readonly entry: string;
  readonly index: number;
  readonly result: Rebuild["result"];
  /** Those of its signers that the policy names. */
  readonly keys: readonly string[];
}

/**
 * @param entries included, authorised and not revoked.
 * @throws VerificationError "entry-wrong" for a rebuild of something else, or that nobody asked for; PolicyError "entry-not-rebuilt" |
 * "entry-rebuilt-otherwise".
 */
export function countRebuilds(
  { rebuilds: rule }: Pick<Policy, "rebuilds">,
  references: readonly Reference[],
  entries: readonly ShownEntry[],
): CountedRebuild[] {
  const counted = entries.map((entry) => countOne(entry, rule, references));
  if (rule === null) return counted;
  for (const reference of references)
    if (rule.kinds.some((kind) => kind === reference.kind)) requireEnough(reference, rule, counted);
  const other = counted.find(({ result }) => result === "differs");
  if (other !== undefined && rule.differs === "refuse")
    refuseUnacceptable(
      "entry-rebuilt-otherwise",
      `${other.of} was built again with another result: ${other.entry}, entry ${other.index}`,
    );
  return counted;
}

function countOne(
  { record, statement }: ShownEntry,
  rule: RebuildRule | null,
  references: readonly Reference[],
): CountedRebuild {
  const label = describeReference(statement);
  if (statement.kind !== rebuild.kind) refuseBroken("entry-wrong", `${label} is no rebuild`);
  const { of, result } = statement.predicate;
  const named = references.some(({ digest }) => digest === of.digest);
  const keys = rule?.keys.filter((key) => record.signers.includes(key)) ?? [];
  if (!named || keys.length === 0)
    refuseBroken("entry-wrong", `${label} is of a release or by a key that the policy does not name`);
  return { of: describeReference(of), entry: label, index: record.index, result, keys };
}

function requireEnough(
  reference: Reference,
  { threshold }: RebuildRule,
  counted: readonly CountedRebuild[],
): void {
  const label = describeReference(reference);
  const equal = counted.filter(({ of, result }) => of === label && result === "equal");
  const keys = new Set(equal.flatMap((one) => one.keys));
  if (keys.size < threshold)
    refuseUnacceptable(
      "entry-not-rebuilt",
      `${label} was built again with the same result by ${keys.size} of the ${threshold} that the policy demands`,
    );
}

/** What a verdict says of rebuilds with another result that the policy lets pass. */
export function rebuildWarnings(rebuilds: readonly CountedRebuild[]): string[] {
  return rebuilds
    .filter(({ result }) => result === "differs")
    .map(({ of, entry, index }) => `${of} was built again with another result: ${entry}, entry ${index}`);
}
