// Documents that follow one another: what an owner of some keys, a forger or a careless draft cannot put in place of the next one.
import { beforeEach, describe, expect, it } from "vitest";
import { ed25519Spki } from "../../../src/protocol/cryptography/signature.ts";
import { encodeBase64 } from "../../../src/protocol/encoding/base64.ts";
import type { TrustRoot } from "../../../src/protocol/entry/trust-root.ts";
import { makeEnvelope } from "../../../src/protocol/envelope/dsse.ts";
import type { StatementOf } from "../../../src/protocol/envelope/statement.ts";
import { COSIGNATURE_ML_DSA_44, createPrivateKey, ED25519 } from "../../../src/protocol/note/key.ts";
import { draftStatus } from "../../../src/protocol/registration/draft-status.ts";
import { summarise } from "../../../src/protocol/registration/in-force.ts";
import { register } from "../../../src/protocol/registration/register.ts";
import {
  checkIdentityKeys,
  checkStatusCapacity,
  checkTrustRootUsable,
} from "../../../src/protocol/registration/succession.ts";
import { NOW } from "../../support/clock.ts";
import { policyPredicate, revocationPredicate, statusPredicate } from "../../support/document-predicates.ts";
import { FoundedLog } from "../../support/founded-log.ts";
import { identityKeysPredicate } from "../../support/identity-log.ts";
import { indexRootOf } from "../../support/index-of.ts";
import { type TestKey, testKey, testKeys } from "../../support/keys.ts";
import { vkeyOf } from "../../support/notes.ts";
import { outcomeOf } from "../../support/refusals.ts";
import { platformPredicate, sha256Of } from "../../support/release-predicates.ts";
import { signReleaseSet } from "../../support/release-set.ts";
import { signStatement } from "../../support/signing.ts";
import { SmallLog } from "../../support/small-log.ts";
import { trustRootPredicate } from "../../support/trust-root.ts";
import { logKey, ORIGIN, tlogPolicy, witnessKey } from "../../support/witnesses.ts";

let log: FoundedLog;
beforeEach(async () => {
  log = await FoundedLog.found();
});

describe("trust roots", () => {
  const publishRoot = (root: TrustRoot, signers: readonly TestKey[] = log.keys.root) =>
    outcomeOf(() => log.publish("trust-root", root, signers));

  it("follow one another; from the next index on, the newest one judges", async () => {
    const newcomer = await testKey("newcomer");
    const next = await trustRootPredicate({ ...log.keys, publisher: newcomer });
    const place = { version: 2, previous: log.inForce.trustRoots[0]!.digest };
    await log.publish("platform", platformPredicate("before"), [log.keys.publisher]);
    expect(await publishRoot({ ...next, ...place })).toBe("accepted");
    const by = (signer: TestKey) =>
      outcomeOf(() => log.publish("platform", platformPredicate("after"), [signer]));
    expect(await by(log.keys.publisher)).toBe("not-authorised");
    expect(await by(newcomer)).toBe("accepted");
    expect(await publishRoot(await log.nextRoot())).toBe("accepted");
    expect(log.inForce.trustRoots.map(({ index, root }) => [index, root.version])).toEqual([
      [0, 1],
      [2, 2],
      [4, 3],
    ]);
  });

  it("change hands only with a threshold of both owners", async () => {
    const [a, b] = [await testKey("new root a"), await testKey("new root b")];
    const { root, ...others } = log.keys;
    const next = await trustRootPredicate({ ...others, root: [a, b] });
    const change = {
      ...next,
      version: 2,
      previous: log.inForce.trustRoots[0]!.digest,
      roles: { ...next.roles, root: { ...next.roles.root, threshold: 2 } },
    };
    expect(await publishRoot(change, root)).toBe("not-authorised");
    expect(await publishRoot(change, [a, b])).toBe("not-authorised");
    expect(await publishRoot(change, [root[0], a])).toBe("not-authorised");
    const replacing = { ...change, keys: [...change.keys, ...root.map(({ spki }) => encodeBase64(spki))] };
    expect(await publishRoot(replacing, [root[0], a, b])).toBe("accepted");
    expect(await publishRoot(await log.nextRoot(), root)).toBe("not-authorised");
  });

  it("carry no signature of a stranger", async () => {
    expect(await publishRoot(await log.nextRoot(), [...log.keys.root, log.keys.publisher])).toBe(
      "not-authorised",
    );
  });

  it("leave no gap, follow no other chain, and repeat no version", async () => {
    expect(await publishRoot(await log.nextRoot({ version: 3 }))).toBe("wrong-predecessor");
    expect(await publishRoot(await log.nextRoot({ previous: sha256Of("another") }))).toBe(
      "wrong-predecessor",
    );
    expect(
      await publishRoot(await log.nextRoot({ version: 1, previous: null, expires: "2037-01-01T00:00:00Z" })),
    ).toBe("identity-taken");
  });

  it("are told, as statuses, policies and providers' keys are, which version must follow", async () => {
    const set = await log.publishRelease();
    const publish = {
      "trust root: version 2": async () =>
        log.publish("trust-root", await log.nextRoot({ version: 3 }), log.keys.root),
      "status: version 1": () => log.publishStatus({ sequence: 2, previous: sha256Of("none") }),
      "policy production: version 1": () =>
        log.publishPolicy(set, { version: 2, previous: sha256Of("none") }),
      "identity-keys github: version 1": async () =>
        checkIdentityKeys(identityKeysPredicate([], { version: 2 }), log.inForce),
    };
    for (const [message, attempt] of Object.entries(publish))
      await expect(attempt()).rejects.toThrow(message);
  });

  it("stay with their origin: a log cannot be renamed, which would be another log", async () => {
    const origin = "other.example/log";
    const logPolicy = tlogPolicy(await logKey(origin), [await witnessKey("own.example")]);
    expect(await publishRoot(await log.nextRoot({ origin, logPolicy }))).toBe("wrong-predecessor");
  });

  it("begin with version 1", async () => {
    const predicate = await trustRootPredicate(log.keys, { version: 2, previous: sha256Of("none") });
    const second = await signStatement("trust-root", predicate, log.keys.root);
    expect(await outcomeOf(() => new SmallLog().add(second))).toBe("wrong-predecessor");
  });
});

