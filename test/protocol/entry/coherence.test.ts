// What must hold between the members of one entry: statements that contradict themselves are not statements.
import { beforeAll, describe, expect, it } from "vitest";
import type { Kind, Predicate } from "../../../src/protocol/entry/kinds.ts";
import { formatStatement } from "../../../src/protocol/envelope/statement.ts";
import { fullPredicates } from "../../support/full-predicates.ts";
import { testKeys } from "../../support/keys.ts";
import { malformedOf } from "../../support/refusals.ts";
import { sha256Of, sha384Of } from "../../support/release-predicates.ts";
import { signReleaseSet } from "../../support/release-set.ts";

let all: { readonly [K in Kind]: Predicate<K> };
beforeAll(async () => {
  const keys = await testKeys();
  all = await fullPredicates(keys, await signReleaseSet(keys));
});

const SUBJECT = [{ name: "artefact", digest: { sha256: sha256Of("artefact") } }];
/** What is wrong with a predicate, or undefined. */
async function fault<K extends Kind>(kind: K, change: Partial<Predicate<K>>): Promise<string | undefined> {
  const error = await malformedOf(() => formatStatement(kind, { ...all[kind], ...change }, SUBJECT));
  return error?.message;
}

const attachment = { digest: sha256Of("list"), size: 2, mediaType: "application/json" as const };

describe("a patch series", () => {
  const series = (change: object) => {
    const { patches } = all["kernel-patch-set"];
    return fault("kernel-patch-set", { patches: { ...patches, ...change } });
  };

  it("is listed or attached: not both, not neither", async () => {
    expect(await series({ attachment })).toMatch("exactly one of inline and attachment");
    expect(await series({ inline: null })).toMatch("exactly one of inline and attachment");
    expect(await series({ inline: null, attachment })).toBeUndefined();
  });

  it("has as many patches as it says", async () => {
    expect(await series({ count: 2 })).toMatch("count differs");
    expect(await series({ count: 0, inline: [] })).toBeUndefined();
  });

  it("is attached when it is long, and an attachment has a limit", async () => {
    const [patch] = all["kernel-patch-set"].patches.inline ?? [];
    const long = Array.from({ length: 201 }, () => patch);
    expect(await series({ count: 201, inline: long })).toBeDefined();
    const large = { ...attachment, size: 16 * 1024 * 1024 };
    expect(await series({ inline: null, attachment: large })).toBeUndefined();
    expect(await series({ inline: null, attachment: { ...large, size: large.size + 1 } })).toBeDefined();
    expect(await series({ inline: null, attachment: { ...attachment, size: 0 } })).toBeDefined();
  });
});

describe("an image's expected events", () => {
  it("are listed or attached, or neither", async () => {
    const [row] = all["os-image"].measurements;
    const change = (given: object) => fault("os-image", { measurements: [{ ...row!, ...given }] });
    expect(await change({ attachment })).toMatch("not both");
    expect(await change({ events: null, attachment })).toBeUndefined();
    expect(await change({ events: null })).toBeUndefined();
  });
});

describe("an image's measurements", () => {
  it("are of at least one boot, and of no boot path and layout twice", async () => {
    const [row] = all["os-image"].measurements;
    const disk = { ...row!, bootPath: "uki-disk" as const };
    const older = { ...row!, layout: "edk2-before-202411" as const };
    expect(await fault("os-image", { measurements: [row!, disk, older] })).toBeUndefined();
    expect(await fault("os-image", { measurements: [row!, disk, row!] })).toMatch("that another has");
    expect(await fault("os-image", { measurements: [] })).toBeDefined();
  });
});

describe("a golden table", () => {
  const row = (index: number, active = true) => ({ index, active, alternatives: [sha384Of(`${index}`)] });

  it("rises strictly: one index has one meaning", async () => {
    expect(await fault("gpu-rim", { table: [row(0), row(2), row(63)] })).toBeUndefined();
    expect(await fault("gpu-rim", { table: [row(1), row(1)] })).toMatch("indices must rise");
    expect(await fault("gpu-rim", { table: [row(2), row(1)] })).toMatch("indices must rise");
    expect(await fault("gpu-rim", { table: [row(64)] })).toBeDefined();
    const floor = (index: number, minSvn: number) => ({ index, active: true, minSvn });
    expect(await fault("gpu-rim", { table: [row(0), floor(0x1000, 0), floor(0x10fff, 9)] })).toBeUndefined();
    expect(await fault("gpu-rim", { table: [floor(0x1000 + 37, 1), row(0)] })).toMatch("indices must rise");
    expect(await fault("gpu-rim", { table: [floor(0xfff, 1)] })).toBeDefined();
    expect(await fault("gpu-rim", { table: [floor(0x11000, 1)] })).toBeDefined();
    expect(await fault("gpu-rim", { table: [{ ...row(0), minSvn: 1 }] })).toBeDefined();
  });

  it("compares something: a table without an active row would match every GPU", async () => {
    expect(await fault("gpu-rim", { table: [row(0, false)] })).toMatch("at least one index must be active");
    expect(await fault("gpu-rim", { table: [] })).toBeDefined();
    expect(await fault("gpu-rim", { table: [{ ...row(0), alternatives: [] }] })).toBeDefined();
  });
});

