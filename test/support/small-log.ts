// A log in memory, for tests of what verifiers and auditors make of it: it registers by the real rules, or, told to, breaks them.
import type { Confirmation, LoggedEntry, PolicyBundle } from "../../src/protocol/bundle/policy-bundle.ts";
import { formatPolicyBundle } from "../../src/protocol/bundle/policy-bundle.ts";
import { KeyRing } from "../../src/protocol/cryptography/key-ring.ts";
import { encodeHex } from "../../src/protocol/encoding/hex.ts";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import { formatTime } from "../../src/protocol/entry/fields.ts";
import type { TrustRoot } from "../../src/protocol/entry/trust-root.ts";
import {
  type Envelope,
  needsTime,
  recordAt,
  signersOf,
  verifyEnvelope,
} from "../../src/protocol/envelope/dsse.ts";
import { proveConsistency } from "../../src/protocol/merkle/consistency.ts";
import { proveInclusion } from "../../src/protocol/merkle/inclusion.ts";
import { tokenIdOf } from "../../src/protocol/registration/identities.ts";
import { type InForce, NOTHING_IN_FORCE } from "../../src/protocol/registration/in-force.ts";
import { type EntryRecord, referencesOf } from "../../src/protocol/registration/references.ts";
import { type LogView, recordOf, register } from "../../src/protocol/registration/register.ts";
import { NOW } from "./clock.ts";
import { indexRootOf } from "./index-of.ts";
import { signedCheckpoint } from "./notes.ts";
import { makeTree, type TestTree } from "./tree.ts";
import { logKey, ORIGIN, witnessKey } from "./witnesses.ts";

export class SmallLog {
  readonly envelopes: Envelope[] = [];
  /** What the log says of when it takes entries with identities. */
  now = NOW;
  inForce: InForce = NOTHING_IN_FORCE;
  /** By hex SHA-256. */
  readonly attachments = new Map<string, Uint8Array>();
  readonly #records: EntryRecord[] = [];
  readonly #keys = new KeyRing();
  /** Ids of tokens that were used. */
  readonly #tokens = new Set<string>();

  /** Registers an entry. @throws PolicyError as the log would. @returns its index. */
  async add(sent: Envelope): Promise<number> {
    const envelope = needsTime(sent) ? recordAt(sent, formatTime(this.now)) : sent;
    if (envelope.statement.kind === "trust-root") await this.#keys.add(envelope.statement.predicate.keys);
    if (envelope.statement.kind === "identity-keys")
      await this.#keys.addProvider(envelope.statement.predicate);
    const verified = await verifyEnvelope(envelope, this.#keys.lookup, undefined, this.#keys.providers);
    const result = register(this.view, verified);
    if (result.outcome === "known") return result.record.index;
    this.#records.push(result.record);
    this.inForce = result.inForce;
    for (const token of verified.tokens) this.#tokens.add(tokenIdOf(token));
    return this.envelopes.push(envelope) - 1;
  }

  /** Puts an entry into the tree that the rules refuse, as a dishonest log can. @returns its index. */
  smuggle(envelope: Envelope): number {
    this.#records.push(recordOf({ ...envelope, ...signersOf(envelope) }, this.envelopes.length));
    this.inForce = { ...this.inForce, size: this.inForce.size + 1 };
    return this.envelopes.push(envelope) - 1;
  }

  /** Takes the keys of a trust root that was smuggled in, so that entries which they signed can be added. */
  async believe({ keys }: TrustRoot): Promise<void> {
    await this.#keys.add(keys);
  }

  get view(): LogView {
    return {
      inForce: this.inForce,
      findByDigest: (digest) => this.#records.find((record) => record.digest === digest),
      findByIdentity: (kind, name, version) =>
        this.#records.find((r) => r.kind === kind && r.name === name && r.version === version),
      hasToken: (id) => this.#tokens.has(id),
      hasAttachment: ({ digest, size }) => this.attachments.get(digest)?.length === size,
      treeRoot: () => encodeHex(this.tree().roots.at(-1)!),
      indexRoot: (size) => indexRootOf(this.envelopes.slice(0, size)),
    };
  }

  tree(): TestTree {
    return makeTree(this.envelopes.length, (i) => this.envelopes[i]!.leaf);
  }

  /** A checkpoint over the first `size` entries, cosigned at `at`. */
  async checkpoint(size = this.envelopes.length, at: Date = NOW, origin = ORIGIN): Promise<string> {
    const root = this.tree().roots[size]!;
    const seconds = Math.floor(at.getTime() / 1000);
    return signedCheckpoint({ origin, size, root }, await logKey(origin), [
      [await witnessKey("own.example"), seconds],
    ]);
  }

  /** The current bundle of a policy, as an honest service makes it. `change` is what a dishonest one does. */
  async bundle(
    policyName: string,
    change: Partial<PolicyBundle> = {},
    since: number | null = null,
  ): Promise<PolicyBundle> {
    const size = this.envelopes.length;
    const tree = this.tree();
    const entry = (index: number): LoggedEntry => ({
      index,
      envelope: this.envelopes[index]!,
      proof: proveInclusion(index, size, tree.readNode),
    });
    const policy = this.envelopes[this.inForce.policies.get(policyName)!.index]!;
    const wanted = new Set(referencesOf(policy.statement).map(({ digest }) => digest));
    return {
      origin: ORIGIN,
      historical: false,
      trustRoots: this.inForce.trustRoots.map(({ index }) => entry(index)),
      status: entry(this.inForce.status!.index),
      policy: entry(this.inForce.policies.get(policyName)!.index),
      entries: [...wanted].map((digest) => entry(this.#records.find((r) => r.digest === digest)!.index)),
      rebuilds: [],
      identityKeys: this.envelopes.some(({ recordedAt }) => recordedAt !== null)
        ? this.inForce.identityKeys.map(({ index }) => entry(index))
        : [],
      confirmations: await this.confirmations(),
      revocations: [],
      checkpoint: await this.checkpoint(size),
      consistency:
        since === null ? null : { from: since, proof: proveConsistency(since, size, tree.readNode) },
      ...change,
    };
  }

  /** A checkpoint over each entry with an identity, cosigned when the log says that it took the entry. */
  async confirmations(): Promise<Confirmation[]> {
    const confirmations: Confirmation[] = [];
    for (const [index, { recordedAt }] of this.envelopes.entries()) {
      if (recordedAt === null) continue;
      const proof = proveInclusion(index, index + 1, this.tree().readNode);
      confirmations.push({
        index,
        proof,
        checkpoint: await this.checkpoint(index + 1, new Date(recordedAt)),
      });
    }
    return confirmations;
  }

  /** Any entry with its proof at the current size. */
  logged(index: number): LoggedEntry {
    return {
      index,
      envelope: this.envelopes[index]!,
      proof: proveInclusion(index, this.envelopes.length, this.tree().readNode),
    };
  }
}

export function bundleBytes(bundle: PolicyBundle): Uint8Array {
  return utf8(formatPolicyBundle(bundle));
}
