// Decides whether an entry enters the log, as one pure function of the log before it. The log decides with it inside its commit,
// the auditor decides again with it years later.

import { keyIdOf } from "../cryptography/signature.ts";
import { decodeBase64 } from "../encoding/base64.ts";
import type { Attachment } from "../entry/attachment.ts";
import { describeReference } from "../entry/reference.ts";
import type { Envelope, Signers, VerifiedEnvelope } from "../envelope/dsse.ts";
import { authorise, authoriseTrustRoot } from "./authorisation.ts";
import { bootsOf } from "./boots.ts";
import { checkTokens, tokenIdOf } from "./identities.ts";
import { applyEntry, currentTrustRoot, type InForce, isIdentityRevoked, isKeyRevoked } from "./in-force.ts";
import { checkOrigin } from "./origin.ts";
import { checkReceiptKeys } from "./receipt-keys.ts";
import {
  attachmentsOf,
  checkProfiles,
  checkReferences,
  type EntryRecord,
  type KnownEntry,
  referencesOf,
  svnOf,
} from "./references.ts";
import { refuse } from "./refusal.ts";
import {
  checkIdentityKeys,
  checkPolicySuccession,
  checkRevocation,
  checkStatus,
  checkStatusCapacity,
  checkTrustRootSuccession,
  checkTrustRootUsable,
} from "./succession.ts";

/**
 * The log as it is before the entry that is being decided; for a batch, with the entries before it in the batch.
 * @example
 * ```ts
 * import type { LogView } from "touchstone/protocol";
 * const isKnown = (view: LogView, digest: string): boolean => view.findByDigest(digest) !== undefined;
 * ```
 */
export interface LogView {
  readonly inForce: InForce;
  findByDigest(payloadDigest: string): EntryRecord | undefined;
  findByIdentity(kind: string, name: string, version: string): KnownEntry | undefined;
  /** Whether these bytes are stored durably. */
  hasAttachment(attachment: Attachment): boolean;
  /** Whether an entry was published by this token, by the id that `tokenIdOf` gives it. */
  hasToken(tokenId: string): boolean;
  /** Root hash of the tree before this entry, lower-case hex. */
  treeRoot(): string;
  /** Root of the index over the first `size` entries, lower-case hex, asked where a status states one; undefined where it is not to be had. */
  indexRoot(size: number): string | undefined;
}

/**
 * @example
 * ```ts
 * import type { Registration } from "touchstone/protocol";
 * const isNew = ({ outcome }: Registration): boolean => outcome === "new";
 * ```
 */
export type Registration =
  | { readonly outcome: "new"; readonly record: EntryRecord; readonly inForce: InForce }
  /** The same payload is in the log already, whatever signatures it came with this time. */
  | { readonly outcome: "known"; readonly record: KnownEntry };

/** Whether the same payload is logged; @throws PolicyError "identity-taken" when another one has its name and version. */
export function findKnown(
  view: Pick<LogView, "findByIdentity">,
  envelope: Pick<VerifiedEnvelope, "payloadDigest" | "statement">,
): KnownEntry | undefined {
  const { kind, name, version } = envelope.statement;
  const taken = view.findByIdentity(kind, name, version);
  if (taken !== undefined && taken.digest !== envelope.payloadDigest) {
    refuse(
      "identity-taken",
      `${describeReference(taken)} is entry ${taken.index} with another payload; releases never change, use a new version`,
    );
  }
  return taken;
}

/**
 * Decides whether an entry may be registered at the next index, and what is in force after it.
 * @throws PolicyError with a RefusalCode.
 * @example
 * ```ts
 * import { type LogView, register, type VerifiedEnvelope } from "touchstone/protocol";
 * const decide = (view: LogView, envelope: VerifiedEnvelope): string => register(view, envelope).outcome; // throws PolicyError
 * ```
 */
export function register(view: LogView, envelope: VerifiedEnvelope): Registration {
  const known = findKnown(view, envelope);
  if (known !== undefined) return { outcome: "known", record: known };
  const { inForce } = view;
  const index = inForce.size;
  checkSigners(inForce, envelope);
  checkIdentities(view, envelope);
  for (const attachment of attachmentsOf(envelope.statement)) {
    if (!view.hasAttachment(attachment)) {
      refuse(
        "attachment-missing",
        `attachment sha256:${attachment.digest} (${attachment.size} bytes) is not stored; send it with the entry`,
      );
    }
  }
  const find = (digest: string) => view.findByDigest(digest);
  checkReferences(envelope.statement, find, inForce);
  checkKind(view, envelope, find);
  const after = applyEntry(inForce, { ...envelope, index });
  checkStatusCapacity(after);
  return { outcome: "new", record: recordOf(envelope, index), inForce: after };
}

