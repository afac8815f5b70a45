// Reads what trust-root.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import { list, nullable, object, oneOf } from "../shape/containers.ts";
import { atLeast, atMost, boolean, from, safeInteger, string, upTo } from "../shape/scalars.ts";
import { rule } from "../shape/shape.ts";
import { namePattern, origin, positive, sha256, spki, time } from "./fields.shape.ts";
import { type IdentityRule, identityRule, ruleId } from "./identity-rule.shape.ts";
import { isChained, isMixReachable, isReachable } from "./trust-root.ts";

export type Role = {
  keys: string[];
  threshold: number;
};

export const role = object<Role>(
  {
    keys: list(sha256, atLeast(1), atMost(32)),
    threshold: safeInteger(from(1), upTo(32)),
  },
  rule(isReachable, "keys must differ and be at least as many as the threshold"),
);

export type MixedRole = {
  /** Identity rules that count as a key does */
  identities: string[];
  keys: string[];
  threshold: number;
};

export const mixedRole = object<MixedRole>(
  {
    identities: list(ruleId, atMost(32)),
    keys: list(sha256, atMost(32)),
    threshold: safeInteger(from(1), upTo(32)),
  },
  rule(isMixReachable, "keys and identities must differ and together be at least as many as the threshold"),
);

/** Who may do what in this log */
export type TrustRoot = {
  name: "root";
  version: number;
  /** Payload digest of version - 1; null for 1 */
  previous: string | null;
  /** RFC 3339, UTC, seconds */
  expires: string;
  /** Longest validity of a policy, seconds */
  maxPolicyLifetime: number;
  /** Longest validity of a status, seconds */
  maxStatusAge: number;
  /** Oldest cosignature that counts as fresh, seconds */
  maxCheckpointAge: number;
  /** Origin line of the log's checkpoints (C2SP tlog-checkpoint) */
  origin: string;
  /** C2SP tlog-policy: log keys, witnesses, quorum */
  logPolicy: string;
  /** Every key that a role names */
  keys: string[];
  roles: {
    root: Role;
    publisher: {
      /** Identity rules that count as a key does */
      identities: string[];
      keys: string[];
      threshold: number;
      kinds: (
        | "platform"
        | "os-image"
        | "kernel-patch-set"
        | "driver-build"
        | "gsp-firmware"
        | "gpu-rim"
        | "switch-rim"
        | "rebuild"
      )[];
      names: string[];
    }[];
    policy: {
      /** Identity rules that count as a key does */
      identities: string[];
      keys: string[];
      threshold: number;
      names: string[];
    }[];
    revocation: MixedRole;
    status: Role;
    /** Who states the keys of providers; null where nobody does */
    identityKeys: Role | null;
  };
  /** Every identity rule that a role names */
  identities: IdentityRule[];
  /** Ed25519 and P-256 keys that sign receipts (RFC 9942) and views; none has a role */
  receiptKeys: string[];
  /** Whether statuses commit to an index of what the log holds */
  index: boolean;
  /** Closes this log for ever and names the next one */
  successor: {
    /** Origin line of the log's checkpoints (C2SP tlog-checkpoint) */
    origin: string;
    finalSize: number;
    /** SHA-256, lower-case hex */
    finalRoot: string;
  } | null;
};

export const trustRoot = object<TrustRoot>(
  {
    name: oneOf("root"),
    version: positive,
    previous: nullable(sha256),
    expires: time,
    maxPolicyLifetime: safeInteger(from(60), upTo(316224000)),
    maxStatusAge: safeInteger(from(60), upTo(604800)),
    maxCheckpointAge: safeInteger(from(60), upTo(2592000)),
    origin,
    logPolicy: string(atLeast(1), atMost(32768)),
    keys: list(spki, atLeast(1), atMost(128)),
    roles: object({
      root: role,
      publisher: list(
        object(
          {
            identities: list(ruleId, atMost(32)),
            keys: list(sha256, atMost(32)),
            threshold: safeInteger(from(1), upTo(32)),
            kinds: list(
              oneOf(
                "platform",
                "os-image",
                "kernel-patch-set",
                "driver-build",
                "gsp-firmware",
                "gpu-rim",
                "switch-rim",
                "rebuild",
              ),
              atLeast(1),
              atMost(8),
            ),
            names: list(namePattern, atLeast(1), atMost(64)),
          },
          rule(
            isMixReachable,
            "keys and identities must differ and together be at least as many as the threshold",
          ),
        ),
        atMost(64),
      ),
      policy: list(
        object(
          {
            identities: list(ruleId, atMost(32)),
            keys: list(sha256, atMost(32)),
            threshold: safeInteger(from(1), upTo(32)),
            names: list(namePattern, atLeast(1), atMost(64)),
          },
          rule(
            isMixReachable,
            "keys and identities must differ and together be at least as many as the threshold",
          ),
        ),
        atMost(64),
      ),
      revocation: mixedRole,
      status: role,
      identityKeys: nullable(role),
    }),
    identities: list(identityRule, atMost(64)),
    receiptKeys: list(spki, atMost(16)),
    index: boolean(),
    successor: nullable(
      object({
        origin,
        finalSize: positive,
        finalRoot: sha256,
      }),
    ),
  },
  rule(isChained, "previous is null for version 1 and only then"),
);
