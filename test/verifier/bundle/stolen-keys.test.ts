// The table "Who trusts whom" of the README, row by row: the worst that the owner of a stolen key can do, and what he cannot do.
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import type { PolicyBundle } from "../../../src/protocol/bundle/policy-bundle.ts";
import { formatTime } from "../../../src/protocol/entry/fields.ts";
import type { Kind, Predicate } from "../../../src/protocol/entry/kinds.ts";
import type { TrustRoot } from "../../../src/protocol/entry/trust-root.ts";
import { treeOfNote } from "../../../src/verifier/bundle/fork.ts";
import type { RememberedState } from "../../../src/verifier/bundle/remembered-state.ts";
import { verifyBundle } from "../../../src/verifier/bundle/verify-bundle.ts";
import { NOW } from "../../support/clock.ts";
import { policyPredicate, revocationPredicate, statusPredicate } from "../../support/document-predicates.ts";
import { FoundedLog } from "../../support/founded-log.ts";
import { identityKeysPredicate, identityRoles, nextIdentityKeys } from "../../support/identity-log.ts";
import { type TestKey, type TestKeys, testKey } from "../../support/keys.ts";
import { signedCheckpoint } from "../../support/notes.ts";
import { FakeProvider } from "../../support/provider.ts";
import { outcomeOf } from "../../support/refusals.ts";
import { platformPredicate, sha256Of } from "../../support/release-predicates.ts";
import { inOrder, type ReleaseSet, signReleaseSet } from "../../support/release-set.ts";
import { bundleBytes } from "../../support/small-log.ts";
import { trustRootPredicate } from "../../support/trust-root.ts";
import { logKey, ORIGIN, tlogPolicy, witnessKey } from "../../support/witnesses.ts";

const HOUR = 3_600_000;
const TWO_DAYS = 2 * 86_400;
const FOR_EVER = Number.MAX_SAFE_INTEGER;
const later = (hours: number) => new Date(NOW.getTime() + hours * HOUR);
const time = (date: Date) => `${date.toISOString().slice(0, 19)}Z`;

/** A log with a release, a policy over it and a status, as the thief finds it. */
class Victim {
  readonly log: FoundedLog;
  readonly set: ReleaseSet;

  private constructor(log: FoundedLog, set: ReleaseSet) {
    this.log = log;
    this.set = set;
  }

  static async find(): Promise<Victim> {
    const log = await FoundedLog.found({ maxStatusAge: TWO_DAYS });
    const victim = new Victim(log, await log.publishRelease());
    await log.publishPolicy(victim.set);
    await victim.issueStatus();
    return victim;
  }

  get keys(): TestKeys {
    return this.log.keys;
  }

  /** Good for as long as the trust root allows. */
  issueStatus(now = NOW, by: TestKey = this.keys.status): Promise<number> {
    const life = { expires: time(new Date(now.getTime() + TWO_DAYS * 1000)) };
    return this.log.publish("status", statusPredicate(this.log.inForce, life, now), [by]);
  }

  /** What the log says of an entry by these keys. */
  tries<K extends Kind>(kind: K, predicate: Predicate<K>, ...signers: readonly TestKey[]): Promise<string> {
    return outcomeOf(() => this.log.publish(kind, predicate, signers));
  }

  tryStatus(change: Partial<Predicate<"status">>, by: TestKey): Promise<string> {
    return this.tries("status", statusPredicate(this.log.inForce, change), by);
  }

  revokes(version: string, what: Partial<Predicate<"revocation">>): Promise<string> {
    return this.tries("revocation", revocationPredicate({ version, ...what }), this.keys.revocation);
  }

  /** What verifiers say who fetch the policy now, or are shown something else. */
  async verifierSays(
    change: Partial<PolicyBundle> = {},
    at = NOW,
    remembered: RememberedState | null = null,
  ): Promise<string> {
    const size = remembered && treeOfNote(remembered.checkpoint.note).size;
    const bundle = await this.log.bundle(
      "production",
      {},
      size !== null && size < this.log.inForce.size ? size : null,
    );
    const checkpoint = await this.log.checkpoint(undefined, at);
    const pin = { origin: ORIGIN, version: 1, digest: this.log.envelopes[0]!.payloadDigest };
    const bytes = bundleBytes({ ...bundle, checkpoint, ...change });
    return outcomeOf(() => verifyBundle(bytes, { pin, policy: "production", now: at, remembered }));
  }

