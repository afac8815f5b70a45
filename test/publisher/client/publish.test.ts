// Publishing: against a log over its real routes, and against answers that are not about what was sent.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { OwnCosigner } from "../../../src/log/checkpointing/cosigner.ts";
import { parseSigningKey } from "../../../src/node/signing/signing-key.ts";
import { encodeHex } from "../../../src/protocol/encoding/hex.ts";
import { type Envelope, envelopeToJson, makeEnvelope } from "../../../src/protocol/envelope/dsse.ts";
import { hashLeaf } from "../../../src/protocol/merkle/hash.ts";
import type { NotePrivateKey } from "../../../src/protocol/note/key.ts";
import { parseTlogPolicy } from "../../../src/protocol/note/tlog-policy.ts";
import type { LogClient } from "../../../src/publisher/client/log-client.ts";
import { findEntry, getEntry, getTrustRoot, parseReference } from "../../../src/publisher/client/lookup.ts";
import { type PublishedEntry, publish } from "../../../src/publisher/client/publish.ts";
import { draftPolicy } from "../../../src/publisher/policy/draft-policy.ts";
import {
  draftTrustRoot,
  formatLogPolicy,
  nextTrustRoot,
} from "../../../src/publisher/trust-root/draft-trust-root.ts";
import { foundLog } from "../../../src/publisher/trust-root/found-log.ts";
import { ROLES } from "../../../src/publisher/trust-root/roles.ts";
import { NOW } from "../../support/clock.ts";
import { policyPredicate } from "../../support/document-predicates.ts";
import { type Answer, fakeNetwork } from "../../support/fake-fetch.ts";
import { malformedOf, outcomeOf } from "../../support/refusals.ts";
import { kernelPredicate, platformPredicate, sha256Of } from "../../support/release-predicates.ts";
import { inOrder, signReleaseSet } from "../../support/release-set.ts";
import { ServiceHarness } from "../../support/service-harness.ts";
import { signStatement } from "../../support/signing.ts";
import { trustRootPredicate } from "../../support/trust-root.ts";
import { logKey, ORIGIN, tlogPolicy, witnessKey } from "../../support/witnesses.ts";

let harness: ServiceHarness;
beforeEach(async () => {
  harness = await ServiceHarness.start();
});
afterEach(() => harness.stop());

const client = (): LogClient => ({
  url: "https://log.example",
  fetch: async (input, init) => harness.app.request(String(input), init),
  sleep: async () => undefined,
});
const logPolicy = async () => parseTlogPolicy(tlogPolicy(await logKey(), [await witnessKey("own.example")]));
const platform = (name = "h100-vm") =>
  signStatement("platform", platformPredicate(name), [harness.keys.publisher]);

