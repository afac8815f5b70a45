// Drafts a trust root: the first one of a new log, or the successor of the newest.
import type { TrustRoot } from "../../protocol/entry/trust-root.ts";
import { formatStatement } from "../../protocol/envelope/statement.ts";
import { formatVerifierKey } from "../../protocol/note/key.ts";
import {
  type PolicyLog,
  type PolicyWitness,
  parseTlogPolicy,
  type TlogPolicy,
} from "../../protocol/note/tlog-policy.ts";

/** The C2SP tlog-policy text of a log, by its keys, with these witnesses, all of which must cosign. */
export function formatLogPolicy(logs: readonly PolicyLog[], witnesses: readonly PolicyWitness[]): string {
  const members = witnesses.map(({ name }) => name);
  const group = { name: "all-witnesses", threshold: members.length, members };
  return formatTlogPolicy({ logs, witnesses, groups: [group], quorum: group.name });
}

/** The text of a policy; @throws MalformedError when it could not be read back. */
export function formatTlogPolicy({ logs, witnesses, groups, quorum }: TlogPolicy): string {
  const line = (...items: ReadonlyArray<string | undefined>) =>
    `${items.filter((item) => item !== undefined).join(" ")}\n`;
  const text = [
    ...logs.map(({ key, url }) => line("log", formatVerifierKey(key), url)),
    ...witnesses.map(({ name, key, url }) => line("witness", name, formatVerifierKey(key), url)),
    ...groups.map(({ name, threshold, members }) => line("group", name, String(threshold), ...members)),
    line("quorum", quorum),
  ].join("");
  parseTlogPolicy(text);
  return text;
}

/** The payload of a trust root; @throws MalformedError when the predicate is not valid. */
export function draftTrustRoot(root: TrustRoot): Uint8Array {
  return formatStatement("trust-root", root);
}

/** The successor of a trust root, the same but for its place in the chain and its expiry: edit it, then sign and publish it. */
export function nextTrustRoot(current: { root: TrustRoot; digest: string }, expires: string): TrustRoot {
  return { ...current.root, version: current.root.version + 1, previous: current.digest, expires };
}
