// Checks one entry of a log step by step, from a pin: what a page shows, and what a test can make fail.
import { KeyRing } from "../../../protocol/cryptography/key-ring.ts";
import { encodeBase64 } from "../../../protocol/encoding/base64.ts";
import { encodeHex } from "../../../protocol/encoding/hex.ts";
import { parseEnvelope, signersOf, verifyEnvelope } from "../../../protocol/envelope/dsse.ts";
import type { StatementOf } from "../../../protocol/envelope/statement.ts";
import { hashLeaf } from "../../../protocol/merkle/hash.ts";
import { checkFreshness } from "../../../protocol/note/cosigned-checkpoint.ts";
import { parseTlogPolicy, type TlogPolicy } from "../../../protocol/note/tlog-policy.ts";
import { parseTlogProof, type TlogProof, verifyTlogProof } from "../../../protocol/note/tlog-proof.ts";
import { authorise, type Rule } from "../../../protocol/registration/authorisation.ts";
import { isRevoked } from "../../../protocol/registration/in-force.ts";
import { checkOrigin } from "../../../protocol/registration/origin.ts";
import {
  type PlacedTrustRoot,
  trustRootAt,
  verifyTrustRootChain,
} from "../../../verifier/bundle/trust-root-chain.ts";
import { requireStatusInForce } from "../../../verifier/bundle/verify-bundle.ts";
import { type Fetch, fetchJson, fetchLogged, requireLogged } from "./fetch-logged.ts";
import { verifyIdentities } from "./identity-proof.ts";
import type { Pin } from "./read-pin.ts";

export interface Step {
  readonly title: string;
  /** What was found, one line each. */
  readonly found: readonly string[];
}

/** What the log says of itself: the trust roots, by index, and what the first of them is. */
interface Claimed {
  readonly origin: string;
  readonly roots: readonly number[];
  readonly pin: Pin;
}

/** Called before each step with its title, and after it with what was found; a step that throws is the last one. */
export interface Progress {
  begin(title: string): void;
  done(step: Step): void;
  path(proof: TlogProof, leafHash: Uint8Array, size: number): void;
}

/**
 * Recomputes everything that makes an entry count.
 * @param pin null: the log's own word for its first trust root is taken, which shows only that the log agrees with itself.
 * @throws the error of the step that failed.
 */