  /** Every kind of document but a trust root, signed with this key: what the log says of each. */
  async triesAllRoles(by: TestKey): Promise<Record<string, string>> {
    const { log, set } = this;
    return {
      release: await this.tries("platform", platformPredicate("stolen"), by),
      policy: await this.tries("policy", log.nextPolicy(set), by),
      revocation: await this.tries("revocation", revocationPredicate({ keys: [everything(by)] }), by),
      status: await this.tryStatus({}, by),
      trustRoot: await this.tries("trust-root", await log.nextRoot(), by),
    };
  }
}

const everything = ({ keyId }: TestKey) => ({ keyId, fromIndex: 0, toIndex: FOR_EVER });
const ALL_REFUSED = {
  release: "not-authorised",
  policy: "not-authorised",
  revocation: "not-authorised",
  status: "not-authorised",
  trustRoot: "not-authorised",
};

/** A trust root that gives every role to new keys; it keeps the old root keys, which must sign it. */
async function newPeople(log: FoundedLog): Promise<{ people: TestKeys; root: TrustRoot }> {
  const named = (name: string) => testKey(`new ${name}`);
  const people = {
    root: log.keys.root,
    publisher: await named("publisher"),
    otherPublisher: await named("other publisher"),
    policy: await named("policy"),
    revocation: await named("revocation"),
    status: await named("status"),
  };
  const newest = log.inForce.trustRoots.at(-1)!;
  const place = { version: newest.root.version + 1, previous: newest.digest, maxStatusAge: TWO_DAYS };
  return { people, root: await trustRootPredicate(people, place) };
}

/** A trust root that names an identity beside the publisher, and the provider's keys. */
async function nameIdentity({ log, keys }: Victim, threshold = 1): Promise<FakeProvider> {
  const provider = await FakeProvider.example();
  const { roles, identities } = await identityRoles(keys);
  const publisher = roles.publisher.map((rule) =>
    rule.identities.length > 0 ? { ...rule, threshold } : rule,
  );
  const change = { roles: { ...roles, publisher }, identities, maxStatusAge: TWO_DAYS };
  await log.publish("trust-root", await log.nextRoot(change), keys.root);
  await log.publish("identity-keys", identityKeysPredicate([provider]), keys.root);
  return provider;
}

interface Theft {
  /** As the first column of the table has it. */
  readonly party: string;
  /** As the last column has it: what `can` and `cannot` show. */
  readonly worst: string;
  readonly can: Readonly<Record<string, (victim: Victim) => Promise<void>>>;
  readonly cannot: Readonly<Record<string, (victim: Victim) => Promise<void>>>;
}

