// Drafts a trust root: the first one of a new log, or the successor of the newest.
import type { TrustRoot } from "../../protocol/entry/trust-root.ts";
import { formatStatement } from "../../protocol/envelope/statement.ts";

/** The C2SP tlog-policy text of a log with these witnesses, all of which must cosign. */
export function formatLogPolicy(
  logKey: string,
  witnesses: ReadonlyArray<{ name: string; key: string }>,
): string {
  const lines = witnesses.map(({ name, key }) => `witness ${name} ${key}\n`);
  const names = witnesses.map(({ name }) => name).join(" ");
  return `log ${logKey}\n${lines.join("")}group all-witnesses all ${names}\nquorum all-witnesses\n`;
}

/** The payload of a trust root; @throws MalformedError when the predicate is not valid. */
export function draftTrustRoot(root: TrustRoot): Uint8Array {
  return formatStatement("trust-root", root);
}

/** The successor of a trust root, the same but for its place in the chain and its expiry: edit it, then sign and publish it. */
export function nextTrustRoot(current: { root: TrustRoot; digest: string }, expires: string): TrustRoot {
  return { ...current.root, version: current.root.version + 1, previous: current.digest, expires };
}