export async function checkEntry(
  index: number,
  pin: Pin | null,
  fetch: Fetch,
  now: Date,
  progress: Progress,
): Promise<void> {
  const keys = new KeyRing();
  const step = async <T>(title: string, run: () => Promise<readonly [T, readonly string[]]>): Promise<T> => {
    progress.begin(title);
    const [value, found] = await run();
    progress.done({ title, found });
    return value;
  };

  const envelope = await step("The entry's own bytes", async () => {
    const leaf = await fetch(`entries/${index}/envelope.dsse.json`);
    const parsed = parseEnvelope(leaf);
    return [parsed, [`${leaf.length} bytes, canonical`, `leaf hash ${encodeHex(hashLeaf(parsed.leaf))}`]];
  });

  const roots = await step("Who may do what: trust roots, back to the pin", async () => {
    const claimed = await readClaims(fetch);
    const trustRoots = await Promise.all(claimed.roots.map((at) => fetchLogged(at, fetch)));
    const from = { origin: claimed.origin, ...(pin ?? claimed.pin) };
    const chain = await verifyTrustRootChain({ trustRoots }, keys, { pin: from, now, remembered: null });
    const by = pin === null ? "NO PIN GIVEN: taken from the log itself" : "the pin that you gave";
    return [
      chain,
      [
        `${chain.length} trust root(s), version ${chain.at(-1)?.root.version} in force`,
        `starts from ${by}: ${from.digest}`,
      ],
    ];
  });
  const newest = roots.at(-1) as PlacedTrustRoot;
  const policy = parseTlogPolicy(newest.root.logPolicy);

  const size = await step("In the tree, under a cosigned checkpoint", async () => {
    const proof = parseTlogProof(await fetch(`v1/entries/${index}/proof`, "text/plain"));
    const leafHash = hashLeaf(envelope.leaf);
    const cosigned = await verifyTlogProof(proof, leafHash, policy);
    checkFreshness(cosigned, policy, { now, maxAge: newest.root.maxCheckpointAge });
    const { checkpoint, cosignatures } = cosigned;
    if (proof.index !== index) throw new Error(`the proof is of entry ${proof.index}`);
    for (const { index: at, envelope: root } of roots)
      await requireLogged(at, hashLeaf(root.leaf), policy, fetch);
    progress.path(proof, leafHash, checkpoint.size);
    return [
      checkpoint.size,
      [
        `${proof.proof.length} hashes lead from the leaf to the root of ${checkpoint.size} entries, ${encodeBase64(checkpoint.root)}`,
        ...cosignatures.map(
          ({ name, timestamp }) => `cosigned by ${name} at ${new Date(timestamp * 1000).toISOString()}`,
        ),
      ],
    ];
  });

  await step("Its signatures", async () => {
    if (envelope.recordedAt !== null) {
      const { status } = await readStatus(roots, policy, keys, fetch, now);
      const { signers, tokens } = await verifyIdentities(index, envelope, {
        roots,
        policy,
        keys,
        status,
        fetch,
      });
      return [
        null,
        [
          ...signers.map((key) => `valid signature by key ${key}`),
          ...tokens.map(
            ({ rule, claims }) =>
              `valid signature by identity ${rule}: a token of ${claims.iss}, good when it was recorded at ${envelope.recordedAt}, which a checkpoint confirms`,
          ),
        ],
      ];
    }
    const verified = await verifyEnvelope(envelope, keys.lookup);
    return [null, verified.signers.map((key) => `valid signature by key ${key}`)];
  });

  await step("Its signers were allowed to sign it", async () => {
    const { statement } = envelope;
    if (statement.kind === "trust-root") {
      if (!roots.some((root) => root.index === index && root.digest === envelope.payloadDigest))
        throw new Error("it is not in the chain of trust roots that the log names");
      return [null, ["a trust root: checked with the chain above"]];
    }
    const root = trustRootAt(roots, index);
    checkOrigin(statement, root);
    const rule = authorise(root, { ...statement, ...signersOf(envelope) });
    return [
      null,
      [
        `trust root version ${root.version}, in force at index ${index}: ${rule.threshold} of ${rule.keys.length} keys${identitiesOf(rule)}`,
      ],
    ];
  });

  await step("It is not revoked", async () => {
    const { status, at } = await readStatus(roots, policy, keys, fetch, now);
    const record = {
      kind: envelope.statement.kind,
      index,
      digest: envelope.payloadDigest,
      ...signersOf(envelope),
    };
    const revoked = { ...status, revokedDigests: new Set(status.revokedDigests) };
    if (isRevoked(revoked, record)) throw new Error(`the status at index ${at} says that it is revoked`);
    return [
      null,
      [
        `status number ${status.sequence}, good until ${status.expires}, summarises the first ${status.treeSize} of ${size} entries`,
      ],
    ];
  });
}

function identitiesOf({ identities = [] }: Rule): string {
  return identities.length === 0 ? "" : ` and ${identities.length} identities`;
}

async function readClaims(fetch: Fetch): Promise<Claimed> {
  const { versions } = await fetchJson<{ versions: Array<Pin & { index: number }> }>(fetch, "v1/trust-root");
  const [first] = versions;
  if (first === undefined) throw new Error("the log has no trust root");
  const { envelope } = await fetchLogged(first.index, fetch);
  const { origin } = (envelope.statement as StatementOf<"trust-root">).predicate;
  return { origin, roots: versions.map(({ index }) => index), pin: first };
}

async function readStatus(
  roots: readonly PlacedTrustRoot[],
  policy: TlogPolicy,
  keys: KeyRing,
  fetch: Fetch,
  now: Date,
) {
  const { entry } = await fetchJson<{ entry: { index: number } }>(fetch, "v1/status");
  const { envelope } = await fetchLogged(entry.index, fetch);
  const { statement } = envelope;
  if (statement.kind !== "status") throw new Error(`entry ${entry.index} is no status`);
  await requireLogged(entry.index, hashLeaf(envelope.leaf), policy, fetch);
  const { signers, identities } = await verifyEnvelope(envelope, keys.lookup);
  authorise(trustRootAt(roots, entry.index), { ...statement, signers, identities });
  const status = statement.predicate;
  const newest = roots.at(-1) as PlacedTrustRoot;
  requireStatusInForce(status, newest.root, now);
  if (status.trustRoot.digest !== newest.digest)
    throw new Error("the status names another trust root than the newest one that the log names");
  return { status, at: entry.index };
}