/** What the rules will want to know of this entry later. */
export function recordOf(
  { statement, payloadDigest, signers, identities }: Envelope & Signers,
  index: number,
): EntryRecord {
  const { kind, name, version } = statement;
  return {
    index,
    kind,
    name,
    version,
    digest: payloadDigest,
    svn: svnOf(statement),
    signers,
    identities,
    references: referencesOf(statement),
    boots: bootsOf(statement),
  };
}

/**
 * Whether these signers may register an entry next. It costs no hash and no signature, so a log asks it first.
 * @throws PolicyError "trust-root-not-first" | "log-closed" | "not-authorised" | "key-revoked".
 */
export function checkSigners(inForce: InForce, envelope: Pick<Envelope, "statement"> & Signers): void {
  checkOpen(inForce, envelope);
  checkAuthorised(inForce, envelope);
  checkSignersNotRevoked(inForce, envelope);
}

function checkOpen(inForce: InForce, { statement }: Pick<Envelope, "statement">): void {
  const current = currentTrustRoot(inForce);
  if (current === undefined && statement.kind !== "trust-root") {
    refuse("trust-root-not-first", "the first entry of a log is its trust root; publish that first");
  }
  const successor = current?.root.successor;
  if (successor)
    refuse("log-closed", `this log is closed at size ${successor.finalSize}; publish to ${successor.origin}`);
}

function checkAuthorised(inForce: InForce, entry: Pick<Envelope, "statement"> & Signers): void {
  const { statement, signers, identities } = entry;
  const current = currentTrustRoot(inForce);
  if (statement.kind === "trust-root") {
    authoriseTrustRoot(current?.root ?? null, statement.predicate, entry);
  } else if (current !== undefined) {
    checkOrigin(statement, current.root);
    authorise(current.root, { kind: statement.kind, name: statement.name, signers, identities });
  }
}

/** A trust root answers to the root roles alone: else the revocation key could revoke them, and end the log for ever. */
function checkSignersNotRevoked(
  { revokedKeys, revokedIdentities, size }: InForce,
  { statement, signers, identities }: Pick<Envelope, "statement"> & Signers,
): void {
  if (statement.kind === "trust-root") return;
  const revoked = signers.find((key) => isKeyRevoked(revokedKeys, key, size));
  if (revoked !== undefined)
    refuse("key-revoked", `key ${revoked} is revoked at index ${size}; sign with another key`);
  const rule = identities.find((id) => isIdentityRevoked(revokedIdentities, id, size));
  if (rule !== undefined)
    refuse("key-revoked", `identity rule ${rule} is revoked at index ${size}; sign with a key`);
}

/** Tokens are judged by the log below the entry and by its recorded time, which never goes back; each is used once. */
function checkIdentities(view: LogView, envelope: VerifiedEnvelope): void {
  const { inForce } = view;
  const root = currentTrustRoot(inForce)?.root;
  if (root === undefined || envelope.tokens.length === 0) return;
  const { recordedAt } = envelope;
  if (recordedAt === null || recordedAt < (inForce.recordedAt ?? ""))
    refuse(
      "recorded-at-wrong",
      `recordedAt ${recordedAt} is before ${inForce.recordedAt}, which came earlier`,
    );
  checkTokens(envelope, { root, identityKeys: inForce.identityKeys, revoked: inForce });
  const ids = envelope.tokens.map(tokenIdOf);
  if (new Set(ids).size < ids.length || ids.some((id) => view.hasToken(id)))
    refuse("token-used", "the token was used before; ask the provider for a new one");
}

function checkKind(
  view: LogView,
  { statement }: VerifiedEnvelope,
  find: (digest: string) => EntryRecord | undefined,
): void {
  const { inForce } = view;
  if (statement.kind === "trust-root") {
    checkTrustRootUsable(
      statement.predicate,
      new Set(statement.predicate.keys.map((spki) => keyIdOf(decodeBase64(spki)))),
    );
    checkReceiptKeys(statement.predicate);
    checkTrustRootSuccession(statement.predicate, inForce, () => view.treeRoot());
    return;
  }
  const root = currentTrustRoot(inForce)?.root;
  if (root === undefined) return;
  if (statement.kind === "policy") {
    checkPolicySuccession(statement, inForce, root);
    checkProfiles(statement, find);
  }
  if (statement.kind === "revocation") checkRevocation(statement, find);
  if (statement.kind === "identity-keys") checkIdentityKeys(statement.predicate, inForce);
  if (statement.kind === "status") checkStatus(statement, inForce, root, (size) => view.indexRoot(size));
}