const THEFTS: readonly Theft[] = [
  {
    party: "anybody on the network",
    worst:
      "keep answers away; show a verifier what was in force up to `maxStatusAge` ago: two days as `init` founds a log, seven at most",
    can: {
      "show an old status and policy in a fresh checkpoint, as long as that status is good": async (
        victim,
      ) => {
        const old = await victim.log.bundle("production");
        await victim.revokes("1", { digests: [victim.set.image.payloadDigest] });
        await victim.issueStatus(later(1));
        expect(await victim.verifierSays({}, later(1))).toBe("entry-revoked");
        const shown = await oldStatus(victim, old);
        expect(await victim.verifierSays(shown, later(47.9))).toBe("accepted");
      },
    },
    cannot: {
      "show it a second longer than the trust root's maxStatusAge": async (victim) => {
        const old = await victim.log.bundle("production");
        await victim.issueStatus(later(1));
        expect(await victim.verifierSays(await oldStatus(victim, old), later(48))).toBe("status-expired");
      },
      "show it to a verifier who has seen the next status": async (victim) => {
        const old = await victim.log.bundle("production");
        await victim.issueStatus(later(1));
        const remembered = await stateOf(victim, { statusSequence: 2 });
        const shown = await oldStatus(victim, old);
        expect(await victim.verifierSays(shown, later(1), remembered)).toBe("status-rolled-back");
      },
    },
  },
  {
    party: "the log key",
    worst:
      "fork the log for one victim, if the quorum's keys are owned too; every fork is a signed proof against it",
    can: {
      "fork, together with the quorum, for whoever remembers nothing": async (victim) => {
        const fork = await forkOf(victim);
        expect(await fork.verifierSays()).toBe("accepted");
      },
    },
    cannot: {
      "make a checkpoint count alone": async (victim) => {
        const size = victim.log.envelopes.length;
        const head = { origin: ORIGIN, size, root: victim.log.tree().roots[size]! };
        const checkpoint = await signedCheckpoint(head, await logKey(), []);
        expect(await victim.verifierSays({ checkpoint })).toBe("checkpoint-not-authentic");
      },
      "fork before a verifier who remembers": async (victim) => {
        const fork = await forkOf(victim);
        const remembered = await stateOf(victim, {});
        expect(await fork.verifierSays({}, NOW, remembered)).toBe("log-forked");
      },
    },
  },
  {
    party: "witnesses, up to the quorum",
    worst:
      "nothing below the quorum; at it, give an old checkpoint a new time, until the status in it expires",
    can: {
      "make an old checkpoint look new": async (victim) => {
        const size = victim.log.envelopes.length;
        const old = await victim.log.bundle("production");
        await victim.revokes("1", { digests: [victim.set.image.payloadDigest] });
        const checkpoint = await victim.log.checkpoint(size, later(47));
        expect(await victim.verifierSays({ ...old, checkpoint }, later(47))).toBe("accepted");
        const late = await victim.log.checkpoint(size, later(48));
        expect(await victim.verifierSays({ ...old, checkpoint: late }, later(48))).toBe("status-expired");
      },
    },
    cannot: {
      "sign a tree that the log has not signed": async (victim) => {
        const size = victim.log.envelopes.length;
        const head = { origin: ORIGIN, size, root: victim.log.tree().roots[size]! };
        const seconds = NOW.getTime() / 1000;
        const checkpoint = await signedCheckpoint(head, await logKey("thief.example"), [
          [await witnessKey("own.example"), seconds],
        ]);
        expect(await victim.verifierSays({ checkpoint })).toBe("checkpoint-not-authentic");
      },
    },
  },
  {
    party: "publisher keys, up to a rule's threshold",
    worst:
      "publish a bad release under the rule's names, visibly and for ever, or take a version that the owner wants; no policy accepts it until a policy key does",
    can: {
      "publish a bad release, and keep the owner from its version": async (victim) => {
        const { keys } = victim;
        const bad = { ...platformPredicate("h100-vm", "2.0"), svn: 9 };
        expect(await victim.tries("platform", bad, keys.publisher)).toBe("accepted");
        expect(await victim.tries("platform", platformPredicate("h100-vm", "2.0"), keys.publisher)).toBe(
          "identity-taken",
        );
        await victim.issueStatus();
        expect(await victim.verifierSays()).toBe("accepted");
      },
    },
    cannot: {
      "change a release": async (victim) => {
        const changed = { ...platformPredicate("h100-vm", "1.0"), svn: 9 };
        expect(await victim.tries("platform", changed, victim.keys.publisher)).toBe("identity-taken");
      },
      "do what other roles do, or release under the names of another rule": async (victim) => {
        const { otherPublisher } = victim.keys;
        expect(await victim.triesAllRoles(otherPublisher)).toEqual(ALL_REFUSED);
        expect(await victim.tries("platform", platformPredicate("other/vm"), otherPublisher)).toBe(
          "accepted",
        );
        expect(await victim.triesAllRoles(victim.keys.publisher)).toEqual({
          ...ALL_REFUSED,
          release: "accepted",
        });
      },
    },
  },
  {
    party: "identity providers, and the role that states their keys, up to its threshold",
    worst:
      "publish a bad release under the rules that name them, as publisher keys do, visibly and for ever; nothing where a rule asks for a key as well",
    can: {
      "publish a bad release by a token, whoever runs the workflow": async (victim) => {
        const provider = await nameIdentity(victim);
        const bad = await provider.signStatement("platform", platformPredicate("bad"));
        expect(await outcomeOf(() => victim.log.add(bad))).toBe("accepted");
        await victim.issueStatus();
        expect(await victim.verifierSays()).toBe("accepted");
      },
      "state a key of their own for a provider, and publish by it": async (victim) => {
        await nameIdentity(victim);
        const thief = await FakeProvider.create("thief");
        const next = nextIdentityKeys(victim.log, [thief], "2026-11-23T11:00:00Z");
        expect(await victim.tries("identity-keys", next, ...victim.keys.root)).toBe("accepted");
        const bad = await thief.signStatement("platform", platformPredicate("bad"));
        expect(await outcomeOf(() => victim.log.add(bad))).toBe("accepted");
      },
    },
    cannot: {
      "do what other roles do": async (victim) => {
        const provider = await nameIdentity(victim);
        const { log, set } = victim;
        const documents = [
          await provider.signStatement("policy", log.nextPolicy(set)),
          await provider.signStatement(
            "revocation",
            revocationPredicate({ digests: [set.image.payloadDigest] }),
          ),
          await provider.signStatement("status", statusPredicate(log.inForce)),
          await provider.signStatement("trust-root", await log.nextRoot()),
          await provider.signStatement(
            "identity-keys",
            nextIdentityKeys(log, [provider], "2026-11-23T11:00:00Z"),
          ),
        ];
        for (const document of documents)
          expect(await outcomeOf(() => log.add(document)), document.statement.kind).toBe("not-authorised");
      },
      "publish anything where the rule asks for a key as well": async (victim) => {
        const provider = await nameIdentity(victim, 2);
        const alone = await provider.signStatement("platform", platformPredicate("bad"));
        expect(await outcomeOf(() => victim.log.add(alone))).toBe("not-authorised");
      },
    },
  },
  {
    party: "policy keys, up to the threshold",
    worst:
      "make a bad policy of what is logged and not revoked, under the rule's names, visibly and for ever; use up the names that a log has for policies",
    can: {
      "accept machines that the owner does not": async (victim) => {
        const { log, set } = victim;
        const [profile] = log.nextPolicy(set).profiles;
        const tdx = { ...profile!.tdx, tcbStatuses: ["OutOfDate" as const] };
        const bad = log.nextPolicy(set, { profiles: [{ ...profile!, tdx }] });
        expect(await victim.tries("policy", bad, victim.keys.policy)).toBe("accepted");
        await victim.issueStatus();
        expect(await victim.verifierSays()).toBe("accepted");
      },
      "use up the names": async (victim) => {
        const { set, keys } = victim;
        const policy = (name: string) => victim.tries("policy", policyPredicate(set, { name }), keys.policy);
        for (let i = 1; i < 128; i++) expect(await policy(`thief/${i}`)).toBe("accepted");
        expect(await policy("owner")).toBe("status-capacity");
      },
    },
    cannot: {
      "name what is not logged, or is revoked": async (victim) => {
        const { log, set, keys } = victim;
        const other = await signReleaseSet(keys, "9.9");
        expect(await victim.tries("policy", log.nextPolicy(other), keys.policy)).toBe("reference-missing");
        await victim.revokes("1", { digests: [set.image.payloadDigest] });
        expect(await victim.tries("policy", log.nextPolicy(set), keys.policy)).toBe("reference-revoked");
      },
      "do what other roles do": async (victim) => {
        expect(await victim.triesAllRoles(victim.keys.policy)).toEqual({
          ...ALL_REFUSED,
          policy: "accepted",
        });
      },
    },
  },
  {
    party: "revocation keys, up to the threshold",
    worst:
      "revoke every release, policy and status there is, for ever, and every key until the next trust root, which takes effect at once; use up the room for revocations",
    can: {
      "stop everything, until a trust root of the same, revoked, root keys brings new people": async (
        victim,
      ) => {
        const { log, keys } = victim;
        const { root, publisher, otherPublisher, policy, revocation, status } = keys;
        const all = [...root, publisher, otherPublisher, policy, status, revocation];
        expect(await victim.revokes("1", { keys: all.map(everything) })).toBe("accepted");
        expect(await victim.tries("platform", platformPredicate("late"), publisher)).toBe("key-revoked");
        expect(await victim.tries("policy", log.nextPolicy(victim.set), policy)).toBe("key-revoked");
        expect(await victim.tryStatus({}, status)).toBe("key-revoked");
        expect(await victim.revokes("2", { digests: [sha256Of("x")] })).toBe("key-revoked");
        const revocations = [log.logged(log.envelopes.length - 1)];
        expect(await victim.verifierSays({ revocations })).toBe("entry-revoked");

        await recover(victim);
        expect(await victim.verifierSays({}, later(1))).toBe("accepted");
      },
      "use up the room, so that stolen keys can only be taken out of the trust root": async (victim) => {
        const ranges = (from: number) =>
          Array.from({ length: 32 }, (_, i) => ({
            keyId: sha256Of(`${from + i}`),
            fromIndex: 0,
            toIndex: 1,
          }));
        expect(await victim.revokes("1", { keys: ranges(0) })).toBe("accepted");
        expect(await victim.revokes("2", { keys: ranges(32) })).toBe("accepted");
        expect(await victim.revokes("3", { keys: [everything(victim.keys.publisher)] })).toBe(
          "status-capacity",
        );
        await recover(victim);
        expect(await victim.verifierSays({}, later(1))).toBe("accepted");
      },
    },
    cannot: {
      "revoke a trust root or a revocation": async (victim) => {
        const { log } = victim;
        expect(await victim.revokes("1", { digests: [log.envelopes[0]!.payloadDigest] })).toBe(
          "revocation-target",
        );
        expect(await victim.revokes("1", { keys: [everything(victim.keys.otherPublisher)] })).toBe(
          "accepted",
        );
        expect(await victim.revokes("2", { digests: [log.envelopes.at(-1)!.payloadDigest] })).toBe(
          "revocation-target",
        );
      },
      "do what other roles do": async (victim) => {
        expect(await victim.triesAllRoles(victim.keys.revocation)).toEqual({
          ...ALL_REFUSED,
          revocation: "accepted",
          // By then the key has revoked itself.
          status: "not-authorised",
        });
      },
    },
  },
  {
    party: "status keys, up to the threshold",
    worst:
      "say when the log's summary is good, which the log and every replay hold to be true: so that verifiers refuse it, until the next trust root, or take it at a later time, if they remember nothing; hide a revocation or a policy only together with the log key and the quorum",
    can: {
      "date a status ahead: refused now, and taken then by whoever remembers nothing": async (victim) => {
        const ahead = { issuedAt: time(later(200)), expires: time(later(201)) };
        expect(await victim.tryStatus(ahead, victim.keys.status)).toBe("accepted");
        expect(await victim.verifierSays()).toBe("status-expired");
        const old = await victim.log.bundle("production");
        await victim.revokes("1", { digests: [victim.set.image.payloadDigest] });
        await victim.issueStatus(later(200));
        expect(await victim.verifierSays({}, later(200))).toBe("entry-revoked");
        const shown = await oldStatus(victim, old);
        expect(await victim.verifierSays(shown, later(200))).toBe("accepted");
        const remembered = await stateOf(victim, { statusSequence: 3 });
        expect(await victim.verifierSays(shown, later(200), remembered)).toBe("status-rolled-back");
      },
    },
    cannot: {
      "hide anything from the log, or make it last": async (victim) => {
        await victim.revokes("1", { digests: [victim.set.image.payloadDigest] });
        const { status } = victim.keys;
        expect(await victim.tryStatus({ revokedDigests: [] }, status)).toBe("status-not-true");
        expect(await victim.tryStatus({ policies: [] }, status)).toBe("status-not-true");
        const long = { expires: time(new Date(NOW.getTime() + TWO_DAYS * 1000 + 1000)) };
        expect(await victim.tryStatus(long, status)).toBe("lifetime-too-long");
      },
      "do what other roles do": async (victim) => {
        expect(await victim.triesAllRoles(victim.keys.status)).toEqual({
          ...ALL_REFUSED,
          status: "accepted",
        });
      },
    },
  },
  {
    party: "root keys, up to the threshold",
    worst:
      "choose everybody else, the log key and the witnesses too, and so show whom he likes a log of his own; close the log for ever",
    can: {
      "take every role, and have a verifier who pins the old trust root accept what he likes": async (
        victim,
      ) => {
        const { root, people } = await newPeople(victim.log);
        expect(await victim.tries("trust-root", root, ...victim.keys.root)).toBe("accepted");
        expect(await victim.tries("policy", victim.log.nextPolicy(victim.set), people.policy)).toBe(
          "accepted",
        );
        await victim.issueStatus(NOW, people.status);
        expect(await victim.verifierSays()).toBe("accepted");
      },
      "take a log key and witnesses of his own": async (victim) => {
        const logPolicy = tlogPolicy(await logKey(), [await witnessKey("thief.example")]);
        const root = await victim.log.nextRoot({ logPolicy });
        expect(await victim.tries("trust-root", root, ...victim.keys.root)).toBe("accepted");
      },
      "close the log": async (victim) => {
        const { log } = victim;
        const now = { finalSize: log.inForce.size, finalRoot: log.view.treeRoot() };
        const root = await log.nextRoot({ successor: { origin: "thief.example/log", ...now } });
        expect(await victim.tries("trust-root", root, ...victim.keys.root)).toBe("accepted");
        expect(await victim.tries("trust-root", await log.nextRoot(), ...victim.keys.root)).toBe(
          "log-closed",
        );
      },
    },
    cannot: {
      "do what other roles do before he has given them to himself": async (victim) => {
        expect(await victim.triesAllRoles(victim.keys.root[0])).toEqual({
          ...ALL_REFUSED,
          trustRoot: "accepted",
        });
      },
    },
  },
];