describe("a policy", () => {
  it("starts before it ends", async () => {
    const { validFrom } = all.policy;
    expect(await fault("policy", { expires: validFrom })).toMatch("validFrom must be before expires");
  });

  it("names its predecessor, and version 1 has none", async () => {
    expect(await fault("policy", { previous: null })).toMatch("previous is null for version 1");
    expect(await fault("policy", { version: 1 })).toMatch("previous is null for version 1");
    expect(await fault("policy", { version: 1, previous: null })).toBeUndefined();
  });

  it("tells its profiles apart, and has at least one", async () => {
    const [profile] = all.policy.profiles;
    expect(await fault("policy", { profiles: [profile!, profile!] })).toMatch("profile ids must differ");
    expect(await fault("policy", { profiles: [] })).toBeDefined();
  });

  it.each(["platforms", "gpuRims"] as const)("has no profile with an empty list of %s", async (list) => {
    const [profile] = all.policy.profiles;
    expect(await fault("policy", { profiles: [{ ...profile!, [list]: [] }] })).toBeDefined();
  });

  it("asks for switches where GPUs are in PPCIE, and nowhere else", async () => {
    const [profile] = all.policy.profiles;
    const reference = { ...profile!.gpuRims[0]!, kind: "switch-rim" as const };
    const switches = { count: 4, vbiosVersions: ["96.10.55.00.01"], rimTables: ["ab".repeat(32)] };
    const asked = (gpu: Partial<(typeof profile & object)["gpu"]>, switchRims = [reference]) =>
      fault("policy", { profiles: [{ ...profile!, switchRims, gpu: { ...profile!.gpu, ...gpu } }] });
    expect(await asked({ mode: "ppcie", switches })).toBeUndefined();
    expect(await asked({ mode: "single", switches: null }, [])).toBeUndefined();
    const rule = "gpu.switches is null for the mode single, and only then";
    expect(await asked({ mode: "ppcie", switches: null })).toMatch(rule);
    expect(await asked({ mode: "ppcie", switches: null }, [])).toMatch(rule);
    expect(await asked({ mode: "ppcie", switches }, [])).toMatch(rule);
    expect(await asked({ mode: "single", switches })).toMatch(rule);
    expect(await asked({ mode: "single", switches: null })).toMatch(rule);
    expect(await asked({ mode: "ppcie", switches, modeNotStated: "accept" })).toMatch(
      'needs modeNotStated "reject"',
    );
    expect(await asked({ mode: "ppcie", switches: { ...switches, count: 0 } })).toBeDefined();
    expect(await asked({ mode: "mpt" as "ppcie", switches })).toBeDefined();
  });

  it("cannot be written so that it permits what must never be: debug, devtools, CC off, a migration TD, a revoked TCB", async () => {
    const [profile] = all.policy.profiles;
    const tdx = (change: object) =>
      fault("policy", { profiles: [{ ...profile!, tdx: { ...profile!.tdx, ...change } as never }] });
    const gpu = (change: object) =>
      fault("policy", { profiles: [{ ...profile!, gpu: { ...profile!.gpu, ...change } as never }] });
    const refused = [
      await tdx({ debug: true }),
      await tdx({ mrServiceTd: "any" }),
      await tdx({ bodies: [] }),
      await tdx({ bodies: ["1.5", "1.5"] }),
      await tdx({ bodies: ["2.0"] }),
      await tdx({ requiredAttributes: ["debug"] }),
      await tdx({ requiredAttributes: ["xfam-mandatory", "xfam-mandatory"] }),
      await gpu({ mode: "ppcie" }),
      await gpu({ modeNotStated: "any" }),
      await tdx({ tcbStatuses: [] }),
      await tdx({ tcbStatuses: ["Revoked"] }),
      await tdx({ mrSeam: { mode: "any" } }),
      await tdx({ mrSeam: { mode: "allow", values: [] } }),
      await tdx({ rtmr3: { mode: "any" } }),
      await tdx({ rtmr3: { mode: "replay", events: [] } }),
      await gpu({ ccMode: "off" }),
      await gpu({ devtools: true }),
      await gpu({ count: 0 }),
      await gpu({ count: 17 }),
      await gpu({ fwids: [] }),
      await gpu({ rimTables: [] }),
      await gpu({ driverVersions: [] }),
      await gpu({ revocation: "none" }),
    ];
    expect(refused.filter((message) => message === undefined)).toEqual([]);
  });
});