describe("a trust root that cannot be worked with", () => {
  const usable = async (change: Partial<TrustRoot>) => {
    const root = { ...(await trustRootPredicate(await testKeys())), ...change };
    const ids = new Set(root.roles.root.keys);
    for (const { keys } of [...root.roles.publisher, ...root.roles.policy]) for (const k of keys) ids.add(k);
    for (const { keys } of [root.roles.revocation, root.roles.status]) for (const k of keys) ids.add(k);
    return outcomeOf(() => checkTrustRootUsable(root, ids));
  };

  it("is none when nothing is wrong with it", async () => expect(await usable({})).toBe("accepted"));

  it("lists a key twice, so that a threshold of two could be one key", async () => {
    const { keys } = await trustRootPredicate(log.keys);
    expect(await usable({ keys: [...keys, keys[0]!] })).toBe("trust-root-not-usable");
  });

  it("names a log of another origin, none, or two", async () => {
    const [own, other, witness] = [await logKey(), await logKey("other.example"), await witnessKey("w")];
    const of = tlogPolicy(own, [witness]);
    expect(await usable({ logPolicy: of })).toBe("accepted");
    expect(await usable({ logPolicy: tlogPolicy(other, [witness]) })).toBe("trust-root-not-usable");
    expect(await usable({ logPolicy: of.replace(/^log .*\n/, "") })).toBe("trust-root-not-usable");
    const two = tlogPolicy(other, [witness]).split("\n", 1)[0];
    expect(await usable({ logPolicy: `${two}\n${of}` })).toBe("trust-root-not-usable");
    expect(await usable({ logPolicy: of.replace("\n", `\n${two}\n`) })).toBe("trust-root-not-usable");
  });

  it("names its log by two keys of one type, or by a key of another type under another origin", async () => {
    const of = tlogPolicy(await logKey(), [await witnessKey("w")]);
    const beside = async (type: number, origin = ORIGIN) => {
      const key = await createPrivateKey(origin, type, new Uint8Array(32).fill(7));
      return usable({ logPolicy: of.replace("\n", `\nlog ${vkeyOf(key)}\n`) });
    };
    expect(await beside(COSIGNATURE_ML_DSA_44)).toBe("accepted");
    expect(await beside(COSIGNATURE_ML_DSA_44, "other.example")).toBe("trust-root-not-usable");
    expect(await beside(ED25519)).toBe("trust-root-not-usable");
  });

  it("lets a key state providers' keys that it does not show", async () => {
    const { roles } = await trustRootPredicate(await testKeys());
    const stating = (key: string) =>
      usable({ roles: { ...roles, identityKeys: { keys: [key], threshold: 1 } } });
    expect(await stating(roles.root.keys[0]!)).toBe("accepted");
    expect(await stating(sha256Of("stranger"))).toBe("trust-root-not-usable");
  });

  it("asks for no witness, so that checkpoints would carry no time", async () => {
    const logPolicy = `${tlogPolicy(await logKey(), []).split("\n", 1)[0]}\nquorum none\n`;
    expect(await usable({ logPolicy })).toBe("trust-root-not-usable");
  });

  it("has a log policy that is no tlog-policy: the log refuses it instead of failing on it", async () => {
    expect(await usable({ logPolicy: "nonsense" })).toBe("trust-root-not-usable");
    const next = await log.nextRoot({ logPolicy: "nonsense" });
    expect(await outcomeOf(() => log.publish("trust-root", next, log.keys.root))).toBe(
      "trust-root-not-usable",
    );
  });
});

