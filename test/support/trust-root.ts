// Makes the trust root that gives the keys of the small log their roles.
import { encodeBase64 } from "../../src/protocol/encoding/base64.ts";
import type { TrustRoot } from "../../src/protocol/entry/trust-root.ts";
import type { TestKey, TestKeys } from "./keys.ts";
import { logKey, ORIGIN, tlogPolicy, witnessKey } from "./witnesses.ts";

/** In the order in which the vectors have them: any will do. */
const PUBLISHED_KINDS = [
  "os-image",
  "kernel-patch-set",
  "driver-build",
  "gsp-firmware",
  "gpu-rim",
  "switch-rim",
  "platform",
] as const;

/** The predicate of trust root version 1; `change` replaces members. */
export async function trustRootPredicate(
  keys: TestKeys,
  change: Partial<TrustRoot> = {},
): Promise<TrustRoot> {
  const everyKey = [
    ...keys.root,
    keys.publisher,
    keys.otherPublisher,
    keys.policy,
    keys.revocation,
    keys.status,
  ];
  const only = (key: TestKey) => ({ keys: [key.keyId], threshold: 1 });
  return {
    name: "root",
    version: 1,
    previous: null,
    expires: "2036-01-01T00:00:00Z",
    maxPolicyLifetime: 90 * 86_400,
    maxStatusAge: 7 * 86_400,
    maxCheckpointAge: 86_400,
    origin: ORIGIN,
    logPolicy: tlogPolicy(await logKey(), [await witnessKey("own.example")]),
    keys: everyKey.map(({ spki }) => encodeBase64(spki)),
    roles: {
      root: { keys: keys.root.map(({ keyId }) => keyId), threshold: 1 },
      publisher: [
        { ...only(keys.publisher), identities: [], kinds: [...PUBLISHED_KINDS], names: ["*"] },
        { ...only(keys.otherPublisher), identities: [], kinds: ["platform"], names: ["other/*"] },
      ],
      policy: [{ ...only(keys.policy), identities: [], names: ["*"] }],
      revocation: { ...only(keys.revocation), identities: [] },
      status: only(keys.status),
      identityKeys: null,
    },
    identities: [],
    receiptKeys: [],
    index: false,
    successor: null,
    ...change,
  };
}
