// Appraises a service before anything is sent to it. Everything is checked here, in the page: neither the log nor the service is trusted.
import { appraiseEvidence, createBrowserStore, fetchPolicy, type Verdict } from "touchstone/verifier";
import { LOG, PIN, POLICY, SERVICE } from "./settings.ts";

/** Encrypt to `key` only when the verdict is "trusted": the evidence vouches for this key and for no other. */
export async function appraiseService(): Promise<{ verdict: Verdict; key: Uint8Array }> {
  const now = new Date();
  const nonce = crypto.getRandomValues(new Uint8Array(32));
  const store = createBrowserStore(localStorage);
  const [policy, key, evidence] = await Promise.all([
    fetchPolicy({ url: LOG, name: POLICY, pin: PIN, store, now, fetch }),
    download(`${SERVICE}/hpke-key`),
    download(`${SERVICE}/evidence?nonce=${toHex(nonce)}`),
  ]);
  const verdict = await appraiseEvidence(policy, evidence, { now, nonce, channel: { type: "hpke", key } });
  return { verdict, key };
}

async function download(url: string): Promise<Uint8Array> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