describe("receipt keys", () => {
  const publishWith = async (receiptKeys: string[]) =>
    outcomeOf(async () => log.publish("trust-root", await log.nextRoot({ receiptKeys }), log.keys.root));
  const spkiOf = async (label: string) => encodeBase64((await testKey(label)).spki);

  it("are accepted where they stand for nothing else", async () => {
    expect(await publishWith([await spkiOf("receipts"), await spkiOf("more receipts")])).toBe("accepted");
  });

  it("are accepted beside keys of notes that are no Ed25519 keys", async () => {
    const mlDsa = await createPrivateKey("w.example", COSIGNATURE_ML_DSA_44, new Uint8Array(32).fill(7));
    const logPolicy = tlogPolicy(await logKey(), [await witnessKey("own.example"), mlDsa], 1);
    const receiptKeys = [await spkiOf("receipts")];
    const root = await log.nextRoot({ logPolicy, receiptKeys });
    expect(await outcomeOf(() => log.publish("trust-root", root, log.keys.root))).toBe("accepted");
  });

  it("differ from each other", async () => {
    const key = await spkiOf("receipts");
    expect(await publishWith([key, key])).toBe("trust-root-not-usable");
  });

  it("are no key of a role, of the log or of a witness", async () => {
    const [own, witness] = [await logKey(), await witnessKey("own.example")];
    const noteKeys = [own, witness].map(({ verifierKey }) =>
      encodeBase64(ed25519Spki(verifierKey.publicKey)),
    );
    for (const key of [encodeBase64(log.keys.status.spki), ...noteKeys])
      expect(await publishWith([key])).toBe("trust-root-not-usable");
  });

  it("are Ed25519 or P-256 keys, in the one DER form that each has", async () => {
    const p384 = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-384" }, true, [
      "sign",
      "verify",
    ]);
    const p256 = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, [
      "sign",
      "verify",
    ]);
    const good = new Uint8Array(await crypto.subtle.exportKey("spki", p256.publicKey));
    expect(await publishWith([encodeBase64(good)])).toBe("accepted");
    const spki = new Uint8Array(await crypto.subtle.exportKey("spki", p384.publicKey));
    expect(await publishWith([encodeBase64(spki)])).toBe("trust-root-not-usable");
    expect(await publishWith([encodeBase64(new Uint8Array(44))])).toBe("trust-root-not-usable");
  });
});