describe("publishing", () => {
  it("gives each entry its place and a proof that verifies, in the order sent", async () => {
    const envelopes = inOrder(await signReleaseSet(harness.keys));
    const published = await publish(client(), envelopes, [], await logPolicy());
    expect(published.map(({ index, outcome }) => [index, outcome])).toEqual(
      envelopes.map((_, i) => [published[0]!.index + i, "new"]),
    );
    expect(published.map(({ envelope }) => envelope.leaf)).toEqual(envelopes.map(({ leaf }) => leaf));
  });

  /** The log's cosigners are its own and one that only the second trust root names. */
  async function changeQuorum() {
    await harness.stop();
    const clock = () => NOW;
    const cosigners = await Promise.all(
      ["own.example", "second.example"].map(async (name) => new OwnCosigner(await witnessKey(name), clock)),
    );
    harness = await ServiceHarness.start({ cosigners });
    const previous = harness.log.registered.trustRoots[0]!.digest;
    const next = tlogPolicy(await logKey(), [await witnessKey("second.example")]);
    const predicate = await trustRootPredicate(harness.keys, { version: 2, previous, logPolicy: next });
    const root = await signStatement("trust-root", predicate, harness.keys.root.slice(0, 1));
    return { root, old: await logPolicy(), next: parseTlogPolicy(next) };
  }

  it("judges the proof of a trust root that changes the quorum by the new quorum", async () => {
    const { root, old } = await changeQuorum();
    const [published] = await publish(client(), [root, await platform("after")], [], old);
    expect(published).toMatchObject({ outcome: "new" });
    const [again] = await publish(client(), [root], [], old);
    expect(again).toMatchObject({ index: published!.index, outcome: "known" });
  });

  it("tells a trust root that is out of date from witnesses that are missing", async () => {
    const { root, old, next } = await changeQuorum();
    await publish(client(), [root], [], old);
    await expect(publish(client(), [await platform("one")], [], old)).rejects.toMatchObject({
      code: "trust-root-old",
      message: expect.stringMatching(/logged.*trust root version 2.*Pin version 2, and publish again/),
    });
    expect((await publish(client(), [await platform("one")], [], next))[0]).toMatchObject({
      outcome: "known",
    });
    const stranger = parseTlogPolicy(tlogPolicy(await logKey(), [await witnessKey("third.example")]));
    const unproven: LogClient = {
      ...client(),
      fetch: async (input, init) =>
        String(input).endsWith("/v1/trust-root")
          ? new Response("{}", { status: 404 })
          : harness.app.request(String(input), init),
    };
    await expect(publish(unproven, [await platform("two")], [], stranger)).rejects.toMatchObject({
      code: "checkpoint-quorum",
      message: expect.stringMatching(/logged, but too few witnesses/),
    });
  });

  it("again gives the entry that is there, as it is there", async () => {
    const first = await platform("other/vm");
    const [known] = await publish(client(), [first], [], await logPolicy());
    const again = await signStatement("platform", platformPredicate("other/vm"), [
      harness.keys.otherPublisher,
    ]);
    const [second] = await publish(client(), [again], [], null);
    expect(second).toMatchObject({ index: known!.index, outcome: "known" });
    expect(second!.envelope.leaf).toEqual(first.leaf);
  });

  it("sends the attachments that entries name", async () => {
    const list = new TextEncoder().encode("[]");
    const attachment = { digest: sha256Of("[]"), size: 2, mediaType: "application/json" as const };
    const kernel = kernelPredicate();
    const attached = { ...kernel, patches: { ...kernel.patches, inline: null, attachment } };
    const envelope = await signStatement("kernel-patch-set", attached, [harness.keys.publisher]);
    expect(await outcomeOf(() => publish(client(), [envelope], [], null))).toBe("attachment-missing");
    const [published] = await publish(client(), [envelope], [list], await logPolicy());
    expect(published!.outcome).toBe("new");
  });

  it("all or nothing: one refused entry, and none is there", async () => {
    const good = await platform("good");
    const stranger = await signStatement("platform", platformPredicate("bad"), [harness.keys.policy]);
    expect(await outcomeOf(() => publish(client(), [good, stranger], [], null))).toBe("not-authorised");
    expect(await findEntry(client(), { kind: "platform", name: "good" })).toBeUndefined();
  });

  it("does not believe a proof by another log or quorum", async () => {
    const stranger = parseTlogPolicy(tlogPolicy(await logKey(), [await witnessKey("somebody.else")]));
    const other = parseTlogPolicy(
      tlogPolicy(await logKey("other.example"), [await witnessKey("own.example")]),
    );
    const envelope = await platform();
    await expect(publish(client(), [envelope], [], stranger)).rejects.toMatchObject({
      name: "VerificationError",
    });
    await expect(publish(client(), [envelope], [], other)).rejects.toMatchObject({
      name: "VerificationError",
    });
  });
});

