// The smallest verifier on Node: is the machine behind this TLS key the one that the policy describes?
import { readFileSync } from "node:fs";
import { appraiseEvidence, fetchPolicy, parseTrustFile, reasonOf } from "touchstone/verifier";
import { createFileStore } from "touchstone/verifier/node";

/**
 * @param spki the key of your TLS connection, DER: `socket.getPeerX509Certificate().publicKey.export({ type: "spki", format: "der" })`.
 * @param evidence evidence.json, which the machine made for `nonce`, 32 random bytes that you sent it.
 * @returns null when the machine is trusted, else why not.
 * @throws when there is no bundle that can be believed: then nothing is trusted either.
 */
export async function whyNotTrusted(
  log: string,
  spki: Uint8Array,
  nonce: Uint8Array,
  evidence: Uint8Array,
): Promise<string | null> {
  const now = new Date();
  const pin = parseTrustFile(readFileSync("trust-root.json"));
  const store = createFileStore("touchstone-state.json");
  const policy = await fetchPolicy({ url: log, name: "production", pin, store, now, fetch });
  const channel = { type: "tls-spki", key: spki } as const;
  const { checks } = await appraiseEvidence(policy, evidence, { now, nonce, channel });
  return reasonOf(checks);
}
