// Keeps policy bundles ready to send. A current one is served only after our own verifier accepted exactly these bytes, and only while
// nothing that was registered since has changed what is in force.
import { LRUCache } from "lru-cache";
import type { Published } from "../../log/checkpointing/publication.ts";
import type { ReadEntry } from "../../log/published-log.ts";
import type { ServedLog } from "../../log/served-log.ts";
import {
  BUNDLE_MEDIA_TYPE,
  formatPolicyBundle,
  type PolicyBundle,
} from "../../protocol/bundle/policy-bundle.ts";
import { utf8 } from "../../protocol/encoding/text.ts";
import { signersOf } from "../../protocol/envelope/dsse.ts";
import { MalformedError, PolicyError, VerificationError } from "../../protocol/errors.ts";
import { isRevoked } from "../../protocol/registration/in-force.ts";
import { type VerifiedBundle, verifyBundle } from "../../verifier/bundle/verify-bundle.ts";
import { readLoggedEntry, requireCurrent, requirePublished } from "../entries/read-entry.ts";
import { type EncodedBody, encodeBody } from "../http/encoded-body.ts";
import { NO_CACHE, READ_HEADERS } from "../http/headers.ts";
import { RequestProblem } from "../problem.ts";
import { assembleBundle } from "./assemble-bundle.ts";

/** Milliseconds for which a bundle is served without looking for a newer checkpoint or at what time has expired. */
const REFRESH_MS = 3_000;
/** Bundles of older versions, and bundles with a consistency proof, kept in memory. */
const KEPT_OTHERS = 64;

const HEADERS = {
  ...READ_HEADERS,
  "content-type": BUNDLE_MEDIA_TYPE,
  "cache-control": NO_CACHE,
  vary: "accept",
};

export interface BundlesOptions {
  readonly log: ServedLog;
  readonly clock: () => Date;
  /** Told when a bundle of ours is refused as broken, which only a damaged log can bring about. */
  readonly onBroken: (error: Error) => void;
}

interface Current {
  readonly bundle: PolicyBundle;
  /** What our verifier read in it: the same object for as long as the bundle is the same. */
  readonly verified: VerifiedBundle;
  readonly body: EncodedBody;
  readonly size: number;
  /** State of the log that it was made of. */
  readonly basis: string;
  /** Checkpoint note that it carries. */
  readonly note: string;
  readonly checkedAt: number;
}

export class Bundles {
  readonly #options: BundlesOptions;
  readonly #current = new Map<string, Current>();
  /** What was refused lately, so that a policy that expired does not cost a verification for each request. */
  readonly #refused = new Map<
    string,
    { readonly basis: string; readonly checkedAt: number; readonly problem: RequestProblem }
  >();
  readonly #building = new Map<string, Promise<Current>>();
  readonly #others = new LRUCache<string, Promise<EncodedBody>>({ max: KEPT_OTHERS });

  constructor(options: BundlesOptions) {
    this.#options = options;
  }

  /** The bundle of the newest version if it is in memory and still good: the answer to nearly every request. */
  ready(name: string): EncodedBody | undefined {
    return this.#good(name)?.body;
  }

  /**
   * The bundle of the newest version of a policy.
   * @throws RequestProblem "not-found", "behind", or "bundle-not-acceptable" with the reason that our verifier gives.
   */
  async current(name: string): Promise<EncodedBody> {
    requireCurrent(this.#options.log);
    return (this.#good(name) ?? (await this.#refresh(name))).body;
  }

  /** The same bundle as it was read and as it was verified: what views are made of. @throws RequestProblem as `current` does. */
  async verified(name: string): Promise<Pick<Current, "bundle" | "verified">> {
    requireCurrent(this.#options.log);
    return this.#good(name) ?? this.#refresh(name);
  }

  /** The same, with the consistency proof from an earlier size. @throws RequestProblem "beyond-tree" as well. */
  async since(name: string, size: number): Promise<EncodedBody> {
    await this.current(name);
    const current = this.#current.get(name);
    if (current === undefined || size > current.size) {
      throw new RequestProblem(
        "beyond-tree",
        `the bundle's tree has ${current?.size ?? 0} entries, not ${size}: was this another log?`,
      );
    }
    if (size === current.size) return current.body;
    return this.#other(`${name}?${size}:${current.body.identity.etag}`, async () => ({
      ...current.bundle,
      consistency: { from: size, proof: await this.#options.log.read.proveConsistency(size, current.size) },
    }));
  }

  /** A version by its number. All but the newest are marked historical, and no verifier takes them for current. */
  async version(name: string, version: number): Promise<EncodedBody> {
    const { read: log } = this.#options.log;
    const published = requirePublished(log);
    if (published.inForce.policies.get(name)?.version === version) return this.current(name);
    const record = await log.findByIdentity("policy", name, String(version));
    if (record === undefined)
      throw new RequestProblem("not-found", `there is no version ${version} of policy ${name}`);
    return this.#other(`${name}@${version}:${published.note}`, async () =>
      assembleBundle(log, published, await readLoggedEntry(log, record.index), true),
    );
  }

