// Edits a trust root before it is signed: who has a role, which key stands for which, who must cosign.
import { keyIdOf } from "../../protocol/cryptography/signature.ts";
import { decodeBase64, encodeBase64 } from "../../protocol/encoding/base64.ts";
import type { IdentityRule } from "../../protocol/entry/identity-rule.ts";
import type { TrustRoot } from "../../protocol/entry/trust-root.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { parseVerifierKey } from "../../protocol/note/key.ts";
import { parseTlogPolicy, type TlogPolicy } from "../../protocol/note/tlog-policy.ts";
import { formatTlogPolicy } from "./draft-trust-root.ts";
import type { RoleName } from "./roles.ts";

const FORMAT = "trust root";

/** Keys, and how many of them must sign. */
export interface Holders {
  /** SPKI DER of each. */
  readonly keys: readonly Uint8Array[];
  readonly threshold: number;
}

/** Gives a role to others. @throws MalformedError where it has several rules, which only a person can tell apart. */
export function setRole(
  root: TrustRoot,
  role: RoleName | "identityKeys",
  { keys, threshold }: Holders,
): TrustRoot {
  const holders = { keys: keys.map(keyIdOf), threshold };
  const current = root.roles[role];
  if (Array.isArray(current) && current.length !== 1)
    throw new MalformedError(FORMAT, `it has ${current.length} rules; edit the file`, `/roles/${role}`);
  const next = Array.isArray(current) ? [{ ...current[0], ...holders }] : { ...current, ...holders };
  return withUsedKeys({ ...root, roles: { ...root.roles, [role]: next } }, keys);
}

/** Names one more identity rule, which counts for all that publishers may publish as their keys do. */
export function addIdentity(root: TrustRoot, rule: IdentityRule): TrustRoot {
  const { roles } = root;
  const publisher = roles.publisher.map((one) => ({ ...one, identities: [...one.identities, rule.id] }));
  return { ...root, roles: { ...roles, publisher }, identities: [...root.identities, rule] };
}

/** Puts one key in the place of another, in every role. @throws MalformedError where no role has the old one. */
export function replaceKey(root: TrustRoot, oldKeyId: string, spki: Uint8Array): TrustRoot {
  const next = keyIdOf(spki);
  const replaced = <T extends { keys: string[] }>(rule: T): T => ({
    ...rule,
    keys: rule.keys.map((keyId) => (keyId === oldKeyId ? next : keyId)),
  });
  const { roles } = root;
  if (!usedKeys(root).has(oldKeyId))
    throw new MalformedError(FORMAT, `no role has the key ${oldKeyId}`, "/roles");
  return withUsedKeys(
    {
      ...root,
      roles: {
        root: replaced(roles.root),
        publisher: roles.publisher.map(replaced),
        policy: roles.policy.map(replaced),
        revocation: replaced(roles.revocation),
        status: replaced(roles.status),
        identityKeys: roles.identityKeys && replaced(roles.identityKeys),
      },
    },
    [spki],
  );
}

/** A witness to be named. */
export interface NewWitness {
  readonly name: string;
  /** `NAME+ID+BASE64`. */
  readonly key: string;
  /** Its submission prefix. */
  readonly url?: string | undefined;
}

/**
 * Names one more witness in the tlog-policy.
 * @param quorum how many of all witnesses must cosign.
 * @throws MalformedError where groups stand within groups, or the key or the number is none.
 */
export function addWitness(root: TrustRoot, { name, key, url }: NewWitness, quorum: number): TrustRoot {
  const policy = parseTlogPolicy(root.logPolicy);
  const { groups } = policy;
  if (groups.length > 1)
    throw new MalformedError(FORMAT, `it has ${groups.length} groups; edit the file`, "/logPolicy");
  const witnesses = [...policy.witnesses, { name, key: parseVerifierKey(key), url }];
  const group = {
    name: groups[0]?.name ?? "quorum-group",
    threshold: quorum,
    members: witnesses.map((witness) => witness.name),
  };
  return withPolicy(root, { ...policy, witnesses, groups: [group], quorum: group.name });
}

/** Names one more key of the log in the tlog-policy. @throws MalformedError where it is none, or there already. */
export function addLogKey(root: TrustRoot, key: string): TrustRoot {
  const policy = parseTlogPolicy(root.logPolicy);
  const url = policy.logs[0]?.url;
  return withPolicy(root, { ...policy, logs: [...policy.logs, { key: parseVerifierKey(key), url }] });
}

/** Lists one more key that signs receipts and views. Where the log is told of it is `keys.receipt` of its configuration. */
export function addReceiptKey(root: TrustRoot, spki: Uint8Array): TrustRoot {
  return { ...root, receiptKeys: [...root.receiptKeys, encodeBase64(spki)] };
}

/** Takes a receipt key away for trees from this trust root on. @throws MalformedError where it is not listed. */
export function removeReceiptKey(root: TrustRoot, keyId: string): TrustRoot {
  const receiptKeys = root.receiptKeys.filter((spki) => keyIdOf(decodeBase64(spki)) !== keyId);
  if (receiptKeys.length === root.receiptKeys.length)
    throw new MalformedError(FORMAT, `it lists no receipt key ${keyId}`, "/receiptKeys");
  return { ...root, receiptKeys };
}

function withPolicy(root: TrustRoot, policy: TlogPolicy): TrustRoot {
  return { ...root, logPolicy: formatTlogPolicy(policy) };
}

function usedKeys({ roles }: TrustRoot): Set<string> {
  const rules = [roles.root, ...roles.publisher, ...roles.policy, roles.revocation, roles.status];
  return new Set([...rules, ...(roles.identityKeys ? [roles.identityKeys] : [])].flatMap(({ keys }) => keys));
}

/** A trust root lists the keys that its roles name, and no other. */
function withUsedKeys(root: TrustRoot, added: readonly Uint8Array[]): TrustRoot {
  const used = usedKeys(root);
  const known = new Map([...root.keys.map(decodeBase64), ...added].map((spki) => [keyIdOf(spki), spki]));
  return {
    ...root,
    keys: [...known].filter(([keyId]) => used.has(keyId)).map(([, spki]) => encodeBase64(spki)),
  };
}
