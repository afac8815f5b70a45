// Who may sign what: thresholds of distinct keys, one rule at a time, and no signature of a stranger.
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { Kind } from "../../../src/protocol/entry/kinds.ts";
import { RELEASE_KINDS } from "../../../src/protocol/entry/release-kinds.ts";
import type { MixedRole, Role, TrustRoot } from "../../../src/protocol/entry/trust-root.ts";
import {
  authorise,
  authoriseTrustRoot,
  matchesName,
} from "../../../src/protocol/registration/authorisation.ts";
import { type TestKeys, testKeys } from "../../support/keys.ts";
import { outcomeOf } from "../../support/refusals.ts";
import { sha256Of } from "../../support/release-predicates.ts";
import { trustRootPredicate } from "../../support/trust-root.ts";

let keys: TestKeys;
let root: TrustRoot;
beforeAll(async () => {
  keys = await testKeys();
  root = await trustRootPredicate(keys);
});

const key = (name: string) => sha256Of(`key ${name}`);
const role = (names: readonly string[], threshold: number): Role => ({ keys: names.map(key), threshold });
const rule = (names: readonly string[], threshold: number, identities: string[] = []): MixedRole => ({
  ...role(names, threshold),
  identities,
});
const by = (signers: readonly string[], identities: readonly string[] = []) => ({
  signers: signers.map(key),
  identities,
});
const withRoles = (roles: Partial<TrustRoot["roles"]>): TrustRoot => ({
  ...root,
  roles: { ...root.roles, ...roles },
});
const outcome = (trustRoot: TrustRoot, kind: Kind, name: string, signers: readonly string[]) =>
  outcomeOf(() => authorise(trustRoot, { kind, name, ...by(signers) }));

describe("the role that each kind needs", () => {
  const trustRoot = () =>
    withRoles({
      root: role(["root"], 1),
      publisher: [{ ...rule(["publisher"], 1), kinds: [...RELEASE_KINDS], names: ["*"] }],
      policy: [{ ...rule(["policy"], 1), names: ["*"] }],
      revocation: rule(["revocation"], 1),
      status: role(["status"], 1),
    });
  const NEEDS: ReadonlyArray<readonly [Kind, string]> = [
    ...RELEASE_KINDS.map((kind) => [kind, "publisher"] as const),
    ["policy", "policy"],
    ["revocation", "revocation"],
    ["status", "status"],
  ];

  it.each(NEEDS)("%s is signed by the %s role, and by no other", async (kind, needed) => {
    for (const signer of ["root", "publisher", "policy", "revocation", "status", "nobody"]) {
      const expected = signer === needed ? "accepted" : "not-authorised";
      expect(await outcome(trustRoot(), kind, "name", [signer]), signer).toBe(expected);
    }
  });

  it("gives nobody a trust root through the rules of other kinds", async () => {
    for (const signer of ["root", "publisher", "policy", "revocation", "status"])
      expect(await outcome(trustRoot(), "trust-root", "root", [signer]), signer).toBe("not-authorised");
  });
});

it("a policy rule that names several policies is good for each of them, and for no other", async () => {
  const trustRoot = withRoles({ policy: [{ ...rule(["a"], 1), names: ["production", "test/*"] }] });
  expect(await outcome(trustRoot, "policy", "production", ["a"])).toBe("accepted");
  expect(await outcome(trustRoot, "policy", "test/one", ["a"])).toBe("accepted");
  expect(await outcome(trustRoot, "policy", "staging", ["a"])).toBe("not-authorised");
});

it("a refusal names the trust root whose rules it follows from", () => {
  expect(() => authorise({ ...root, version: 7 }, { kind: "policy", name: "a", ...by(["b"]) })).toThrow(
    "trust root version 7 gives key",
  );
});

