// A small log in which a pipeline publishes by its identity: with the rule in its trust root, and the provider's keys in it.
import type { IdentityKeys } from "../../src/protocol/entry/identity-keys.ts";
import type { TrustRoot } from "../../src/protocol/entry/trust-root.ts";
import { FoundedLog } from "./founded-log.ts";
import { type TestKeys, testKeys } from "./keys.ts";
import { type FakeProvider, GITHUB, releaseRule } from "./provider.ts";
import { trustRootPredicate } from "./trust-root.ts";
import { ORIGIN } from "./witnesses.ts";

/** What a trust root changes so that the identity counts as the publisher does; both root keys state the provider's keys. */
export async function identityRoles(keys: TestKeys): Promise<Pick<TrustRoot, "roles" | "identities">> {
  const { roles } = await trustRootPredicate(keys);
  const [first, ...others] = roles.publisher;
  return {
    roles: {
      ...roles,
      publisher: [{ ...first!, identities: [releaseRule.id] }, ...others],
      identityKeys: { keys: keys.root.map(({ keyId }) => keyId), threshold: 2 },
    },
    identities: [releaseRule],
  };
}

export function identityKeysPredicate(
  providers: readonly FakeProvider[],
  change: Partial<IdentityKeys> = {},
): IdentityKeys {
  return {
    name: "github",
    version: 1,
    previous: null,
    origin: ORIGIN,
    issuer: GITHUB,
    keys: providers.map(({ key }) => key),
    retrievedAt: "2026-11-23T10:00:00Z",
    ...change,
  };
}

/** A founded log with the rule, and with the keys of these providers. */
export async function identityLog(
  providers: readonly FakeProvider[],
  change: Partial<TrustRoot> = {},
): Promise<FoundedLog> {
  const log = await FoundedLog.found({ ...(await identityRoles(await testKeys())), ...change });
  await log.publish("identity-keys", identityKeysPredicate(providers), log.keys.root);
  return log;
}

/** The keys that follow those that the log has. */
export function nextIdentityKeys(
  log: FoundedLog,
  providers: readonly FakeProvider[],
  retrievedAt: string,
): IdentityKeys {
  const newest = log.inForce.identityKeys.at(-1)!;
  return identityKeysPredicate(providers, {
    version: newest.keys.version + 1,
    previous: newest.digest,
    retrievedAt,
  });
}
