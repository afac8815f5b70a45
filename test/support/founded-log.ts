// A small log with its trust root in it, and short ways to put more on it.
import type { Kind, Predicate } from "../../src/protocol/entry/kinds.ts";
import type { TrustRoot } from "../../src/protocol/entry/trust-root.ts";
import type { Envelope } from "../../src/protocol/envelope/dsse.ts";
import { policyPredicate, statusPredicate } from "./document-predicates.ts";
import { type TestKey, type TestKeys, testKeys } from "./keys.ts";
import { inOrder, type ReleaseSet, signReleaseSet } from "./release-set.ts";
import { signStatement } from "./signing.ts";
import { SmallLog } from "./small-log.ts";
import { trustRootPredicate } from "./trust-root.ts";

export class FoundedLog extends SmallLog {
  readonly keys: TestKeys;

  private constructor(keys: TestKeys) {
    super();
    this.keys = keys;
  }

  static async found(change: Partial<TrustRoot> = {}): Promise<FoundedLog> {
    const log = new FoundedLog(await testKeys());
    await log.publish("trust-root", await trustRootPredicate(log.keys, change), log.keys.root);
    return log;
  }

  /** Signs and registers. @throws PolicyError as the log would. @returns the index. */
  async publish<K extends Kind>(
    kind: K,
    predicate: Predicate<K>,
    signers: readonly TestKey[],
  ): Promise<number> {
    return this.add(await signStatement(kind, predicate, signers));
  }

  /** The next trust root, as an honest owner drafts it. */
  async nextRoot(change: Partial<TrustRoot> = {}): Promise<TrustRoot> {
    const newest = this.inForce.trustRoots.at(-1)!;
    const successor = { version: newest.root.version + 1, previous: newest.digest };
    return trustRootPredicate(this.keys, { ...successor, ...change });
  }

  async publishRelease(version = "1.0"): Promise<ReleaseSet> {
    const set = await signReleaseSet(this.keys, version);
    for (const envelope of inOrder(set)) await this.add(envelope);
    return set;
  }

  /** The next version of the policy "production" over a release set. */
  nextPolicy(set: ReleaseSet, change: Partial<Predicate<"policy">> = {}): Predicate<"policy"> {
    const newest = this.inForce.policies.get("production");
    const place = newest && { version: newest.version + 1, previous: newest.digest };
    return policyPredicate(set, { ...place, ...change });
  }

  async publishPolicy(set: ReleaseSet, change: Partial<Predicate<"policy">> = {}): Promise<Envelope> {
    const envelope = await signStatement("policy", this.nextPolicy(set, change), [this.keys.policy]);
    await this.add(envelope);
    return envelope;
  }

  /** A status; `change` makes it lie. */
  async publishStatus(change: Partial<Predicate<"status">> = {}): Promise<number> {
    return this.publish("status", statusPredicate(this.inForce, change), [this.keys.status]);
  }
}