describe("publisher rules", () => {
  const rules = (...publisher: TrustRoot["roles"]["publisher"]) => withRoles({ publisher });

  it("hold for their kinds and names alone", async () => {
    const trustRoot = rules({ ...rule(["a"], 1), kinds: ["platform"], names: ["acme/*", "literal"] });
    expect(await outcome(trustRoot, "platform", "acme/vm", ["a"])).toBe("accepted");
    expect(await outcome(trustRoot, "platform", "literal", ["a"])).toBe("accepted");
    expect(await outcome(trustRoot, "platform", "literal2", ["a"])).toBe("not-authorised");
    expect(await outcome(trustRoot, "platform", "acme", ["a"])).toBe("not-authorised");
    expect(await outcome(trustRoot, "os-image", "acme/vm", ["a"])).toBe("not-authorised");
  });

  it("need their threshold of distinct keys: one key that signs twice counts once", async () => {
    const trustRoot = rules({ ...rule(["a", "b", "c"], 2), kinds: ["platform"], names: ["*"] });
    expect(await outcome(trustRoot, "platform", "vm", ["a"])).toBe("not-authorised");
    expect(await outcome(trustRoot, "platform", "vm", ["a", "a"])).toBe("not-authorised");
    expect(await outcome(trustRoot, "platform", "vm", ["a", "c"])).toBe("accepted");
    expect(await outcome(trustRoot, "platform", "vm", ["a", "b", "c"])).toBe("accepted");
  });

  it("never combine: half of one threshold and half of another are nothing", async () => {
    const trustRoot = rules(
      { ...rule(["a", "b"], 2), kinds: ["platform"], names: ["*"] },
      { ...rule(["c", "d"], 2), kinds: ["platform"], names: ["vm"] },
    );
    expect(await outcome(trustRoot, "platform", "vm", ["a", "c"])).toBe("not-authorised");
    expect(await outcome(trustRoot, "platform", "vm", ["c", "d"])).toBe("accepted");
    expect(await outcome(trustRoot, "platform", "vm", ["a", "c", "d"])).toBe("accepted");
  });

  it("refuse the signature of a stranger beside enough good ones", async () => {
    const trustRoot = rules({ ...rule(["a"], 1), kinds: ["platform"], names: ["*"] });
    expect(await outcome(trustRoot, "platform", "vm", ["a", "stranger"])).toBe("not-authorised");
    expect(() => authorise(trustRoot, { kind: "platform", name: "vm", ...by(["x"]) })).toThrow(key("x"));
  });

  it("are satisfied by exactly the sets that hold a threshold of one rule and no stranger", async () => {
    const names = ["a", "b", "c", "d", "e"];
    const some = fc.record({
      keys: fc.subarray(names, { minLength: 1 }),
      threshold: fc.integer({ min: 1, max: 3 }),
    });
    const cases = fc.tuple(fc.array(some, { minLength: 1, maxLength: 3 }), fc.subarray(names));
    await fc.assert(
      fc.asyncProperty(cases, async ([rulesOf, signers]) => {
        const reachable = rulesOf.filter((r) => r.threshold <= r.keys.length);
        const trustRoot = rules(
          ...reachable.map((r) => ({
            ...rule(r.keys, r.threshold),
            kinds: ["platform" as const],
            names: ["*"],
          })),
        );
        const known = signers.every((s) => reachable.some((r) => r.keys.includes(s)));
        const met = reachable.some((r) => r.keys.filter((k) => signers.includes(k)).length >= r.threshold);
        expect(await outcome(trustRoot, "platform", "vm", signers)).toBe(
          known && met ? "accepted" : "not-authorised",
        );
      }),
    );
  });
});

describe("policy rules", () => {
  it("hold for their names alone", async () => {
    const trustRoot = withRoles({
      policy: [
        { ...rule(["prod"], 1), names: ["prod/*"] },
        { ...rule(["test"], 1), names: ["test/*"] },
      ],
    });
    expect(await outcome(trustRoot, "policy", "prod/eu", ["prod"])).toBe("accepted");
    expect(await outcome(trustRoot, "policy", "prod/eu", ["test"])).toBe("not-authorised");
    expect(await outcome(trustRoot, "policy", "production", ["prod"])).toBe("not-authorised");
  });
});

describe("name patterns", () => {
  const segment = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,8}$/);
  const name = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));

  it("literal ones match themselves and nothing else", () => {
    fc.assert(fc.property(name, name, (a, b) => matchesName(a, b) === (a === b)));
  });

  it("folder/* matches every name below the folder, and neither the folder nor its siblings", () => {
    fc.assert(
      fc.property(name, name, segment, (folder, below, suffix) => {
        expect(matchesName(`${folder}/*`, `${folder}/${below}`)).toBe(true);
        expect(matchesName(`${folder}/*`, folder)).toBe(false);
        expect(matchesName(`${folder}/*`, `${folder}${suffix}/${below}`)).toBe(false);
      }),
    );
  });

  it("* matches every name", () => {
    fc.assert(fc.property(name, (any) => matchesName("*", any)));
  });
});

