// Fetches an entry with the proof that it is in the log that a trust file pins: whoever rebuilds compares with what is logged, not with what a
// server says.

import type { Kind } from "../../protocol/entry/kinds.ts";
import type { TrustRoot } from "../../protocol/entry/trust-root.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { hashLeaf } from "../../protocol/merkle/hash.ts";
import { parseTlogPolicy } from "../../protocol/note/tlog-policy.ts";
import { parseTlogProof, verifyTlogProof } from "../../protocol/note/tlog-proof.ts";
import { callLog, type LogClient, readAnswer, textOf } from "../client/log-client.ts";
import { type FoundEntry, findEntry } from "../client/lookup.ts";

/**
 * @throws MalformedError when the log has no such entry; VerificationError when it does not prove that it is there.
 */
export async function fetchProven(
  client: LogClient,
  wanted: { readonly kind: Kind; readonly name: string; readonly version: string },
  { logPolicy }: Pick<TrustRoot, "logPolicy">,
): Promise<FoundEntry & { readonly size: number }> {
  const found = await findEntry(client, wanted);
  if (found === undefined)
    throw new MalformedError("reference", `the log has no ${wanted.kind}/${wanted.name}@${wanted.version}`);
  const path = `/v1/entries/${found.index}/proof`;
  const text = textOf(await callLog(client, path, { headers: { accept: "text/plain" } }));
  const proof = await readAnswer(path, () => parseTlogProof(text));
  const { checkpoint } = await verifyTlogProof(
    proof,
    hashLeaf(found.envelope.leaf),
    parseTlogPolicy(logPolicy),
  );
  return { ...found, size: checkpoint.size };
}
