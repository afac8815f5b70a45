// Gives the schema of the kind trust-root (trust-root.ts).
import * as z from "zod";
import { keyId, namePattern, origin, positive, sha256, spki, time } from "./fields.schema.ts";
import { identityRule, ruleId } from "./identity-rule.schema.ts";
import { RELEASE_KINDS } from "./release-kinds.ts";
import { isChained, isMixReachable, isReachable } from "./trust-root.ts";

/** k of these distinct keys. */
const threshold = {
  keys: z.array(keyId).min(1).max(32),
  threshold: z.int().min(1).max(32),
};
const REACHABLE = { error: "keys must differ and be at least as many as the threshold" };
/** k of these distinct keys and identities. */
const mixed = {
  identities: z.array(ruleId).max(32).describe("Identity rules that count as a key does"),
  keys: z.array(keyId).max(32),
  threshold: z.int().min(1).max(32),
};
const MIX_REACHABLE = {
  error: "keys and identities must differ and together be at least as many as the threshold",
};

export const role = z.strictObject(threshold).refine(isReachable, REACHABLE);
export const mixedRole = z.strictObject(mixed).refine(isMixReachable, MIX_REACHABLE);
const publisherRule = z
  .strictObject({
    ...mixed,
    kinds: z.array(z.enum(RELEASE_KINDS)).min(1).max(RELEASE_KINDS.length),
    names: z.array(namePattern).min(1).max(64),
  })
  .refine(isMixReachable, MIX_REACHABLE);
const policyRule = z
  .strictObject({ ...mixed, names: z.array(namePattern).min(1).max(64) })
  .refine(isMixReachable, MIX_REACHABLE);

const DAY = 86_400;

export const trustRoot = z
  .strictObject({
    name: z.literal("root"),
    version: positive,
    previous: sha256.nullable().describe("Payload digest of version - 1; null for 1"),
    expires: time,
    maxPolicyLifetime: z
      .int()
      .min(60)
      .max(3660 * DAY)
      .describe("Longest validity of a policy, seconds"),
    maxStatusAge: z
      .int()
      .min(60)
      .max(7 * DAY)
      .describe("Longest validity of a status, seconds"),
    maxCheckpointAge: z
      .int()
      .min(60)
      .max(30 * DAY)
      .describe("Oldest cosignature that counts as fresh, seconds"),
    origin,
    logPolicy: z.string().min(1).max(32_768).describe("C2SP tlog-policy: log keys, witnesses, quorum"),
    keys: z.array(spki).min(1).max(128).describe("Every key that a role names"),
    roles: z.strictObject({
      root: role,
      publisher: z.array(publisherRule).max(64),
      policy: z.array(policyRule).max(64),
      revocation: mixedRole,
      status: role,
      identityKeys: role.nullable().describe("Who states the keys of providers; null where nobody does"),
    }),
    identities: z.array(identityRule).max(64).describe("Every identity rule that a role names"),
    receiptKeys: z
      .array(spki)
      .max(16)
      .describe("Ed25519 and P-256 keys that sign receipts (RFC 9942) and views; none has a role"),
    index: z.boolean().describe("Whether statuses commit to an index of what the log holds"),
    successor: z
      .strictObject({ origin, finalSize: positive, finalRoot: sha256 })
      .nullable()
      .describe("Closes this log for ever and names the next one"),
  })
  .refine(isChained, {
    error: "previous is null for version 1 and only then",
  })
  .describe("Who may do what in this log");