describe("trust roots", () => {
  const of = (own: Role) => withRoles({ root: own });
  const decide = (previous: TrustRoot | null, next: TrustRoot, signers: readonly string[]) =>
    outcomeOf(() => authoriseTrustRoot(previous, next, by(signers)));

  it("the first needs a threshold of its own keys", async () => {
    const first = of(role(["a", "b"], 2));
    expect(await decide(null, first, ["a", "b"])).toBe("accepted");
    expect(await decide(null, first, ["a"])).toBe("not-authorised");
    expect(await decide(null, first, ["a", "a"])).toBe("not-authorised");
    expect(await decide(null, first, ["a", "b", "x"])).toBe("not-authorised");
  });

  it("a later one needs the threshold of the one before it and its own: neither owner moves alone", async () => {
    const before = of(role(["a", "b"], 2));
    const after = of(role(["c"], 1));
    expect(await decide(before, after, ["a", "b", "c"])).toBe("accepted");
    expect(await decide(before, after, ["a", "b"])).toBe("not-authorised");
    expect(await decide(before, after, ["c"])).toBe("not-authorised");
    expect(await decide(before, after, ["a", "c"])).toBe("not-authorised");
    expect(await decide(before, after, ["a", "b", "c", "x"])).toBe("not-authorised");
  });

  it("says whose threshold is missing", () => {
    const before = of(role(["a"], 1));
    const after = of(role(["b"], 1));
    expect(() => authoriseTrustRoot(before, after, by(["b"]))).toThrow(
      "the root role of the trust root before it",
    );
    expect(() => authoriseTrustRoot(before, after, by(["a"]))).toThrow("its own root role");
  });

  it("a key of both counts for both", async () => {
    expect(await decide(of(role(["a", "b"], 2)), of(role(["b", "c"], 1)), ["a", "b"])).toBe("accepted");
  });
});

describe("identities", () => {
  const entry = (kind: Kind, signers: readonly string[], identities: readonly string[]) => ({
    kind,
    name: "production",
    ...by(signers, identities),
  });

  it("sign no policy without a key beside them, though the threshold is met", () => {
    const trustRoot = withRoles({ policy: [{ ...rule(["a"], 2, ["one", "two"]), names: ["*"] }] });
    expect(() => authorise(trustRoot, entry("policy", [], ["one", "two"]))).toThrow(
      expect.objectContaining({
        code: "not-authorised",
        message: expect.stringContaining("beside the identity"),
      }),
    );
    expect(() => authorise(trustRoot, entry("policy", ["a"], ["one"]))).not.toThrow();
    expect(() => authorise(trustRoot, entry("policy", [], ["one"]))).toThrow(
      "is satisfied by 1 signature(s)",
    );
  });

  it("that no rule of several names are refused by their name, and count for none that has no identities", () => {
    const trustRoot = withRoles({
      policy: [
        { ...rule(["a"], 1, ["one"]), names: ["*"] },
        { ...rule(["b"], 1, []), names: ["*"] },
      ],
    });
    expect(() => authorise(trustRoot, entry("policy", ["a"], ["stranger"]))).toThrow(
      "gives identity stranger no role",
    );
    expect(() => authorise(trustRoot, entry("policy", ["b"], ["one"]))).not.toThrow();
    expect(() => authorise(trustRoot, entry("status", [], ["one"]))).toThrow("gives identity one no role");
  });

  it("count for the rules that name them alone", () => {
    const trustRoot = withRoles({
      policy: [
        { ...rule(["a"], 2, ["one"]), names: ["*"] },
        { ...rule(["b"], 2, ["two"]), names: ["*"] },
      ],
    });
    expect(() => authorise(trustRoot, entry("policy", ["a"], ["two"]))).toThrow(
      "is satisfied by 2 signature(s)",
    );
    expect(() => authorise(trustRoot, entry("policy", ["a"], ["one"]))).not.toThrow();
  });

  it("state no keys of providers, nor does anybody where the trust root gives nobody that role", async () => {
    expect(root.roles.identityKeys).toBeNull();
    for (const signers of [[], ["root"]])
      expect(await outcome(root, "identity-keys", "github", signers)).toBe("not-authorised");
  });
});
