// Founding a log: the keys of its first roles and the trust root that gives them out.
import { randomBytes } from "node:crypto";
import { formatTime } from "../../protocol/entry/fields.ts";
import { RELEASE_KINDS } from "../../protocol/entry/release-kinds.ts";
import type { Envelope } from "../../protocol/envelope/dsse.ts";
import {
  COSIGNATURE_ED25519,
  createPrivateKey,
  ED25519,
  formatPrivateKey,
  formatVerifierKey,
} from "../../protocol/note/key.ts";
import { signEnvelope } from "../signing/sign.ts";
import { generateSigningKey, parseSigningKey } from "../signing/signing-key.ts";
import { draftTrustRoot, formatLogPolicy } from "./draft-trust-root.ts";

/** A role has a key of its own, so that each can be taken offline or handed over by itself. */
export const ROLES = ["root", "publisher", "policy", "revocation", "status"] as const;

/** How long a status is good where the service issues one a day. */
export const DEFAULT_STATUS_DAYS = 2;

export interface FoundedLog {
  /** PKCS#8 PEM of each role's private key. */
  readonly roleKeys: Readonly<Record<(typeof ROLES)[number], string>>;
  /** Go-style private keys of the log and of its own cosigner. */
  readonly logKey: string;
  readonly cosignerKey: string;
  /** Trust root version 1, signed. */
  readonly trustRoot: Envelope;
}

const DAY = 86_400;

/**
 * Makes new keys and the first trust root: one key for each role, every name open to the publisher, checkpoints timed by the log's
 * own cosigner until witnesses are named.
 * @param statusDays 1 to 7: for so long after a change, anybody can show verifiers what was in force before it.
 */
export async function foundLog(
  origin: string,
  now: Date,
  statusDays = DEFAULT_STATUS_DAYS,
): Promise<FoundedLog> {
  const logKey = await createPrivateKey(origin, ED25519, randomBytes(32));
  const cosignerKey = await createPrivateKey(`${origin}/own-cosigner`, COSIGNATURE_ED25519, randomBytes(32));
  const roleKeys = Object.fromEntries(
    ROLES.map((role) => [role, generateSigningKey()]),
  ) as FoundedLog["roleKeys"];
  const key = (role: (typeof ROLES)[number]) => parseSigningKey(roleKeys[role]);
  const only = (role: (typeof ROLES)[number]) => ({ keys: [key(role).keyId], threshold: 1 });
  const payload = draftTrustRoot({
    name: "root",
    version: 1,
    previous: null,
    expires: formatTime(new Date(now.getTime() + 5 * 365 * DAY * 1000)),
    maxPolicyLifetime: 90 * DAY,
    maxStatusAge: statusDays * DAY,
    maxCheckpointAge: DAY,
    origin,
    logPolicy: formatLogPolicy(formatVerifierKey(logKey.verifierKey), [
      { name: "own-cosigner", key: formatVerifierKey(cosignerKey.verifierKey) },
    ]),
    keys: ROLES.map((role) => key(role).spki),
    roles: {
      root: only("root"),
      publisher: [{ ...only("publisher"), kinds: [...RELEASE_KINDS], names: ["*"] }],
      policy: [{ ...only("policy"), names: ["*"] }],
      revocation: only("revocation"),
      status: only("status"),
    },
    successor: null,
  });
  return {
    roleKeys,
    logKey: formatPrivateKey(logKey),
    cosignerKey: formatPrivateKey(cosignerKey),
    trustRoot: signEnvelope({ payload, signatures: [] }, [key("root")]),
  };
}
