// Recomputes everything in a log's database from its entries alone and says where the database differs. It is the oracle of the crash tests.

import { witnessVerifier } from "../../node/ed25519.ts";
import { nativeSha256 } from "../../node/sha256.ts";
import { KeyRing } from "../../protocol/cryptography/key-ring.ts";
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { canonicalize } from "../../protocol/envelope/canonical-json.ts";
import { type Envelope, parseLeaf, type VerifiedEnvelope } from "../../protocol/envelope/dsse.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { hashLeaf } from "../../protocol/merkle/hash.ts";
import { tilesOfSize } from "../../protocol/merkle/tile.ts";
import { splitTimestamp } from "../../protocol/note/cosignature.ts";
import {
  authenticateCheckpoint,
  type CosignedCheckpoint,
  timeOfQuorum,
} from "../../protocol/note/cosigned-checkpoint.ts";
import { type NoteSignature, openNote } from "../../protocol/note/signed-note.ts";
import { keysOf, parseTlogPolicy, type TlogPolicy } from "../../protocol/note/tlog-policy.ts";
import { tokenIdOf } from "../../protocol/registration/identities.ts";
import { currentTrustRoot, type InForce, NOTHING_IN_FORCE } from "../../protocol/registration/in-force.ts";
import { attachmentsOf } from "../../protocol/registration/references.ts";
import { register } from "../../protocol/registration/register.ts";
import type { HighWater } from "../checkpointing/high-water.ts";
import { StartRefusedError } from "../errors.ts";
import { BatchView } from "../sequencing/batch-view.ts";
import { entriesBefore } from "../sequencing/entries-before.ts";
import { loadInForce } from "../sequencing/load-in-force.ts";
import { verifyBatch } from "../sequencing/verify-batch.ts";
import { loadStored, requireExtended, requireFounded, requireMarkKept } from "../start-checks.ts";
import { digestsOf } from "../store/entry-record.ts";
import type { PublishedCheckpoint, TileWrite } from "../store/log-store.ts";
import { damageIn } from "../store/open-store.ts";
import type { InspectedStore } from "../store/store-inspection.ts";
import { GrowingTree } from "../tree/growing-tree.ts";
import { type FsckCheck, type FsckFinding, FsckFindings } from "./fsck-finding.ts";

export interface FsckReport {
  readonly entries: number;
  readonly checkpoints: number;
  readonly attachments: number;
  /** Empty when the log is sound. */
  readonly findings: readonly FsckFinding[];
}

/** Entries that are read at once: those of one tile. */
const PAGE = 256;

/**
 * Checks a whole log, offline: what a start checks, in the same words; then the store's own structure, every leaf, signature and
 * registration, every index, tile, checkpoint and attachment, and the tree head.
 * @param highWater null for a copy, which may be behind it.
 */
export async function fsck(
  store: InspectedStore,
  highWater: Pick<HighWater, "read"> | null,
  onProgress: (entries: number) => void = () => undefined,
): Promise<FsckReport> {
  return new Fsck(store, highWater).run(onProgress);
}

class Fsck {
  readonly #store: InspectedStore;
  readonly #highWater: Pick<HighWater, "read"> | null;
  readonly #keys = new KeyRing();
  readonly #findings = new FsckFindings();
  readonly #expected = { digests: 0, signers: 0, tokens: 0 };
  /** Hex SHA-256 of what the entries name. */
  readonly #attached = new Set<string>();
  readonly #tree = GrowingTree.empty();
  #inForce: InForce = NOTHING_IN_FORCE;
  #checkpoints: PublishedCheckpoint[] = [];

  constructor(store: InspectedStore, highWater: Pick<HighWater, "read"> | null) {
    this.#store = store;
    this.#highWater = highWater;
  }

