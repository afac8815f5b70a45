// Forecasts what publishing a prepared release would do, before anything is signed: a dry run. The log's answers are not proven here.

import type { Signer } from "../../node/signing/signer.ts";
import { describeReference } from "../../protocol/entry/reference.ts";
import { PolicyError } from "../../protocol/errors.ts";
import { authorise } from "../../protocol/registration/authorisation.ts";
import type { LogClient } from "../client/log-client.ts";
import { findEntry, getTrustRoot } from "../client/lookup.ts";
import type { Plan, PlannedEntry } from "./plan.ts";

export interface Forecast {
  readonly entry: string;
  /** "refused": the log would say no, for the reason in `detail`. */
  readonly outcome: "new" | "known" | "refused";
  readonly detail: string;
}

/** Holds every planned entry against the log: is its identity taken, and may these keys publish it? */
export async function forecastRelease(
  { entries, policy }: Plan,
  keys: { readonly publisher: readonly Signer[]; readonly policy: readonly Signer[] },
  client: LogClient,
): Promise<Forecast[]> {
  const { statement } = await getTrustRoot(client);
  const forecast = async (entry: PlannedEntry, signers: readonly Signer[]): Promise<Forecast> => {
    const found = await findEntry(client, { kind: entry.kind, name: entry.name, version: entry.version });
    const label = describeReference(entry);
    if (found?.envelope.payloadDigest === entry.digest)
      return { entry: label, outcome: "known", detail: `entry ${found.index}` };
    if (found !== undefined)
      return {
        entry: label,
        outcome: "refused",
        detail: `entry ${found.index} has the same identity and another content`,
      };
    const refusal = refusalOf(() =>
      authorise(statement.predicate, {
        ...entry,
        signers: signers.map(({ keyId }) => keyId),
        identities: [],
      }),
    );
    if (signers.length > 0 && refusal !== null) return { entry: label, outcome: "refused", detail: refusal };
    return { entry: label, outcome: "new", detail: signers.length > 0 ? "" : "needs to be signed elsewhere" };
  };
  const published = await Promise.all(entries.map((entry) => forecast(entry, keys.publisher)));
  return policy === null ? published : [...published, await forecast(policy, keys.policy)];
}

function refusalOf(check: () => void): string | null {
  try {
    check();
    return null;
  } catch (error) {
    if (error instanceof PolicyError) return error.message;
    throw error;
  }
}
