// Whether a token counts by what the log had of its provider: the rule, the algorithm, the keys of that time, and what was revoked since.
import { beforeAll, describe, expect, it } from "vitest";
import { KeyRing } from "../../../src/protocol/cryptography/key-ring.ts";
import type { IdentityKeys } from "../../../src/protocol/entry/identity-keys.ts";
import type { TrustRoot } from "../../../src/protocol/entry/trust-root.ts";
import { type Envelope, recordAt, verifyEnvelope } from "../../../src/protocol/envelope/dsse.ts";
import {
  checkSameProvider,
  checkTokens,
  keysAt,
  tokenIdOf,
} from "../../../src/protocol/registration/identities.ts";
import { NOTHING_IN_FORCE, type PlacedIdentityKeys } from "../../../src/protocol/registration/in-force.ts";
import { NOW } from "../../support/clock.ts";
import { identityKeysPredicate, identityRoles } from "../../support/identity-log.ts";
import { testKeys } from "../../support/keys.ts";
import { FakeProvider, GITHUB, releaseRule } from "../../support/provider.ts";
import { outcomeOf } from "../../support/refusals.ts";
import { platformPredicate, sha256Of } from "../../support/release-predicates.ts";
import { trustRootPredicate } from "../../support/trust-root.ts";

const RECORDED = "2026-11-23T12:00:00Z";
const seconds = (time: string) => Date.parse(time) / 1000;
const NOT_REVOKED = NOTHING_IN_FORCE;

let provider: FakeProvider;
let rotated: FakeProvider;
let root: TrustRoot;
let envelope: Envelope;
const ring = new KeyRing();
beforeAll(async () => {
  provider = await FakeProvider.create("kid-1");
  rotated = await FakeProvider.create("kid-2");
  const keys = await testKeys();
  root = await trustRootPredicate(keys, await identityRoles(keys));
  envelope = recordAt(await provider.signStatement("platform", platformPredicate("vm")), RECORDED);
  await ring.addProvider(identityKeysPredicate([provider, rotated]));
});

function placed(
  index: number,
  keys: readonly FakeProvider[],
  change: Partial<IdentityKeys> = {},
): PlacedIdentityKeys {
  const predicate = identityKeysPredicate(keys, change);
  return { index, digest: sha256Of(`keys at ${index}`), signers: [], identities: [], keys: predicate };
}

describe("a token", () => {
  const outcome = (change: Partial<Parameters<typeof checkTokens>[1]> = {}) =>
    outcomeOf(async () => {
      const verified = await verifyEnvelope(envelope, () => undefined, undefined, ring.providers);
      checkTokens(verified, { root, identityKeys: [placed(1, [provider])], revoked: NOT_REVOKED, ...change });
    });

  it("counts by the rule that it names, among others", async () => {
    const other = { ...releaseRule, id: "other", issuer: "https://other.example" };
    expect(await outcome()).toBe("accepted");
    expect(await outcome({ root: { ...root, identities: [other, releaseRule] } })).toBe("accepted");
  });

  it("does not by a rule that the trust root has not", async () => {
    expect(await outcome({ root: { ...root, identities: [] } })).toBe("not-authorised");
    expect(await outcome({ root: { ...root, identities: [{ ...releaseRule, id: "other" }] } })).toBe(
      "not-authorised",
    );
  });

  it("does not by an algorithm that the rule has not, or claims that it does not take", async () => {
    const by = (change: object) =>
      outcome({ root: { ...root, identities: [{ ...releaseRule, ...change }] } });
    expect(await by({ algorithms: ["ES256"] })).toBe("identity-refused");
    expect(await by({ events: ["release"] })).toBe("identity-refused");
  });

  it("does not by a key that the log had not, or that was revoked as it was logged", async () => {
    expect(await outcome({ identityKeys: [] })).toBe("identity-refused");
    expect(await outcome({ identityKeys: [placed(1, [rotated])] })).toBe("identity-refused");
    expect(await outcome({ identityKeys: [placed(1, [rotated, provider])] })).toBe("accepted");
    const revokedDigests = new Set([sha256Of("keys at 1")]);
    expect(await outcome({ revoked: { ...NOT_REVOKED, revokedDigests } })).toBe("identity-refused");
  });
});

it("a token is called by its issuer and its jti, and by nothing else in it", () => {
  const id = (claims: object) => tokenIdOf({ claims: { iss: GITHUB, jti: "one", ...claims } as never });
  expect(id({ sub: "other" })).toBe(id({}));
  expect(new Set([id({}), id({ jti: "two" }), id({ iss: "https://other.example" })]).size).toBe(3);
});

describe("the keys of a provider", () => {
  const DAY = 86_400;
  const changed = "2026-11-23T10:00:00Z";
  const keys = () => [
    placed(1, [provider], { retrievedAt: "2026-11-22T10:00:00Z" }),
    placed(2, [provider], { name: "gitlab", issuer: "https://gitlab.example" }),
    placed(3, [rotated], { version: 2, retrievedAt: changed }),
  ];
  const at = (time: number, identityKeys = keys()) =>
    keysAt(identityKeys, GITHUB, time, NOT_REVOKED).map(({ kid }) => kid);

  it("count until a day after others were retrieved, to the second, and the newest go on", () => {
    expect(at(seconds(changed))).toEqual(["kid-1", "kid-2"]);
    expect(at(seconds(changed) + DAY)).toEqual(["kid-1", "kid-2"]);
    expect(at(seconds(changed) + DAY + 1)).toEqual(["kid-2"]);
    expect(at(NOW.getTime())).toEqual(["kid-2"]);
  });

  it("are those of its issuer alone", () => {
    const gitlab = keysAt(keys(), "https://gitlab.example", seconds(changed), NOT_REVOKED);
    expect(gitlab.map(({ kid }) => kid)).toEqual(["kid-1"]);
    expect(keysAt(keys(), "https://other.example", seconds(changed), NOT_REVOKED)).toEqual([]);
  });

  it.each<[string, Partial<IdentityKeys>, string]>([
    ["follow under their name", { version: 2, retrievedAt: "2026-11-23T10:00:01Z" }, "accepted"],
    ["are retrieved in the same second", { version: 2 }, "accepted"],
    [
      "are of another provider under another name",
      { name: "gitlab", issuer: "https://gitlab.example", retrievedAt: "2026-11-20T10:00:00Z" },
      "accepted",
    ],
    ["have a second name", { name: "alias" }, "wrong-predecessor"],
    ["are of another provider under its name", { issuer: "https://evil.example" }, "wrong-predecessor"],
    [
      "were retrieved before those that they follow",
      { version: 2, retrievedAt: "2026-11-23T09:59:59Z" },
      "wrong-predecessor",
    ],
  ])("that %s", async (_how, change, code) => {
    const next = identityKeysPredicate([provider], change);
    expect(await outcomeOf(() => checkSameProvider(next, [placed(1, [provider])]))).toBe(code);
  });
});