describe("an answer that is not about what was sent is refused", () => {
  let sent: Envelope;
  let honest: Record<string, unknown>;
  beforeEach(async () => {
    sent = await platform("sent");
    const other = await platform("other");
    const [published] = await publish(client(), [sent, other], [], null);
    honest = lineOf(published!);
  });
  const lineOf = ({ index, treeSize, outcome, envelope, proof }: PublishedEntry) => ({
    index,
    leafHash: encodeHex(hashLeaf(envelope.leaf)),
    treeSize,
    outcome,
    envelope: envelopeToJson(envelope),
    proof,
  });
  const answering = (body: string) => {
    const answer: Answer = () => new Response(body);
    return outcomeOf(() => publish({ ...client(), fetch: fakeNetwork(answer).fetch }, [sent], [], null));
  };
  const line = (change: object) => answering(`${JSON.stringify({ ...honest, ...change })}\n`);

  it("unless it is the honest one", async () => expect(await line({})).toBe("accepted"));

  it.each([
    ["nothing", ""],
    ["no JSON", "<html>\n"],
    ["JSON of another shape", "{}\n"],
    ["two lines for one entry", "{}\n{}\n"],
  ])("%s", async (_, body) => expect(await answering(body)).toBe("answer"));

  it("another entry of the log, with its own good proof", async () => {
    const [other] = await publish(client(), [await platform("other")], [], null);
    expect(await line(lineOf(other!))).toBe("answer");
  });

  it("the sent entry with the proof of another one, another index or another leaf hash", async () => {
    const [other] = await publish(client(), [await platform("other")], [], null);
    expect(await line({ proof: other!.proof })).toBe("answer");
    expect(await line({ index: other!.index })).toBe("answer");
    expect(await line({ leafHash: sha256Of("another") })).toBe("answer");
  });

  it("a proof for other signatures than the ones it shows", async () => {
    const resigned = await signStatement("platform", platformPredicate("sent"), [
      harness.keys.otherPublisher,
    ]);
    const envelope = envelopeToJson(resigned);
    expect(await line({ envelope, leafHash: encodeHex(hashLeaf(resigned.leaf)) })).not.toBe("accepted");
  });

  it("a proof with one hash changed", async () => {
    const proof = (honest.proof as string).split("\n");
    const at = proof.findIndex((each) => /^[A-Za-z0-9+/]{43}=$/.test(each));
    proof[at] = `${"A".repeat(43)}=`;
    expect(await line({ proof: proof.join("\n") })).not.toBe("accepted");
  });
});

describe("looking up what a draft builds on", () => {
  it("finds the newest of a name, one version, and the trust root in force", async () => {
    for (const version of ["1", "2"]) {
      const predicate = platformPredicate("vm", version);
      await publish(
        client(),
        [await signStatement("platform", predicate, [harness.keys.publisher])],
        [],
        null,
      );
    }
    const newest = await findEntry(client(), { kind: "platform", name: "vm" });
    const one = await findEntry(client(), { kind: "platform", name: "vm", version: "1" });
    expect(newest!.envelope.statement.version).toBe("2");
    expect(one!.statement).toMatchObject({ kind: "platform", name: "vm", version: "1" });
    expect((await getEntry(client(), one!.index)).envelope).toEqual(one!.envelope);
    expect((await getTrustRoot(client())).index).toBe(0);
    expect(await findEntry(client(), { kind: "policy", name: "none" })).toBeUndefined();
  });

  it("goes on behind an empty page, and not round in circles", async () => {
    await publish(client(), [await platform("deep")], [], null);
    const asked: string[] = [];
    const paging = (...pages: Array<{ entries: object[]; next: string | null }>): LogClient => ({
      ...client(),
      fetch: async (input, init) => {
        const { pathname, search } = new URL(String(input));
        if (pathname !== "/v1/entries") return client().fetch(input, init);
        asked.push(search);
        return Response.json(pages[asked.length - 1]);
      },
    });
    const wanted = { kind: "platform", name: "deep" } as const;
    const found = await findEntry(client(), wanted);
    const empty = (next: string | null) => ({ entries: [], next });
    const last = { entries: [{ index: found!.index }], next: null };
    expect(await findEntry(paging(empty("900"), empty("70"), last), wanted)).toEqual(found);
    expect(asked.map((search) => new URLSearchParams(search).get("cursor"))).toEqual([null, "900", "70"]);
    asked.length = 0;
    expect(await outcomeOf(() => findEntry(paging(empty("70"), empty("70")), wanted))).toBe("answer");
  });

  it("does not take another entry for the one that was asked for", async () => {
    await publish(client(), [await platform("asked"), await platform("other")], [], null);
    const other = await findEntry(client(), { kind: "platform", name: "other" });
    const lying: LogClient = {
      ...client(),
      fetch: async (input, init) => {
        const asked = new URL(String(input)).pathname !== "/v1/entries";
        return asked ? client().fetch(input, init) : Response.json({ entries: [{ index: other!.index }] });
      },
    };
    for (const wanted of [
      { kind: "platform", name: "asked" },
      { kind: "policy", name: "other" },
      { kind: "platform", name: "other", version: "9" },
    ] as const)
      expect(await outcomeOf(() => findEntry(lying, wanted))).toBe("answer");
    expect(await findEntry(lying, { kind: "platform", name: "other" })).toEqual(other);
  });

  it("reads a reference as people write it, and nothing else", async () => {
    expect(parseReference("os-image/acme/vm@1.0")).toEqual({
      kind: "os-image",
      name: "acme/vm",
      version: "1.0",
    });
    for (const bad of [
      "",
      "os-image",
      "os-image/vm",
      "os-image@1",
      "/vm@1",
      "os-image/vm@",
      "os-image/VM@1",
      "a/b@1 ",
      "os-image/a/../b@1",
      "os-image/a//b@1",
      "os-image/a/@1",
      "os-image/a@1@2",
    ])
      expect(await malformedOf(() => parseReference(bad)), bad).toBeDefined();
  });
});