describe.each(THEFTS)("$party", ({ party, worst, can, cannot }) => {
  it("has a row in the README that says exactly the worst", () => {
    expect(rows.get(party)).toBe(worst);
  });
  it.each(Object.entries(can))("can %s", async (_, attack) => attack(await Victim.find()));
  it.each(Object.entries(cannot))("cannot %s", async (_, attack) => attack(await Victim.find()));
});

it("leaves no party of the README's table out, but the vendors, the service and the pin", () => {
  const others = [...rows.keys()].filter((party) => !THEFTS.some((theft) => theft.party === party));
  expect(others).toEqual(["the service and its database", "Intel and NVIDIA", "your pin"]);
});

let rows: ReadonlyMap<string, string>;
beforeAll(() => {
  const readme = readFileSync(new URL("../../../README.md", import.meta.url), "utf8");
  const section = readme.split("## Who trusts whom")[1]!.split("\n## ")[0]!;
  const lines = section
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .slice(2);
  const cells = lines.map((line) => line.slice(2, -2).split(" | "));
  rows = new Map(cells.map(([party, , worst]) => [party!, worst!]));
});

/** The status and the policy of an older bundle, with proofs in the tree of now. */
async function oldStatus({ log }: Victim, old: PolicyBundle): Promise<Partial<PolicyBundle>> {
  return { status: log.logged(old.status.index), policy: log.logged(old.policy.index) };
}

