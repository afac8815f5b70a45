// Looks up what a log has of providers of identities: the rules of its trust root, and their keys. What it answers is not proven; what is
// published by mistake because of a lie is refused.
import * as z from "zod";
import type { TrustRoot } from "../../protocol/entry/trust-root.ts";
import { signersOf } from "../../protocol/envelope/dsse.ts";
import type { PlacedIdentityKeys } from "../../protocol/registration/in-force.ts";
import type { LogClient } from "../client/log-client.ts";
import { getEntry, getTrustRoot, searchEntries } from "../client/lookup.ts";

/** More than anybody rotates keys; the newest ones are what matters. */
const MOST = 256;
const indexed = z.object({ index: z.int().min(0) });

export interface LoggedProviders {
  readonly root: TrustRoot;
  /** Oldest first. */
  readonly identityKeys: readonly PlacedIdentityKeys[];
}

export async function getProviders(client: LogClient): Promise<LoggedProviders> {
  const { statement } = await getTrustRoot(client);
  const { entries } = await searchEntries(client, { kind: "identity-keys" }, MOST, indexed);
  const found = await Promise.all(entries.map(({ index }) => getEntry(client, index)));
  const identityKeys = found.flatMap(({ index, envelope }) =>
    envelope.statement.kind === "identity-keys"
      ? [
          {
            index,
            digest: envelope.payloadDigest,
            keys: envelope.statement.predicate,
            ...signersOf(envelope),
          },
        ]
      : [],
  );
  return { root: statement.predicate, identityKeys: identityKeys.reverse() };
}