describe("closing a log", () => {
  const close = async (change: Partial<NonNullable<TrustRoot["successor"]>> = {}) => {
    const now = { finalSize: log.inForce.size, finalRoot: log.view.treeRoot() };
    const successor = { origin: "next.example/log", ...now, ...change };
    return outcomeOf(async () => log.publish("trust-root", await log.nextRoot({ successor }), log.keys.root));
  };

  it("states the tree as it is before the closing entry", async () => {
    await log.publish("platform", platformPredicate(), [log.keys.publisher]);
    expect(await close({ finalSize: 1 })).toBe("successor-not-true");
    expect(await close({ finalSize: 3 })).toBe("successor-not-true");
    expect(await close({ finalRoot: sha256Of("another tree") })).toBe("successor-not-true");
    expect(await close()).toBe("accepted");
  });

  it("is for ever: nothing of any kind follows, not even a trust root that takes it back", async () => {
    const set = await log.publishRelease();
    await close();
    const { keys } = log;
    const attempts = [
      () => log.publish("platform", platformPredicate("late"), [keys.publisher]),
      () => log.publishPolicy(set),
      () =>
        log.publish("revocation", revocationPredicate({ digests: [set.image.payloadDigest] }), [
          keys.revocation,
        ]),
      () => log.publishStatus(),
      async () => log.publish("trust-root", await log.nextRoot(), keys.root),
    ];
    for (const attempt of attempts) expect(await outcomeOf(attempt)).toBe("log-closed");
  });
});

describe("policies", () => {
  it("follow one another by version and digest, each name by itself", async () => {
    const set = await log.publishRelease();
    await log.publishPolicy(set);
    await log.publishPolicy(set);
    const other = policyPredicate(set, { name: "staging" });
    await log.publish("policy", other, [log.keys.policy]);
    expect([...log.inForce.policies].map(([name, { version }]) => [name, version])).toEqual([
      ["production", 2],
      ["staging", 1],
    ]);
  });

  it("do not skip a version, nor follow one that is not the newest, nor start in the middle", async () => {
    const set = await log.publishRelease();
    const first = await log.publishPolicy(set);
    await log.publishPolicy(set);
    const attempt = (change: object) => outcomeOf(() => log.publishPolicy(set, change));
    expect(await attempt({ version: 4 })).toBe("wrong-predecessor");
    expect(await attempt({ previous: first.payloadDigest })).toBe("wrong-predecessor");
    const middle = { name: "new", version: 2, previous: first.payloadDigest };
    expect(await attempt(middle)).toBe("wrong-predecessor");
  });

  it("live as long as the trust root allows, to the second", async () => {
    const set = await log.publishRelease();
    const from = "2026-11-23T12:00:00Z";
    const attempt = (expires: string) =>
      outcomeOf(() => log.publishPolicy(set, { validFrom: from, expires }));
    expect(await attempt("2027-02-21T12:00:01Z")).toBe("lifetime-too-long");
    expect(await attempt("2027-02-21T12:00:00Z")).toBe("accepted");
  });
});