async function stateOf({ log }: Victim, change: Partial<RememberedState>): Promise<RememberedState> {
  return {
    origin: ORIGIN,
    trustRootVersion: 1,
    statusSequence: 1,
    checkpoint: { note: await log.checkpoint(), cosignedAt: formatTime(NOW) },
    policies: {},
    fork: null,
    ...change,
  };
}

/** A log of as many entries and the same keys, whose last ones are others. */
async function forkOf({ log, set }: Victim): Promise<Victim> {
  const fork = await Victim.find();
  expect(fork.log.envelopes[0]!.payloadDigest).toBe(log.envelopes[0]!.payloadDigest);
  expect(fork.set.image.payloadDigest).toBe(set.image.payloadDigest);
  await fork.log.publish("platform", platformPredicate("only-in-the-fork"), [fork.keys.publisher]);
  await log.publish("platform", platformPredicate("only-in-the-log"), [log.keys.publisher]);
  return fork;
}

/** The next trust root gives every role to new keys; they publish a release and a policy of it again. */
async function recover(victim: Victim): Promise<void> {
  const { log } = victim;
  const { people, root } = await newPeople(log);
  expect(await victim.tries("trust-root", root, ...log.keys.root)).toBe("accepted");
  const again = await signReleaseSet(people, "2.0");
  for (const envelope of inOrder(again)) await log.add(envelope);
  await log.publish("policy", log.nextPolicy(again), [people.policy]);
  await victim.issueStatus(later(1), people.status);
}
