// Makes test/vectors/formats/lookup.json: the index of a small log, term by term, and answers with what must be said of each.
import { encodeHex } from "../src/protocol/encoding/hex.ts";
import { decodeUtf8 } from "../src/protocol/encoding/text.ts";
import { formatLookupAnswer, type LookupAnswer } from "../src/protocol/lookup/lookup-answer.ts";
import { keyOfTerm, termsOf } from "../src/protocol/lookup/term.ts";
import { NOW } from "../test/support/clock.ts";
import { revocationPredicate } from "../test/support/document-predicates.ts";
import { FoundedLog } from "../test/support/founded-log.ts";
import { answerLookup, indexNow } from "../test/support/lookups.ts";
import { platformPredicate, sha256Of } from "../test/support/release-predicates.ts";
import { signPlatforms } from "../test/support/signing.ts";
import { ORIGIN } from "../test/support/witnesses.ts";

export async function lookupVector() {
  const log = await FoundedLog.found({ index: true });
  for (const envelope of await signPlatforms(log.keys, "vm", 3)) await log.add(envelope);
  const revoked = log.envelopes[1]?.payloadDigest ?? "";
  await log.publish("revocation", revocationPredicate({ digests: [revoked] }), [log.keys.revocation]);
  const index = indexNow(log);
  await log.publishStatus({ index });
  const entries = log.envelopes.slice(0, index.size).map((envelope) => ({
    leaf: decodeUtf8(envelope.leaf),
    terms: termsOf(envelope).map((term) => ({ ...term, key: encodeHex(keyOfTerm(term)) })),
  }));
  const pin = { origin: ORIGIN, version: 1, digest: log.envelopes[0]?.payloadDigest };
  return { entries, index, pin, now: NOW.toISOString(), cases: await casesOf(log, revoked) };
}

async function casesOf(log: FoundedLog, revoked: string) {
  const signer = ["signer", log.keys.publisher.keyId] as const;
  const all = await answerLookup(log, signer);
  const newest = await answerLookup(log, signer, { newest: 2 });
  const named = await answerLookup(log, ["digest", revoked]);
  const mrtd = await answerLookup(log, ["measurement", `mrtd/${platformPredicate("vm-1").mrtd}`]);
  const [nothing, another] = await absentTerms(log);
  return [
    caseOf("every entry that a key signed", all, "accepted"),
    caseOf("the newest two of them, and older ones", newest, "accepted"),
    caseOf("what names a digest: its revocation", named, "accepted"),
    caseOf("a measurement", mrtd, "accepted"),
    caseOf("none: the path ends at nothing", nothing, "accepted"),
    caseOf("none: the path ends at another key", another, "accepted"),
    caseOf("one entry left out", { ...all, indices: all.indices.slice(1) }, "lookup-proof"),
    caseOf("the older ones said to be none", { ...newest, before: null }, "lookup-proof"),
    caseOf("none, of a digest that a revocation names", { ...named, indices: [] }, "lookup-proof"),
    caseOf(
      "none, by the proof of another term",
      { ...named, indices: [], proof: another.proof },
      "lookup-proof",
    ),
    caseOf("an entry where there is none", { ...nothing, indices: [1] }, "lookup-proof"),
    caseOf("a proof with a node left out", withoutSibling(all), "lookup-proof"),
    { ...caseOf("the answer to another question", all, "lookup-not-asked-for"), ...nothing.term },
  ];
}

/** A digest whose path ends at nothing, and one whose path ends at another key. */
async function absentTerms(log: FoundedLog): Promise<[LookupAnswer, LookupAnswer]> {
  const answers: LookupAnswer[] = [];
  for (let i = 0; i < 64; i++) answers.push(await answerLookup(log, ["digest", sha256Of(`absent ${i}`)]));
  const find = (isAtNothing: boolean) => answers.find(({ proof }) => (proof.other === null) === isAtNothing);
  const [nothing, another] = [find(true), find(false)];
  if (nothing === undefined || another === undefined) throw new Error("none of 64 paths ends so");
  return [nothing, another];
}

function caseOf(what: string, answer: LookupAnswer, result: string) {
  return { what, ...answer.term, answer: JSON.parse(formatLookupAnswer(answer)), result };
}

function withoutSibling(answer: LookupAnswer): LookupAnswer {
  return { ...answer, proof: { ...answer.proof, siblings: answer.proof.siblings.slice(1) } };
}