describe("statuses", () => {
  const attempt = (change: Parameters<FoundedLog["publishStatus"]>[0]) =>
    outcomeOf(() => log.publishStatus(change));

  it("as drafted from what is in force are accepted, one after the other", async () => {
    for (const sequence of [1, 2]) {
      const payload = draftStatus(log.inForce, NOW);
      const { statement } = makeEnvelope(payload, []);
      if (statement.kind !== "status") throw new Error("drafted something else");
      expect(statement.predicate).toMatchObject({
        sequence,
        treeSize: log.inForce.size,
        issuedAt: "2026-11-23T12:00:00Z",
        expires: "2026-11-30T12:00:00Z",
      });
      await log.publish("status", statement.predicate, [log.keys.status]);
      await log.publish("platform", platformPredicate(`vm-${sequence}`), [log.keys.publisher]);
    }
  });

  it("do not skip a sequence number, nor follow another", async () => {
    await log.publishStatus();
    expect(await attempt({ sequence: 3 })).toBe("wrong-predecessor");
    expect(await attempt({ previous: sha256Of("another") })).toBe("wrong-predecessor");
  });

  it("live as long as the trust root allows, to the second", async () => {
    expect(await attempt({ expires: "2026-11-30T12:00:01Z" })).toBe("lifetime-too-long");
    expect(await attempt({ expires: "2026-11-30T12:00:00Z" })).toBe("accepted");
  });

  it("do not speak of a tree that is not there, nor of one before the newest change", async () => {
    await log.publish("platform", platformPredicate(), [log.keys.publisher]);
    expect(await attempt({ treeSize: 3 })).toBe("status-not-true");
    expect(await attempt({ treeSize: 1 })).toBe("accepted");
    const set = await signReleaseSet(log.keys, "2");
    await log.add(set.platform);
    const revocation = revocationPredicate({ digests: [set.platform.payloadDigest] });
    await log.publish("revocation", revocation, [log.keys.revocation]);
    expect(await attempt({ treeSize: 4 })).toBe("status-not-true");
    expect(await attempt({})).toBe("accepted");
  });

  it("have no index where the trust root says that they have none", async () => {
    expect(await attempt({ index: { size: 1, root: sha256Of("index") } })).toBe("status-not-true");
    expect(await attempt({ index: null })).toBe("accepted");
  });

  it("have an index where the trust root says so", async () => {
    await log.publish("trust-root", await log.nextRoot({ index: true }), log.keys.root);
    expect(await attempt({ index: null })).toBe("status-not-true");
    expect(await attempt({ index: { size: 2, root: indexRootOf(log.envelopes) } })).toBe("accepted");
  });

  it("have the index that the log has, and of a size at which it is kept", async () => {
    await log.publish("trust-root", await log.nextRoot({ index: true }), log.keys.root);
    const root = indexRootOf(log.envelopes);
    const publish = async (stated: string) => log.publishStatus({ index: { size: 2, root: stated } });
    await expect(publish(sha256Of("another"))).rejects.toMatchObject({
      code: "status-not-true",
      message: expect.stringContaining(`has root ${root}, not ${sha256Of("another")}`),
    });
    const { view } = log;
    const unkept = { ...view, inForce: log.inForce, indexRoot: () => undefined };
    const status = await signStatement("status", statusPredicate(log.inForce, { index: { size: 2, root } }), [
      log.keys.status,
    ]);
    expect(() =>
      register(unkept, { ...status, signers: [log.keys.status.keyId], identities: [], tokens: [] }),
    ).toThrow(
      expect.objectContaining({
        code: "status-not-true",
        message: expect.stringContaining("no index of the first 2 entries is kept"),
      }),
    );
    await publish(root);
    expect(log.inForce.status?.indexRoot).toBe(root);
  });

  it("are drafted with the index that is given, over what they summarise", () => {
    const drafted = (indexRoot?: string) =>
      (makeEnvelope(draftStatus(log.inForce, NOW, indexRoot), []).statement as StatementOf<"status">)
        .predicate;
    expect(drafted().index).toBeNull();
    expect(drafted(sha256Of("index")).index).toEqual({ size: 1, root: sha256Of("index") });
  });

  it("do not go back behind the one before, though nothing has changed since", async () => {
    await log.publish("platform", platformPredicate("vm"), [log.keys.publisher]);
    await log.publishStatus();
    expect(log.inForce.status?.indexRoot).toBeNull();
    expect(await attempt({ treeSize: 1 })).toBe("status-not-true");
    expect(await attempt({ treeSize: 2 })).toBe("accepted");
  });

  it("have an index of what they summarise, and of no other size", async () => {
    const statement = (size: number) =>
      signStatement("status", statusPredicate(log.inForce, { index: { size, root: sha256Of("index") } }), []);
    await expect(statement(2)).rejects.toThrow("treeSize");
    await expect(statement(1)).resolves.toMatchObject({ statement: { kind: "status" } });
  });

  it("tell every lie in vain: another trust root, policy, digest or key range", async () => {
    const set = await log.publishRelease();
    await log.publishPolicy(set);
    const range = { keyId: sha256Of("stolen"), fromIndex: 0, toIndex: 9 };
    const revoked = { digests: [set.image.payloadDigest], keys: [range] };
    await log.publish("revocation", revocationPredicate(revoked), [log.keys.revocation]);
    const { trustRoot, policies } = summarise(log.inForce);
    const [policy] = policies;
    const lies = [
      { trustRoot: { ...trustRoot, version: 2 } },
      { trustRoot: { ...trustRoot, digest: sha256Of("another") } },
      { policies: [] },
      { policies: [{ ...policy!, digest: sha256Of("another") }] },
      { policies: [...policies, { name: "invented", version: 1, digest: sha256Of("invented") }] },
      { revokedDigests: [] },
      { revokedDigests: [sha256Of("another")] },
      { revokedKeys: [] },
      { revokedKeys: [{ ...range, toIndex: 8 }] },
    ];
    for (const lie of lies) expect(await attempt(lie), JSON.stringify(lie)).toBe("status-not-true");
    expect(await attempt({})).toBe("accepted");
  });
});

