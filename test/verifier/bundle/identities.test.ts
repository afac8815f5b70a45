// What a bundle must show of identities beside the entries themselves: all keys of their providers in turn, each entry confirmed by its own
// checkpoint, and what the status says of them.
import { beforeAll, describe, expect, it } from "vitest";
import type { IdentityKeys } from "../../../src/protocol/entry/identity-keys.ts";
import type { Status } from "../../../src/protocol/entry/status.ts";
import { makeEnvelope } from "../../../src/protocol/envelope/dsse.ts";
import { chainProviders } from "../../../src/verifier/bundle/identities.ts";
import { type VerifiedEntry, verifyBundle } from "../../../src/verifier/bundle/verify-bundle.ts";
import { NOW } from "../../support/clock.ts";
import { revocationPredicate } from "../../support/document-predicates.ts";
import type { FoundedLog } from "../../support/founded-log.ts";
import { identityKeysPredicate, identityLog, nextIdentityKeys } from "../../support/identity-log.ts";
import { FakeProvider, releaseRule } from "../../support/provider.ts";
import { outcomeOf } from "../../support/refusals.ts";
import { sha256Of } from "../../support/release-predicates.ts";
import { inOrder, signReleaseSet } from "../../support/release-set.ts";
import { signStatement } from "../../support/signing.ts";
import { bundleBytes } from "../../support/small-log.ts";

let provider: FakeProvider;
let rotated: FakeProvider;
beforeAll(async () => {
  provider = await FakeProvider.create("kid-1");
  rotated = await FakeProvider.create("kid-2");
});

describe("the keys of the providers", () => {
  type Shown = VerifiedEntry<"identity-keys">;
  const digestOf = ({ name, version }: Pick<IdentityKeys, "name" | "version">) =>
    sha256Of(`${name} ${version}`);

  function shown(index: number, change: Partial<IdentityKeys> = {}): Shown {
    const predicate = identityKeysPredicate([provider], change);
    const { name, version } = predicate;
    const record = { index, kind: "identity-keys", name, version: `${version}`, digest: digestOf(predicate) };
    return { record, statement: { kind: "identity-keys", predicate } } as unknown as Shown;
  }
  const second = (index: number, change: Partial<IdentityKeys> = {}) =>
    shown(index, { version: 2, previous: digestOf({ name: "github", version: 1 }), ...change });
  const other = (index: number, change: Partial<IdentityKeys> = {}) =>
    shown(index, { name: "gitlab", issuer: "https://gitlab.example", ...change });

  /** A status that names the newest of each. */
  function statusOf(entries: readonly Shown[]): Status {
    const newest = new Map(entries.map(({ statement: { predicate } }) => [predicate.name, predicate]));
    const identityKeys = [...newest.values()].map(({ name, version }) => ({
      name,
      version,
      digest: digestOf({ name, version }),
    }));
    return { identityKeys } as unknown as Status;
  }
  const outcome = (entries: readonly Shown[], status = statusOf(entries)) =>
    outcomeOf(() => chainProviders(entries, status));

  it("are those of each provider from its first version on, in the order of the log", async () => {
    const entries = [shown(1), other(2), second(5)];
    expect((await chainProviders(entries, statusOf(entries))).map(({ index }) => index)).toEqual([1, 2, 5]);
  });

  it.each<[string, () => Shown[]]>([
    ["begin with a second version", () => [shown(1, { version: 2 })]],
    ["begin after one that is not shown", () => [shown(1, { previous: sha256Of("hidden") })]],
    ["leave a version out", () => [shown(1), second(5, { version: 3 })]],
    ["follow another", () => [shown(1), second(5, { previous: sha256Of("another") })]],
    ["stand before the ones that they follow", () => [shown(5), second(4)]],
    ["stand where they do", () => [shown(5), second(5)]],
    ["stand at the founding trust root", () => [shown(0)]],
    ["are of a provider that has another name", () => [shown(1), shown(2, { name: "alias" })]],
    [
      "are older than the ones that they follow",
      () => [shown(1), second(5, { retrievedAt: "2026-11-23T09:00:00Z" })],
    ],
  ])("are refused where they %s", async (_how, entries) => {
    expect(await outcome(entries())).toBe("entry-wrong");
  });

  it.each<[string, (status: Status) => Status["identityKeys"]]>([
    ["does not name them", () => []],
    ["names another version", ({ identityKeys }) => identityKeys.map((one) => ({ ...one, version: 9 }))],
    [
      "names other keys of that version",
      ({ identityKeys }) => identityKeys.map((one) => ({ ...one, digest: sha256Of("other") })),
    ],
  ])("are refused where the status %s", async (_how, change) => {
    const entries = [shown(1), second(5)];
    const status = statusOf(entries);
    expect(await outcome(entries, { ...status, identityKeys: change(status) })).toBe("status-disagrees");
  });
});

describe("a bundle with entries by an identity", () => {
  /** The platform and the firmware of a release by a token, the rest by a key. */
  async function publishRelease(log: FoundedLog): Promise<number[]> {
    const set = await signReleaseSet(log.keys);
    const indexes: number[] = [];
    for (const { payload } of [set.platform, set.gsp])
      indexes.push(await log.add(makeEnvelope(payload, [await provider.sign(payload)])));
    for (const entry of inOrder(set)) await log.add(entry);
    await log.publishPolicy(set);
    return indexes;
  }

  async function verify(log: FoundedLog, change: Parameters<FoundedLog["bundle"]>[1] = {}) {
    const { digest, root } = log.inForce.trustRoots[0]!;
    const pin = { origin: root.origin, version: 1, digest };
    const bytes = bundleBytes(await log.bundle("production", change));
    return verifyBundle(bytes, { pin, policy: "production", now: NOW, remembered: null });
  }

  it("has a confirmation of each, and names the entry that has none", async () => {
    const log = await identityLog([provider]);
    const [, index] = await publishRelease(log);
    await log.publishStatus();
    expect(await outcomeOf(() => verify(log))).toBe("accepted");
    const { confirmations } = await log.bundle("production");
    expect(confirmations).toHaveLength(2);
    const without = { confirmations: confirmations.filter((one) => one.index !== index) };
    await expect(verify(log, without)).rejects.toMatchObject({ code: "identity-unconfirmed" });
    await expect(verify(log, without)).rejects.toThrow(
      `gsp-firmware/gsp-ga10x@1.0 at index ${index}: no checkpoint over entry ${index} was cosigned`,
    );
  });

  it("is refused where the status says that the identity was revoked, though no revocation is shown", async () => {
    const log = await identityLog([provider]);
    const [index] = await publishRelease(log);
    const identities = [{ rule: releaseRule.id, fromIndex: index!, toIndex: index! + 1 }];
    await log.publish("revocation", revocationPredicate({ identities }), [log.keys.revocation]);
    await log.publishStatus();
    expect((await log.bundle("production")).revocations).toEqual([]);
    expect(await outcomeOf(() => verify(log))).toBe("entry-revoked");
  });

  it("is refused where keys of the provider were signed by too few", async () => {
    const log = await identityLog([provider]);
    const next = nextIdentityKeys(log, [rotated], "2026-11-23T11:00:00Z");
    const index = log.smuggle(await signStatement("identity-keys", next, log.keys.root.slice(0, 1)));
    await publishRelease(log);
    await log.publishStatus();
    const { identityKeys } = await log.bundle("production");
    const planted = { identityKeys: [...identityKeys, log.logged(index)] };
    expect(await outcomeOf(() => verify(log, planted))).toBe("entry-not-authorised");
  });
});
