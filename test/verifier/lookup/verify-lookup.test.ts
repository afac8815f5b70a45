// What a log answers to a lookup: accepted only for the term that was asked for, from the pin, at this time, and as its status' index has it.
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { formatLookupAnswer, type LookupAnswer } from "../../../src/protocol/lookup/lookup-answer.ts";
import type { TrustPin } from "../../../src/verifier/bundle/trust-pin.ts";
import { verifyBundle } from "../../../src/verifier/bundle/verify-bundle.ts";
import { type VerifyLookupOptions, verifyLookup } from "../../../src/verifier/lookup/verify-lookup.ts";
import { NOW } from "../../support/clock.ts";
import { revocationPredicate, statusPredicate } from "../../support/document-predicates.ts";
import { FoundedLog } from "../../support/founded-log.ts";
import { answerLookup, indexedLog, indexNow } from "../../support/lookups.ts";
import { outcomeOf } from "../../support/refusals.ts";
import { sha256Of, sha384Of } from "../../support/release-predicates.ts";
import { seenTree } from "../../support/remembered.ts";
import { signStatement } from "../../support/signing.ts";
import { bundleBytes } from "../../support/small-log.ts";
import { ORIGIN } from "../../support/witnesses.ts";

let log: FoundedLog;
let pin: TrustPin;
beforeAll(async () => {
  log = await indexedLog();
  pin = pinOf(log);
});

const pinOf = ({ envelopes }: FoundedLog): TrustPin => ({
  origin: ORIGIN,
  version: 1,
  digest: envelopes[0]!.payloadDigest,
});
const bytesOf = (answer: LookupAnswer): Uint8Array => utf8(formatLookupAnswer(answer));
const NOTHING = ["digest", sha256Of("nothing has this")] as const;

const verify = (answer: LookupAnswer, change: Partial<VerifyLookupOptions> = {}) =>
  verifyLookup(bytesOf(answer), { pin, ...answer.term, now: NOW, remembered: null, ...change });
const outcome = (answer: LookupAnswer, change: Partial<VerifyLookupOptions> = {}) =>
  outcomeOf(() => verify(answer, change));

describe("an answer that verifies", () => {
  it("says which entries have a term, as of the size of the index", async () => {
    const digest = log.envelopes[1]!.payloadDigest;
    const namedBy = log.envelopes.slice(0, -1).flatMap((envelope, index) => {
      const text = Buffer.from(envelope.payload).toString();
      return text.includes(digest) ? [index] : [];
    });
    const verified = await verify(await answerLookup(log, ["digest", digest]));
    expect(namedBy.length).toBeGreaterThan(0);
    expect(verified).toMatchObject({ indices: namedBy, isComplete: true, size: log.envelopes.length - 1 });
    expect(verified.term).toEqual({ type: "digest", value: digest });
    const platform = log.envelopes.find(({ statement }) => statement.kind === "platform")!;
    const { mrtd } = platform.statement.predicate as { mrtd: string };
    const { indices } = await verify(await answerLookup(log, ["measurement", `mrtd/${mrtd}`]));
    expect(indices).toEqual([log.envelopes.indexOf(platform)]);
  });

  it("says that there is none", async () => {
    const terms = [NOTHING, ["payload", sha256Of("x")], ["measurement", `rtmr1/${sha384Of("x")}`]] as const;
    for (const term of terms)
      expect(await verify(await answerLookup(log, term))).toMatchObject({ indices: [], isComplete: true });
  });

  it("says that there are older ones, where there are many", async () => {
    const signer = ["signer", log.keys.publisher.keyId] as const;
    const all = (await verify(await answerLookup(log, signer))).indices;
    expect(all.length).toBeGreaterThan(2);
    const verified = await verify(await answerLookup(log, signer, { newest: 2 }));
    expect(verified).toMatchObject({ indices: all.slice(-2), isComplete: false });
  });

  it("goes on from a verified bundle, and what it has seen holds for the next bundle", async () => {
    const bundle = await log.bundle("production");
    const asked = { pin, policy: "production", now: NOW, remembered: null };
    const { state } = await verifyBundle(bundleBytes(bundle), asked);
    const verified = await verify(await answerLookup(log, NOTHING), { remembered: state });
    expect(verified.state).toEqual({ ...state, policies: {} });
    const newer = { ...verified.state, statusSequence: 9 };
    expect(await outcomeOf(() => verifyBundle(bundleBytes(bundle), { ...asked, remembered: newer }))).toBe(
      "status-rolled-back",
    );
  });
});