describe("revocations", () => {
  const revoke = (change: Parameters<typeof revocationPredicate>[0]) =>
    outcomeOf(() => log.publish("revocation", revocationPredicate(change), [log.keys.revocation]));

  it("name entries that are there, and that a successor does not replace", async () => {
    const set = await log.publishRelease();
    const policy = await log.publishPolicy(set);
    await log.publishStatus();
    const digestOf = (index: number) => log.envelopes[index]!.payloadDigest;
    expect(await revoke({ digests: [sha256Of("nothing")] })).toBe("revocation-target");
    expect(await revoke({ digests: [digestOf(0)] }), "trust root").toBe("revocation-target");
    expect(await revoke({ digests: [digestOf(8)] }), "status").toBe("revocation-target");
    expect(await revoke({ digests: [set.image.payloadDigest, policy.payloadDigest] })).toBe("accepted");
    expect(await revoke({ version: "2", digests: [digestOf(9)] }), "revocation").toBe("revocation-target");
  });

  it("leave room in the status: 64 key ranges, 512 digests, 128 policies", async () => {
    const ranges = (from: number, count: number) =>
      Array.from({ length: count }, (_, i) => ({ keyId: sha256Of(`${from + i}`), fromIndex: 0, toIndex: 1 }));
    expect(await revoke({ version: "1", keys: ranges(0, 32) })).toBe("accepted");
    expect(await revoke({ version: "2", keys: ranges(32, 32) })).toBe("accepted");
    expect(await revoke({ version: "3", keys: ranges(0, 32) }), "known ranges take no room").toBe("accepted");
    expect(await revoke({ version: "4", keys: ranges(64, 1) })).toBe("status-capacity");
    expect(await outcomeOf(() => log.publishStatus()), "the full status can be issued").toBe("accepted");
  });

  it("leave exactly the room that a status has", async () => {
    const keyed = (count: number) => Array.from({ length: count }, (_, i) => sha256Of(`${i}`));
    const range = (keyId: string) => ({ keyId, fromIndex: 0, toIndex: 1 });
    const place = { index: 1, version: 1, digest: sha256Of("policy") };
    const rules = (count: number) => keyed(count).map((rule) => ({ rule, fromIndex: 0, toIndex: 1 }));
    const providers = (count: number) =>
      keyed(count).map((name) => ({
        ...place,
        signers: [],
        identities: [],
        keys: identityKeysPredicate([], { name }),
      }));
    const room = (digests: number, ranges: number, policies: number, identities = 0, named = 0) =>
      outcomeOf(() =>
        checkStatusCapacity({
          ...log.inForce,
          revokedIdentities: rules(identities),
          identityKeys: providers(named),
          revokedDigests: new Set(keyed(digests)),
          revokedKeys: keyed(ranges).map(range),
          policies: new Map(keyed(policies).map((name) => [name, place])),
        }),
      );
    expect(await room(512, 64, 128, 64, 16)).toBe("accepted");
    expect(await room(0, 0, 0, 65)).toBe("status-capacity");
    expect(await room(0, 0, 0, 0, 17)).toBe("status-capacity");
    expect(await room(513, 0, 0)).toBe("status-capacity");
    expect(await room(0, 65, 0)).toBe("status-capacity");
    expect(await room(0, 0, 129)).toBe("status-capacity");
  });

  it("leave room in the status for policies, too", async () => {
    const set = await log.publishRelease();
    for (let i = 0; i < 128; i++) {
      await log.publish("policy", policyPredicate(set, { name: `p${i}` }), [log.keys.policy]);
    }
    const one = () => log.publish("policy", policyPredicate(set, { name: "more" }), [log.keys.policy]);
    expect(await outcomeOf(one)).toBe("status-capacity");
    const next = { name: "p0", version: 2, previous: log.inForce.policies.get("p0")!.digest };
    await log.publish("policy", policyPredicate(set, next), [log.keys.policy]);
  });
});