  async run(onProgress: (entries: number) => void): Promise<FsckReport> {
    let attachments = 0;
    let checkpoints = 0;
    try {
      await this.#checkStart();
      for (const line of await this.#store.inspection.integrity()) this.#findings.add("database", line);
      this.#checkpoints = await this.#store.checkpointsFrom(0, Number.MAX_SAFE_INTEGER);
      checkpoints = this.#checkpoints.length;
      const { entries, newest } = await this.#store.inspection.counts();
      if (entries === newest + 1) await this.#checkEntries(onProgress);
      else
        this.#findings.add(
          "entry",
          `${newest + 1 - entries} entries below ${newest} are missing; nothing behind them can be checked`,
        );
      attachments = await this.#checkAttachments();
    } catch (error) {
      const damage = damageIn(error);
      if (damage === undefined) throw error;
      this.#findings.add("database", damage);
    }
    return { entries: this.#tree.size, checkpoints, attachments, findings: this.#findings.list };
  }

  /**
   * What makes a start refuse. A log that goes on writing is ahead of the mark that was read before the store, and never behind it; what it
   * has published is never ahead of the mark that is read after.
   */
  async #checkStart(): Promise<void> {
    const before = await this.#refusable("high-water", () => this.#highWater?.read());
    const stored = await this.#refusable("start", () => loadStored(this.#store));
    const after = await this.#refusable("high-water", () => this.#highWater?.read());
    if (stored === undefined) return;
    await this.#refusable("start", () => requireFounded(stored.state));
    if (this.#highWater === null || this.#findings.has("high-water")) return;
    const isTorn = before?.isTorn === true && after?.isTorn === true;
    const kept = after && { ...after, isTorn };
    await this.#refusable("high-water", () => requireMarkKept(stored, kept));
    if (!this.#findings.has("high-water"))
      await this.#refusable("high-water", () => requireExtended(stored, before));
  }

  async #refusable<T>(check: FsckCheck, run: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await run();
    } catch (error) {
      const isJudged = error instanceof StartRefusedError || error instanceof MalformedError;
      if (!isJudged) throw error;
      this.#findings.add(check, error.message);
      return undefined;
    }
  }

  async #checkEntries(onProgress: (entries: number) => void): Promise<void> {
    for (let leaves = await this.#page(); leaves.length > 0; leaves = await this.#page()) {
      await this.#checkPage(leaves);
      onProgress(this.#tree.size);
    }
    await this.#checkEnd();
  }

