// The part to copy: a fetch whose requests only a machine can read that the policy describes. Everything is checked here, in the page: neither
// the log, nor the service, nor whoever stands between is trusted.
import { createSealedFetch } from "touchstone/sealed";
import { createBrowserStore, type Verdict } from "touchstone/verifier";
import { LOG, PIN, POLICY, SERVICE } from "./settings.ts";

/** @param onVerdict told whenever the machine was appraised: at the first request, and when a verdict has ended. */
export function connect(onVerdict: (verdict: Verdict) => void): typeof fetch {
  const store = createBrowserStore(localStorage);
  return createSealedFetch({ to: SERVICE, log: LOG, policy: POLICY, pin: PIN, store, onVerdict });
}