describe("drafts", () => {
  it("of a policy follow the version before", async () => {
    const set = await signReleaseSet(harness.keys);
    const content = policyPredicate(set);
    const place = {
      name: "prod",
      origin: ORIGIN,
      validFrom: "2026-11-23T12:00:00Z",
      expires: "2026-12-23T12:00:00Z",
    };
    const draft = (previous: Parameters<typeof draftPolicy>[0]["previous"]) =>
      makeEnvelope(draftPolicy({ ...place, previous }, content), []).statement.predicate;
    expect(draft(null)).toMatchObject({ name: "prod", origin: ORIGIN, version: 1, previous: null });
    const before = { version: 4, digest: sha256Of("4") };
    expect(draft(before)).toMatchObject({ version: 5, previous: sha256Of("4"), profiles: content.profiles });
    expect(
      await malformedOf(() => draftPolicy({ ...place, previous: null }, { ...content, profiles: [] })),
    ).toBeDefined();
  });

  it("of a trust root are the same but for their place and expiry", async () => {
    const { envelope } = await getTrustRoot(client());
    if (envelope.statement.kind !== "trust-root") throw new Error("not a trust root");
    const { predicate: root } = envelope.statement;
    const next = nextTrustRoot({ root, digest: envelope.payloadDigest }, "2030-01-01T00:00:00Z");
    expect(next).toEqual({
      ...root,
      version: 2,
      previous: envelope.payloadDigest,
      expires: "2030-01-01T00:00:00Z",
    });
    expect(makeEnvelope(draftTrustRoot(next), []).statement.version).toBe("2");
  });

  it("of a log's witnesses ask for all of them", async () => {
    const [witness, second] = [await witnessKey("a"), await witnessKey("b")];
    const named = (name: string, { verifierKey: key }: NotePrivateKey) => ({ name, key, url: undefined });
    const log = { key: (await logKey()).verifierKey, url: "https://log.example" };
    const policy = parseTlogPolicy(formatLogPolicy([log], [named("a", witness), named("b", second)]));
    expect(policy.groups).toEqual([{ name: "all-witnesses", threshold: 2, members: ["a", "b"] }]);
    expect(policy.logs[0]?.key.name).toBe(ORIGIN);
  });
});

describe("founding a log", () => {
  it("gives every role a key of its own, and a trust root that its root key signed", async () => {
    const founded = await foundLog("new.example/log", NOW);
    const ids = ROLES.map((role) => parseSigningKey(founded.roleKeys[role]).keyId);
    expect(new Set(ids).size).toBe(ROLES.length);
    expect(founded.trustRoot.signatures.map(({ keyId }) => keyId)).toEqual([ids[0]]);
    expect(founded.trustRoot.statement).toMatchObject({ kind: "trust-root", version: "1" });
    const text = JSON.stringify(envelopeToJson(founded.trustRoot));
    for (const pem of Object.values(founded.roleKeys)) expect(text).not.toContain(pem.split("\n")[1]);
  });

  it("never makes the same keys twice", async () => {
    const [a, b] = [await foundLog("x.example", NOW), await foundLog("x.example", NOW)];
    expect(a.logKey).not.toBe(b.logKey);
    expect(a.roleKeys.root).not.toBe(b.roleKeys.root);
  });
});