  #page(): Promise<Uint8Array[]> {
    return this.#store.readLeaves(this.#tree.size, this.#tree.size + PAGE);
  }

  async #checkPage(leaves: readonly Uint8Array[]): Promise<void> {
    const first = this.#tree.size;
    const envelopes = leaves.map((leaf, i) => this.#attempt("entry", first + i, () => parseLeaf(leaf)));
    const verified = await this.#verify(envelopes, first);
    const tile = (await this.#store.readTile(0, first / PAGE))?.hashes;
    for (const [i, leaf] of leaves.entries()) {
      const envelope = verified[i];
      if (envelope !== undefined)
        await this.#readable("registration", `entry ${first + i} depends on what cannot be read`, () =>
          this.#checkEntry(envelope, first + i),
        );
      const leafHash = hashLeaf(leaf, nativeSha256);
      if (tile === undefined || !equalBytes(leafHash, tile.subarray(32 * i, 32 * i + 32))) {
        this.#findings.add("entry", `entry ${first + i} does not have the hash in its tile`);
      }
      this.#tree.append(leafHash);
      await this.#checkCheckpoints();
    }
    for (const tile of this.#tree.takeWrites()) await this.#checkTile(tile);
  }

  /** All at once; when one of them fails, one by one, so that it is named and the others still count. */
  async #verify(
    envelopes: ReadonlyArray<Envelope | undefined>,
    first: number,
  ): Promise<Array<VerifiedEnvelope | undefined>> {
    const present = envelopes.filter((envelope) => envelope !== undefined);
    const roots = present.flatMap(({ statement }) =>
      statement.kind === "trust-root" ? statement.predicate.keys : [],
    );
    await this.#keys
      .add(roots)
      .catch((error: Error) =>
        this.#findings.add("entry", `a trust root from ${first} on: ${error.message}`),
      );
    for (const { statement } of present) {
      if (statement.kind !== "identity-keys") continue;
      await this.#keys
        .addProvider(statement.predicate)
        .catch((error: Error) =>
          this.#findings.add("entry", `identity-keys from ${first} on: ${error.message}`),
        );
    }
    return Promise.all(
      envelopes.map(async (envelope, i) => {
        if (envelope === undefined) return undefined;
        try {
          return (await verifyBatch([envelope], this.#keys))[0];
        } catch (error) {
          this.#findings.add("signature", `entry ${first + i}: ${(error as Error).message}`);
          return undefined;
        }
      }),
    );
  }

  async #checkEntry(envelope: VerifiedEnvelope, index: number): Promise<void> {
    for (const { digest } of attachmentsOf(envelope.statement)) this.#attached.add(digest);
    const earlier = entriesBefore(this.#store, index);
    const view = await BatchView.load(earlier, this.#inForce, [envelope], () => this.#tree.root());
    const registration = this.#attempt("registration", index, () => register(view, envelope));
    if (registration?.outcome === "new") this.#inForce = registration.inForce;
    else {
      this.#inForce = { ...this.#inForce, size: index + 1 };
      if (registration !== undefined)
        this.#findings.add("registration", `entry ${index} is entry ${registration.record.index} again`);
    }
    await this.#checkIndexes(envelope, index);
  }

  async #checkIndexes(envelope: VerifiedEnvelope, index: number): Promise<void> {
    const { inspection } = this.#store;
    const { identities } = await this.#store.lookup({ identities: [envelope.statement] });
    const byDigest = await inspection.indexOf(envelope.payloadDigest);
    if (identities[0]?.index !== index || byDigest !== index)
      this.#findings.add("index", `entry ${index} is not found by its digest or name`);
    const digests = digestsOf(envelope);
    const tokens = envelope.tokens.map(tokenIdOf);
    this.#expected.tokens += tokens.length;
    this.#expected.digests += inspection.digestRows(digests);
    this.#expected.signers += envelope.signers.length;
    if (!(await inspection.leadsTo(index, { digests, tokens, signers: envelope.signers })))
      this.#findings.add("index", `entry ${index} is not found by a digest or key in it`);
  }

  async #checkTile({ level, index, hashes, inner }: TileWrite): Promise<void> {
    const stored = await this.#store.readTile(level, index);
    const label = `tile ${index} of level ${level}`;
    const whole = stored !== undefined && equalBytes(stored.hashes.subarray(0, hashes.length), hashes);
    if (!whole) return this.#findings.add("tile", `${label} does not hold the hashes of its entries`);
    if (inner !== null && (stored.inner === null || !equalBytes(stored.inner, inner))) {
      this.#findings.add("tile", `the inner nodes of ${label} are wrong`);
    }
  }

  /** Checkpoints come ordered by size; those of the size the tree has now are compared with it. */
  async #checkCheckpoints(): Promise<void> {
    while (this.#checkpoints[0]?.size === this.#tree.size) {
      const published = this.#checkpoints.shift() as PublishedCheckpoint;
      const { size, note } = published;
      const root = currentTrustRoot(this.#inForce)?.root;
      try {
        if (root === undefined) throw new Error("there is no trust root yet");
        const policy = parseTlogPolicy(root.logPolicy);
        const cosigned = await authenticateCheckpoint(note, policy);
        if (cosigned.checkpoint.size !== size || !equalBytes(cosigned.checkpoint.root, this.#tree.root()))
          throw new Error("it is of another tree");
        await requireAsPublished(published, cosigned, policy);
      } catch (error) {
        this.#findings.add("checkpoint", `the checkpoint of size ${size}: ${(error as Error).message}`);
      }
    }
  }

  async #checkEnd(): Promise<void> {
    const { size } = this.#tree;
    const head = await this.#store.head();
    if (head.size !== size || !equalBytes(head.root, this.#tree.root())) {
      this.#findings.add(
        "tree-head",
        `it says size ${head.size} and root ${encodeHex(head.root)}, the entries give ${size} and ${encodeHex(this.#tree.root())}`,
      );
    }
    for (const { size: beyond } of this.#checkpoints)
      this.#findings.add("checkpoint", `the checkpoint of size ${beyond} is beyond the tree`);
    await this.#checkCounts(size);
    await this.#checkInForce(size);
  }

  async #checkCounts(size: number): Promise<void> {
    const counts = await this.#store.inspection.counts();
    const tiles = tilesOfSize(size).reduce((sum, { full, partial }) => sum + full + (partial > 0 ? 1 : 0), 0);
    if (counts.entries !== size)
      this.#findings.add("entry", `${counts.entries - size} entries are not in line with the others`);
    if (counts.tiles !== tiles)
      this.#findings.add("tile", `${counts.tiles} tiles are stored, the tree has ${tiles}`);
    const { digests, signers, tokens: used } = this.#expected;
    if (counts.digests !== digests)
      this.#findings.add("index", `${counts.digests} digests are indexed, the entries name ${digests}`);
    if (counts.signers !== signers)
      this.#findings.add("index", `${counts.signers} signatures are indexed, the entries have ${signers}`);
    if (counts.tokens !== used)
      this.#findings.add("index", `${counts.tokens} tokens are indexed, the entries have ${used}`);
  }

  async #checkInForce(size: number): Promise<void> {
    const loaded = await this.#readable("in-force", "what the start reads back", () =>
      loadInForce(this.#store, size),
    );
    if (loaded !== undefined && describe(loaded) !== describe(this.#inForce))
      this.#findings.add("in-force", "what the start reads back differs from what the entries say");
  }

  async #checkAttachments(): Promise<number> {
    const digests = await this.#store.inspection.attachmentDigests();
    for (const digest of digests) {
      const bytes = await this.#store.attachment(digest);
      if (bytes === undefined || encodeHex(nativeSha256(bytes)) !== digest) {
        this.#findings.add("attachment", `attachment ${digest} has other bytes`);
      }
      if (!this.#attached.has(digest))
        this.#findings.add("attachment", `attachment ${digest} is named by no entry that could be read`);
    }
    return digests.length;
  }

  /** Other entries are read again to judge one, and may be damaged. */
  async #readable<T>(check: FsckCheck, what: string, run: () => Promise<T>): Promise<T | undefined> {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      this.#findings.add(check, `${what}: ${error.message}`);
      return undefined;
    }
  }

  #attempt<T>(check: FsckCheck, index: number, run: () => T): T | undefined {
    try {
      return run();
    } catch (error) {
      this.#findings.add(check, `entry ${index}: ${(error as Error).message}`);
      return undefined;
    }
  }
}

