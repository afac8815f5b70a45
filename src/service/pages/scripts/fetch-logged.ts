// Fetches entries of the log for a page, and proof that they are in it.
import type { LoggedEntry } from "../../../protocol/bundle/policy-bundle.ts";
import { parseEnvelope } from "../../../protocol/envelope/dsse.ts";
import type { TlogPolicy } from "../../../protocol/note/tlog-policy.ts";
import { parseTlogProof, verifyTlogProof } from "../../../protocol/note/tlog-proof.ts";
import { serviceRoot } from "./dom.ts";

/** Fetches a path below the root of the service. @throws when the answer is no success. */
export type Fetch = (path: string, accept?: string) => Promise<Uint8Array>;

/** From the service that the page is of. */
export async function fetchBytes(path: string, accept = "application/json"): Promise<Uint8Array> {
  const answer = await fetch(`${serviceRoot()}${path}`, { headers: { accept } });
  if (!answer.ok) throw new Error(`${path}: the service answered ${answer.status}`);
  return new Uint8Array(await answer.arrayBuffer());
}

/** Not verified by itself: whoever uses it verifies. */
export async function fetchLogged(index: number, fetch: Fetch): Promise<LoggedEntry> {
  return { index, envelope: parseEnvelope(await fetch(`entries/${index}/envelope.dsse.json`)), proof: [] };
}

/** Its place in the log decides what a trust root or status says, so that is proven, too. */
export async function requireLogged(
  index: number,
  leafHash: Uint8Array,
  policy: TlogPolicy,
  fetch: Fetch,
): Promise<void> {
  const proof = parseTlogProof(await fetch(`v1/entries/${index}/proof`, "text/plain"));
  if (proof.index !== index) throw new Error(`the proof for entry ${index} is of entry ${proof.index}`);
  await verifyTlogProof(proof, leafHash, policy);
}

export async function fetchJson<T>(fetch: Fetch, path: string): Promise<T> {
  return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(await fetch(path))) as T;
}