  #good(name: string): Current | undefined {
    const current = this.#current.get(name);
    if (current === undefined || this.#options.log.isBehind || current.basis !== this.#basis())
      return undefined;
    return this.#now() - current.checkedAt < REFRESH_MS ? current : undefined;
  }

  #now(): number {
    return this.#options.clock().getTime();
  }

  /** Changes with everything that matters to a bundle, also with what is registered but not published yet. */
  #basis(): string {
    const { registered, read } = this.#options.log;
    const { inForce } = read;
    return `${registered.changedAt}/${inForce.changedAt}/${inForce.status?.index}`;
  }

  #refresh(name: string): Promise<Current> {
    const running = this.#building.get(name);
    if (running !== undefined) return running;
    const building = this.#build(name).finally(() => this.#building.delete(name));
    this.#building.set(name, building);
    return building;
  }

  async #build(name: string): Promise<Current> {
    const published = requirePublished(this.#options.log.read);
    const basis = this.#basis();
    const refused = this.#refused.get(name);
    if (refused?.basis === basis && this.#now() - refused.checkedAt < REFRESH_MS) throw refused.problem;
    try {
      const current = await this.#assemble(name, published, basis);
      this.#current.set(name, current);
      return current;
    } catch (error) {
      this.#current.delete(name);
      const problem =
        error instanceof RequestProblem && error.code === "bundle-not-acceptable" ? error : null;
      if (problem !== null) this.#refused.set(name, { basis, checkedAt: this.#now(), problem });
      throw error;
    }
  }

  async #assemble(name: string, published: Published, basis: string): Promise<Current> {
    const { read: log } = this.#options.log;
    const policy = await this.#policyInForce(published, name);
    const previous = this.#current.get(name);
    const same = previous?.basis === basis && previous.note === published.note;
    const bundle = same ? previous.bundle : await assembleBundle(log, published, policy, false);
    const bytes = same ? previous.body.identity.bytes : bytesOf(bundle);
    const accepted = await this.#requireAcceptable(bytes, bundle, published);
    const verified = same ? previous.verified : accepted;
    const body = same ? previous.body : await encodeBody(bytes, HEADERS);
    const { note, checkpoint } = published;
    return { bundle, verified, body, basis, note, size: checkpoint.size, checkedAt: this.#now() };
  }

  async #policyInForce({ inForce }: Published, name: string): Promise<ReadEntry> {
    const { read: log } = this.#options.log;
    const found = inForce.policies.get(name);
    if (found === undefined) throw new RequestProblem("not-found", `there is no policy ${name}`);
    return readLoggedEntry(log, found.index);
  }

  /** What the published log cannot show yet, and then what every verifier will check. */
  async #requireAcceptable(
    bytes: Uint8Array,
    bundle: PolicyBundle,
    published: Published,
  ): Promise<VerifiedBundle> {
    this.#requireNotRevoked(bundle);
    const pinned = published.inForce.trustRoots[0];
    if (pinned === undefined) throw new RequestProblem("bundle-not-acceptable", "the log has no trust root");
    const pin = { origin: bundle.origin, version: pinned.root.version, digest: pinned.digest };
    const policy = bundle.policy.envelope.statement.name;
    try {
      return await verifyBundle(bytes, { pin, policy, now: this.#options.clock(), remembered: null });
    } catch (error) {
      throw this.#problemOf(error);
    }
  }

  /** A revocation counts from the moment it is durable, cosigned or not. */
  #requireNotRevoked({ policy, status, entries }: PolicyBundle): void {
    const { registered } = this.#options.log;
    for (const { index, envelope } of [policy, status, ...entries]) {
      const { kind, name } = envelope.statement;
      if (isRevoked(registered, { kind, index, digest: envelope.payloadDigest, ...signersOf(envelope) })) {
        const reason = kind === "policy" ? "policy-revoked" : "entry-revoked";
        throw new RequestProblem("bundle-not-acceptable", `${kind} ${name} is revoked`, { reason });
      }
    }
  }

  #problemOf(error: unknown): unknown {
    const ours = error instanceof MalformedError || error instanceof VerificationError;
    if (ours) this.#options.onBroken(error);
    if (!ours && !(error instanceof PolicyError)) return error;
    const reason = error instanceof MalformedError ? "malformed" : error.code;
    return new RequestProblem("bundle-not-acceptable", error.message, { reason });
  }

  #other(key: string, make: () => Promise<PolicyBundle>): Promise<EncodedBody> {
    const kept = this.#others.get(key);
    if (kept !== undefined) return kept;
    const made = make().then((bundle) => encodeBody(bytesOf(bundle), HEADERS));
    this.#others.set(key, made);
    made.catch(() => this.#others.delete(key));
    return made;
  }
}

function bytesOf(bundle: PolicyBundle): Uint8Array<ArrayBuffer> {
  return utf8(formatPolicyBundle(bundle)) as Uint8Array<ArrayBuffer>;
}