/** The log stores the lines that it has verified and no others, and one of their times, from which on the quorum was met. */
async function requireAsPublished(
  { note, cosignedAt }: PublishedCheckpoint,
  { cosignatures }: CosignedCheckpoint,
  policy: TlogPolicy,
): Promise<void> {
  const verifiers = await Promise.all(keysOf(policy).map(witnessVerifier));
  const { verified, unverified } = await openNote(note, verifiers);
  const isOfLog = (line: NoteSignature) =>
    policy.logs.some(({ key }) => key.name === line.name && key.keyId === line.keyId);
  const isTimed = (line: NoteSignature) => (splitTimestamp(line.signature)?.timestamp ?? 0) > 0;
  if (unverified.length > 0 || !verified.every((line) => isOfLog(line) || isTimed(line)))
    throw new Error("it has a signature of nobody");
  const latest = timeOfQuorum(policy, cosignatures) ?? 0;
  if (cosignedAt > latest || !cosignatures.some(({ timestamp }) => timestamp === cosignedAt))
    throw new Error(`it was not cosigned at ${cosignedAt}`);
}

function describe({
  size,
  trustRoots,
  policies,
  revokedDigests,
  revokedKeys,
  revokedIdentities,
  identityKeys,
  recordedAt,
  status,
  changedAt,
}: InForce): string {
  const roots = trustRoots.map(({ index, digest }) => ({ index, digest }));
  const newest = [...policies]
    .map(([name, policy]) => ({ name, ...policy }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return canonicalize({
    size,
    roots,
    newest,
    revoked: [...revokedDigests].sort(),
    revokedKeys,
    revokedIdentities,
    providers: identityKeys.map(({ index, digest }) => ({ index, digest })),
    recordedAt,
    status,
    changedAt,
  });
}