describe("an answer that does not verify", () => {
  it("is to another question", async () => {
    const answer = await answerLookup(log, NOTHING);
    expect(await outcome(answer, { value: sha256Of("something else") })).toBe("lookup-not-asked-for");
    expect(await outcome(answer, { type: "payload" })).toBe("lookup-not-asked-for");
    expect(await outcome(answer, { value: "ABC" })).toBe("malformed");
    expect(await outcome(answer, { type: "digests" })).toBe("malformed");
  });

  it("hides an entry, adds one, or says none where there are some", async () => {
    const answer = await answerLookup(log, ["signer", log.keys.publisher.keyId]);
    const { indices } = answer;
    const none = await answerLookup(log, NOTHING);
    const changes: Partial<LookupAnswer>[] = [
      { indices: indices.slice(1) },
      { indices: indices.slice(0, -1) },
      { indices: [...indices, log.envelopes.length - 2] },
      { indices: [...indices, log.envelopes.length + 5] },
      { indices: [] },
      { indices: [], proof: none.proof },
      { before: new Uint8Array(32) },
      { before: new Uint8Array(32).fill(1) },
    ];
    for (const change of changes) expect(await outcome({ ...answer, ...change })).toBe("lookup-proof");
    expect(await outcome({ ...none, indices: [1] })).toBe("lookup-proof");
  });

  it("is changed anywhere, in any character: it is refused, or says what it said", async () => {
    const answers = await Promise.all([
      answerLookup(log, ["signer", log.keys.publisher.keyId], { newest: 2 }),
      answerLookup(log, NOTHING),
    ]);
    const change = fc.tuple(fc.constantFrom(...answers), fc.nat(), fc.constantFrom(...'0aA,"[]{}: '));
    await fc.assert(
      fc.asyncProperty(change, async ([answer, at, character]) => {
        const text = formatLookupAnswer(answer);
        const place = at % text.length;
        const changed = utf8(text.slice(0, place) + character + text.slice(place + 1));
        const options = { pin, ...answer.term, now: NOW, remembered: null };
        let said: readonly number[] | undefined;
        expect(
          await outcomeOf(async () => (said = (await verifyLookup(changed, options)).indices)),
        ).toBeTypeOf("string");
        if (said !== undefined) expect(said).toEqual(answer.indices);
      }),
      { numRuns: 300 },
    );
  });

  it("is of the index before a revocation, under the status after it", async () => {
    const log = await indexedLog();
    const digest = sha256Of("a digest that a revocation names") as string;
    const before = await answerLookup(log, ["digest", digest]);
    const reason = `see ${digest}`;
    const revocation = revocationPredicate({ digests: [log.envelopes[1]!.payloadDigest], reason });
    const index = await log.publish("revocation", revocation, [log.keys.revocation]);
    await log.publishStatus({ index: indexNow(log) });
    const after = await answerLookup(log, ["digest", digest]);
    expect((await verify(after, { pin: pinOf(log) })).indices).toEqual([index]);
    const hidden = { ...after, indices: before.indices, proof: before.proof };
    expect(await outcome(hidden, { pin: pinOf(log) })).toBe("lookup-proof");
  });

  it("is of a log whose trust root says that there is no index", async () => {
    const log = await FoundedLog.found();
    await log.publishStatus();
    expect(await outcome(await answerLookup(log, NOTHING), { pin: pinOf(log) })).toBe("index-not-kept");
  });

  it("has a status without the index that the trust root promises", async () => {
    const log = await FoundedLog.found({ index: true });
    const status = await signStatement("status", statusPredicate(log.inForce), [log.keys.status]);
    const index = log.smuggle(status);
    log.inForce = {
      ...log.inForce,
      status: { index, digest: status.payloadDigest, sequence: 1, treeSize: 0, indexRoot: null },
    };
    expect(await outcome(await answerLookup(log, NOTHING), { pin: pinOf(log) })).toBe("status-disagrees");
  });

  it("has a status that somebody else signed, or that is not in the tree", async () => {
    const log = await FoundedLog.found({ index: true });
    const forged = statusPredicate(log.inForce, { index: indexNow(log) });
    const status = await signStatement("status", forged, [log.keys.policy]);
    const index = log.smuggle(status);
    log.inForce = {
      ...log.inForce,
      status: { index, digest: status.payloadDigest, sequence: 1, treeSize: 0, indexRoot: null },
    };
    const answer = await answerLookup(log, NOTHING);
    expect(await outcome(answer, { pin: pinOf(log) })).toBe("status-not-authorised");
    const signed = await signStatement("status", forged, [log.keys.status]);
    const elsewhere = { ...answer, status: { ...answer.status, envelope: signed } };
    expect(await outcome(elsewhere, { pin: pinOf(log) })).toBe("not-included");
  });

  it("has a status whose key is revoked for it", async () => {
    const log = await indexedLog();
    const { length } = log.envelopes;
    const range = { keyId: log.keys.status.keyId, fromIndex: 0, toIndex: length + 9 };
    await log.publish("revocation", revocationPredicate({ keys: [range] }), [log.keys.revocation]);
    const stolen = statusPredicate(log.inForce, { index: indexNow(log) });
    const status = await signStatement("status", stolen, [log.keys.status]);
    const index = log.smuggle(status);
    log.inForce = {
      ...log.inForce,
      status: { index, digest: status.payloadDigest, sequence: 2, treeSize: 0, indexRoot: null },
    };
    expect(await outcome(await answerLookup(log, NOTHING), { pin: pinOf(log) })).toBe("entry-revoked");
  });

  it("is old, has another trust root, or a checkpoint of somebody else's", async () => {
    const answer = await answerLookup(log, NOTHING);
    const later = (hours: number) => new Date(NOW.getTime() + hours * 3_600_000);
    expect(await outcome(answer, { now: later(25) })).toBe("checkpoint-stale");
    const fresh = { ...answer, checkpoint: await log.checkpoint(undefined, later(25)) };
    expect(await outcome(fresh, { now: later(25) })).toBe("status-expired");
    expect(await outcome(answer, { pin: { ...pin, digest: "0".repeat(64) } })).toBe("trust-root-pin");
    const elsewhere = await log.checkpoint(undefined, NOW, "other.example/log");
    expect(await outcome({ ...answer, checkpoint: elsewhere })).toBe("checkpoint-not-authentic");
    expect(await outcome({ ...answer, origin: "other.example/log" })).toBe("checkpoint-not-authentic");
  });

  it("goes back behind what was seen, or leaves open whether it does", async () => {
    const answer = await answerLookup(log, NOTHING);
    const { state } = await verify(answer);
    const size = log.envelopes.length;
    expect(await outcome(answer, { remembered: state })).toBe("accepted");
    expect(await outcome(answer, { remembered: { ...state, trustRootVersion: 2 } })).toBe(
      "trust-root-rolled-back",
    );
    expect(await outcome(answer, { remembered: { ...state, statusSequence: 2 } })).toBe("status-rolled-back");
    const seen = async (at: number) => ({ ...state, checkpoint: await seenTree(at, "another") });
    expect(await outcome(answer, { remembered: await seen(size + 1) })).toBe("checkpoint-rolled-back");
    expect(await outcome(answer, { remembered: await seen(size) })).toBe("log-forked");
    expect(await outcome(answer, { remembered: await seen(2) })).toBe("consistency-missing");
    const proven = await answerLookup(log, NOTHING, { since: 2 });
    expect(await outcome(proven, { remembered: await seen(2) })).toBe("consistency-broken");
    const honest = { ...state, checkpoint: { ...state.checkpoint, note: await log.checkpoint(2) } };
    expect(await outcome(proven, { remembered: honest })).toBe("accepted");
  });
});