describe("a revocation", () => {
  it("revokes something", async () => {
    expect(await fault("revocation", { digests: [], keys: [], identities: [] })).toMatch(
      "names nothing to revoke",
    );
    expect(await fault("revocation", { keys: [], identities: [] })).toBeUndefined();
    expect(await fault("revocation", { digests: [], identities: [] })).toBeUndefined();
    expect(await fault("revocation", { digests: [], keys: [] })).toBeUndefined();
  });

  it("has no empty or reversed range", async () => {
    const range = (fromIndex: number, toIndex: number) =>
      fault("revocation", { keys: [{ keyId: sha256Of("key"), fromIndex, toIndex }] });
    expect(await range(5, 5)).toMatch("fromIndex must be below toIndex");
    expect(await range(6, 5)).toMatch("fromIndex must be below toIndex");
    expect(await range(5, 6)).toBeUndefined();
  });
});

describe("a status", () => {
  it("is issued before it expires, and names its predecessor", async () => {
    expect(await fault("status", { expires: all.status.issuedAt })).toMatch(
      "issuedAt must be before expires",
    );
    expect(await fault("status", { previous: null })).toMatch("previous is null for sequence 1");
    expect(await fault("status", { sequence: 1 })).toMatch("previous is null for sequence 1");
    expect(await fault("status", { sequence: 1, previous: null })).toBeUndefined();
  });
});

describe("a trust root", () => {
  const roles = (change: Partial<Predicate<"trust-root">["roles"]>) =>
    fault("trust-root", { roles: { ...all["trust-root"].roles, ...change } });
  const key = (n: number) => sha256Of(`key ${n}`);

  it("names its predecessor, and version 1 has none", async () => {
    expect(await fault("trust-root", { version: 1 })).toMatch("previous is null for version 1");
    expect(await fault("trust-root", { previous: null })).toMatch("previous is null for version 1");
  });

  it("has thresholds that can be met, of keys that differ", async () => {
    const wanted = "keys must differ and be at least as many as the threshold";
    for (const role of ["root", "status", "identityKeys"] as const) {
      expect(await roles({ [role]: { keys: [key(1)], threshold: 2 } }), role).toMatch(wanted);
      expect(await roles({ [role]: { keys: [key(1), key(1)], threshold: 2 } }), role).toMatch(wanted);
      expect(await roles({ [role]: { keys: [key(1)], threshold: 0 } }), role).toBeDefined();
      expect(await roles({ [role]: { keys: [], threshold: 1 } }), role).toBeDefined();
      expect(await roles({ [role]: { keys: [key(1), key(2)], threshold: 2 } }), role).toBeUndefined();
    }
    const mixed = "keys and identities must differ and together be at least as many as the threshold";
    const twice = { keys: [key(1), key(1)], identities: [], threshold: 1, names: ["*"] };
    expect(await roles({ policy: [twice] })).toMatch(mixed);
    expect(await roles({ publisher: [{ ...twice, kinds: ["platform"] }] })).toMatch(mixed);
    expect(await roles({ revocation: { keys: [key(1)], identities: [], threshold: 2 } })).toMatch(mixed);
    expect(await roles({ revocation: { keys: [key(1)], identities: ["a"], threshold: 2 } })).toBeUndefined();
    expect(await roles({ revocation: { keys: [], identities: ["a", "a"], threshold: 1 } })).toMatch(mixed);
  });

  it.each(["*", "a", "acme/*", "acme/vm", "a/b/*", `${"a".repeat(126)}/*`])(
    "may use the name pattern %j",
    async (names) => {
      expect(
        await roles({ policy: [{ keys: [key(1)], identities: [], threshold: 1, names: [names] }] }),
      ).toBeUndefined();
    },
  );

  it.each(["", "**", "*a", "a*", "a/*/b", "*/a", "a/**", "A/*", "/*", "a /*", `${"a".repeat(127)}/*`])(
    "may not use the name pattern %j",
    async (names) => {
      expect(
        await roles({ policy: [{ keys: [key(1)], identities: [], threshold: 1, names: [names] }] }),
      ).toBeDefined();
    },
  );

  it("keeps to the limits: a status of seven days at most, ages of a minute at least", async () => {
    const day = 86_400;
    expect(await fault("trust-root", { maxStatusAge: 7 * day })).toBeUndefined();
    expect(await fault("trust-root", { maxStatusAge: 7 * day + 1 })).toBeDefined();
    expect(await fault("trust-root", { maxStatusAge: 59 })).toBeDefined();
    expect(await fault("trust-root", { maxCheckpointAge: 30 * day + 1 })).toBeDefined();
    expect(await fault("trust-root", { maxPolicyLifetime: 3660 * day + 1 })).toBeDefined();
  });
});
