// Founds a log: the keys of its first roles, of itself and of its cosigner, and the trust root that gives them out.
import { randomBytes } from "node:crypto";
import { generateSigningKey, parseSigningKey } from "../../node/signing/signing-key.ts";
import { keyIdOf } from "../../protocol/cryptography/signature.ts";
import { decodeBase64, encodeBase64 } from "../../protocol/encoding/base64.ts";
import { formatTime } from "../../protocol/entry/fields.ts";
import { RELEASE_KINDS } from "../../protocol/entry/release-kinds.ts";
import type { Envelope } from "../../protocol/envelope/dsse.ts";
import {
  COSIGNATURE_ED25519,
  COSIGNATURE_ML_DSA_44,
  createPrivateKey,
  ED25519,
  formatPrivateKey,
  type NotePrivateKey,
  type VerifierKey,
} from "../../protocol/note/key.ts";
import { signEnvelope } from "../signing/sign.ts";
import { draftTrustRoot, formatLogPolicy } from "./draft-trust-root.ts";
import type { Holders } from "./edit-trust-root.ts";
import { ROLES, type RoleName } from "./roles.ts";

/** How long a status is good where the service issues one a day. */
export const DEFAULT_STATUS_DAYS = 2;

export interface LogKeys {
  /** Go-style private key of the log's own cosigner. */
  readonly cosignerKey: string;
  /** The log's second key, where it was asked for. */
  readonly mlDsaKey?: string;
}

export interface FoundingOptions {
  /** Where the log will be reached, which other implementations want to read of it and of its cosigner. */
  readonly url?: string;
  /** 1 to 7: for so long after a change, anybody can show verifiers what was in force before it. */
  readonly statusDays?: number;
  /** The log also signs with ML-DSA-44. */
  readonly mlDsa44?: boolean;
  /** Statuses commit to an index. */
  readonly index?: boolean;
  /** The log's key, where its private half is kept elsewhere. */
  readonly logKey?: VerifierKey;
  /** Base64 SPKI of the key that signs receipts, where the log gives any. */
  readonly receiptKey?: string;
}

export interface FoundedLog extends LogKeys {
  /** Go-style private key of the log. */
  readonly logKey: string;
  /** PKCS#8 PEM of each role's private key. */
  readonly roleKeys: Readonly<Record<RoleName, string>>;
  /** Trust root version 1, signed. */
  readonly trustRoot: Envelope;
}

export interface DraftedLog extends LogKeys {
  /** As of a founded log; none where the log was given a key. */
  readonly logKey?: string;
  /** Of the roles whose keys were made here. */
  readonly roleKeys: Readonly<Partial<Record<RoleName, string>>>;
  /** Payload of trust root version 1, which its root keys have to sign. */
  readonly payload: Uint8Array;
}

const DAY = 86_400;

/**
 * Makes new keys and the first trust root: one key for each role, every name open to the publisher, checkpoints timed by the log's
 * own cosigner until witnesses are named.
 */
export async function foundLog(
  origin: string,
  now: Date,
  options: Omit<FoundingOptions, "logKey"> = {},
): Promise<FoundedLog> {
  const { payload, roleKeys, ...logKeys } = await draftLog(origin, now, {}, options);
  const all = roleKeys as FoundedLog["roleKeys"];
  const made = logKeys as Omit<FoundedLog, "roleKeys" | "trustRoot">;
  const trustRoot = await signEnvelope({ payload, signatures: [] }, [parseSigningKey(all.root)]);
  return { ...made, roleKeys: all, trustRoot };
}

/**
 * As `foundLog`, where people have keys of their own, and nothing is signed yet.
 * @param given who holds a role; a key is made for each of the others.
 */
export async function draftLog(
  origin: string,
  now: Date,
  given: Readonly<Partial<Record<RoleName, Holders>>>,
  {
    url,
    statusDays = DEFAULT_STATUS_DAYS,
    mlDsa44 = false,
    index = false,
    logKey: keptKey,
    receiptKey,
  }: FoundingOptions = {},
): Promise<DraftedLog> {
  const logKey = keptKey ?? (await createPrivateKey(origin, ED25519, randomBytes(32)));
  const mlDsaKey = mlDsa44 ? await createPrivateKey(origin, COSIGNATURE_ML_DSA_44, randomBytes(32)) : null;
  const cosignerKey = await createPrivateKey(`${origin}/own-cosigner`, COSIGNATURE_ED25519, randomBytes(32));
  const party = (key: NotePrivateKey | VerifierKey) => ({ key: "seed" in key ? key.verifierKey : key, url });
  const made = ROLES.filter((role) => given[role] === undefined);
  const roleKeys = Object.fromEntries(made.map((role) => [role, generateSigningKey()]));
  const holders = (role: RoleName): Holders =>
    given[role] ?? { keys: [decodeBase64(parseSigningKey(roleKeys[role] ?? "").spki)], threshold: 1 };
  const rule = (role: RoleName) => ({
    keys: holders(role).keys.map(keyIdOf),
    threshold: holders(role).threshold,
  });
  const payload = draftTrustRoot({
    name: "root",
    version: 1,
    previous: null,
    expires: formatTime(new Date(now.getTime() + 5 * 365 * DAY * 1000)),
    maxPolicyLifetime: 90 * DAY,
    maxStatusAge: statusDays * DAY,
    maxCheckpointAge: DAY,
    origin,
    logPolicy: formatLogPolicy(
      [party(logKey), ...(mlDsaKey === null ? [] : [party(mlDsaKey)])],
      [{ name: "own-cosigner", ...party(cosignerKey) }],
    ),
    keys: [...new Set(ROLES.flatMap((role) => holders(role).keys.map(encodeBase64)))],
    roles: {
      root: rule("root"),
      publisher: [{ ...rule("publisher"), identities: [], kinds: [...RELEASE_KINDS], names: ["*"] }],
      policy: [{ ...rule("policy"), identities: [], names: ["*"] }],
      revocation: { ...rule("revocation"), identities: [] },
      status: rule("status"),
      identityKeys: null,
    },
    identities: [],
    receiptKeys: receiptKey === undefined ? [] : [receiptKey],
    index,
    successor: null,
  });
  return {
    roleKeys,
    ...("seed" in logKey && { logKey: formatPrivateKey(logKey) }),
    ...(mlDsaKey && { mlDsaKey: formatPrivateKey(mlDsaKey) }),
    cosignerKey: formatPrivateKey(cosignerKey),
    payload,
  };
}
