// References: to nothing, to something else than they say, to something revoked; and policies that are not one release set.
import { beforeEach, describe, expect, it } from "vitest";
import type { Kind, Predicate } from "../../../src/protocol/entry/kinds.ts";
import type { Profile } from "../../../src/protocol/entry/policy.ts";
import { PROFILE_KINDS } from "../../../src/protocol/entry/release-kinds.ts";
import type { Statement, StatementOf } from "../../../src/protocol/envelope/statement.ts";
import {
  attachmentsOf,
  checkProfiles,
  referencesOf,
  svnOf,
} from "../../../src/protocol/registration/references.ts";
import { revocationPredicate } from "../../support/document-predicates.ts";
import { FoundedLog } from "../../support/founded-log.ts";
import { outcomeOf } from "../../support/refusals.ts";
import {
  driverPredicate,
  kernelPredicate,
  osImagePredicate,
  platformPredicate,
  sha256Of,
  switchRimPredicate,
} from "../../support/release-predicates.ts";
import { type ReleaseSet, signReleaseSet } from "../../support/release-set.ts";
import { referenceOf, signStatement } from "../../support/signing.ts";

let log: FoundedLog;
let set: ReleaseSet;
beforeEach(async () => {
  log = await FoundedLog.found();
  set = await log.publishRelease();
});

const driver = (kernel: Parameters<typeof driverPredicate>[0]) =>
  outcomeOf(() =>
    log.publish("driver-build", driverPredicate(kernel, "nvidia-open", "9"), [log.keys.publisher]),
  );

describe("a reference", () => {
  it("may point at the entry just before it, signed before either was published", async () => {
    const { kernel, driver } = await signReleaseSet(log.keys, "2.0");
    await log.add(kernel);
    await log.add(driver);
    expect(log.inForce.size).toBe(9);
  });

  it("may not point forwards", async () => {
    const { driver } = await signReleaseSet(log.keys, "2.0");
    expect(await outcomeOf(() => log.add(driver))).toBe("reference-missing");
  });

  it("may not point at another kind, name or version than it says, since people read those", async () => {
    const kernel = referenceOf<"kernel-patch-set">(set.kernel);
    expect(await driver({ ...kernel, digest: set.platform.payloadDigest })).toBe("reference-wrong");
    expect(await driver({ ...kernel, name: "other" })).toBe("reference-wrong");
    expect(await driver({ ...kernel, version: "1.0.1" })).toBe("reference-wrong");
    expect(await driver(kernel)).toBe("accepted");
  });

  it("may not point at what is revoked, by its digest or by its signer's key", async () => {
    const kernel = referenceOf<"kernel-patch-set">(set.kernel);
    const range = { keyId: log.keys.publisher.keyId, fromIndex: 2, toIndex: 3 };
    await log.publish("revocation", revocationPredicate({ keys: [range] }), [log.keys.revocation]);
    expect(await driver(kernel)).toBe("reference-revoked");
    const digests = [set.gsp.payloadDigest];
    await log.publish("revocation", revocationPredicate({ version: "2", digests }), [log.keys.revocation]);
    expect(await outcomeOf(() => log.publishPolicy({ ...set }))).toBe("reference-revoked");
  });

  it("of an image: both of them are looked at", async () => {
    const kernel = referenceOf<"kernel-patch-set">(set.kernel);
    const image = (driverRef: Parameters<typeof osImagePredicate>[1]) =>
      outcomeOf(() =>
        log.publish("os-image", osImagePredicate(kernel, driverRef, "guest", "2"), [log.keys.publisher]),
      );
    const driverRef = referenceOf<"driver-build">(set.driver);
    expect(await image({ ...driverRef, digest: sha256Of("none") })).toBe("reference-missing");
    expect(await image(driverRef)).toBe("accepted");
  });
});

describe("a policy", () => {
  const parts = ["platform", "kernel", "driver", "gsp", "rim", "image"] as const;

  it.each(parts)("cannot name a %s that is not in the log", async (part) => {
    const other = await signReleaseSet(log.keys, "9.9");
    expect(await outcomeOf(() => log.publishPolicy({ ...set, [part]: other[part] }))).toBe(
      "reference-missing",
    );
  });

  it.each(["image", "kernel", "driver"] as const)(
    "cannot mix the %s of another release into a profile",
    async (part) => {
      const other = await log.publishRelease("2.0");
      expect(await outcomeOf(() => log.publishPolicy({ ...set, [part]: other[part] }))).toBe(
        "profile-incoherent",
      );
    },
  );

  it("cannot take a driver that was built for another kernel, even if the image names both", async () => {
    const kernel = kernelPredicate("linux-cc", "3.0");
    await log.publish("kernel-patch-set", kernel, [log.keys.publisher]);
    const newKernel = log.envelopes.at(-1)!;
    const image = osImagePredicate(referenceOf(newKernel), referenceOf(set.driver), "guest", "3.0");
    await log.publish("os-image", image, [log.keys.publisher]);
    const mixed = { ...set, kernel: newKernel, image: log.envelopes.at(-1)! };
    expect(await outcomeOf(() => log.publishPolicy(mixed))).toBe("profile-incoherent");
  });

  it.each([
    ["first", (good: Profile, mixed: Profile) => [mixed, good]],
    ["last", (good: Profile, mixed: Profile) => [good, mixed]],
  ] as const)("cannot hide a profile that mixes releases: the %s of two", async (_, order) => {
    const other = await log.publishRelease("2.0");
    const [good, mixed] = [set, { ...set, kernel: other.kernel }].map(
      (releases) => log.nextPolicy(releases).profiles[0]!,
    );
    const profiles = order({ ...good!, id: "good" }, { ...mixed!, id: "mixed" });
    expect(await outcomeOf(() => log.publishPolicy(set, { profiles }))).toBe("profile-incoherent");
  });

  it.each([["boot path", { bootPath: "uki-disk" as const }, "a boot by uki-disk under edk2-202411"]])(
    "cannot name a %s that the image states nothing of",
    async (_, change, words) => {
      const [profile] = log.nextPolicy(set).profiles;
      const publish = () => log.publishPolicy(set, { profiles: [{ ...profile!, ...change }] });
      expect(await outcomeOf(publish)).toBe("profile-incoherent");
      await expect(publish()).rejects.toThrow(words);
    },
  );

  it("cannot name a platform whose layout the image states nothing of", async () => {
    const policy = await statementOfPolicy();
    const find = (digest: string) => {
      const record = log.view.findByDigest(digest)!;
      return record.kind === "platform" ? { ...record, boots: ["edk2-before-202411"] } : record;
    };
    expect(await outcomeOf(() => checkProfiles(policy, find))).toBe("profile-incoherent");
    const blind = (digest: string) => ({ ...log.view.findByDigest(digest)!, boots: [] });
    expect(await outcomeOf(() => checkProfiles(policy, blind))).toBe("profile-incoherent");
  });

  it("need not name what is built into its releases and has no place in a profile", async () => {
    const policy = await statementOfPolicy();
    const builtIn = { kind: "nic-firmware", name: "nic", version: "1", digest: sha256Of("nic") };
    const find = (digest: string) => {
      const record = log.view.findByDigest(digest)!;
      return { ...record, references: [...record.references, builtIn] };
    };
    expect(await outcomeOf(() => checkProfiles(policy, find))).toBe("accepted");
    const kernel = { ...builtIn, kind: "kernel-patch-set" };
    const withKernel = (digest: string) => ({ ...log.view.findByDigest(digest)!, references: [kernel] });
    expect(await outcomeOf(() => checkProfiles(policy, withKernel))).toBe("profile-incoherent");
  });

  it("cannot name what is nowhere, even where nobody looked for it before", async () => {
    const policy = await log.publishPolicy(set);
    const nowhere = () => undefined;
    const { statement } = policy as { statement: StatementOf<"policy"> };
    expect(await outcomeOf(() => checkProfiles(statement, nowhere))).toBe("profile-incoherent");
  });

  /** A profile that names an entry of every kind that profiles may name. */
  async function profilesOfBoard(): Promise<Profile[]> {
    const by = [log.keys.publisher];
    const rim = await signStatement("switch-rim", switchRimPredicate(), by);
    await log.add(rim);
    const switches = { count: 4, vbiosVersions: ["96.10.55.00.01"], rimTables: [sha256Of("table")] };
    return log.nextPolicy(set).profiles.map((profile) => ({
      ...profile,
      switchRims: [referenceOf<"switch-rim">(rim)],
      gpu: { ...profile.gpu, mode: "ppcie", switches },
    }));
  }

  it.each(PROFILE_KINDS.map(({ kind }) => kind))("cannot name a %s below its floor", async (kind) => {
    const { svnFloor } = log.nextPolicy(set);
    const profiles = await profilesOfBoard();
    const floor = (value: number) =>
      outcomeOf(() => log.publishPolicy(set, { profiles, svnFloor: { ...svnFloor, [kind]: value } }));
    expect(await floor(2)).toBe("below-svn-floor");
    expect(await floor(1)).toBe("accepted");
  });

  it("looks at every profile and every platform", async () => {
    const [profile] = log.nextPolicy(set).profiles;
    const missing = { ...referenceOf<"platform">(set.platform), digest: sha256Of("none") };
    const second = { ...profile!, id: "second", platforms: [...profile!.platforms, missing] };
    expect(await outcomeOf(() => log.publishPolicy(set, { profiles: [profile!, second] }))).toBe(
      "reference-missing",
    );
  });
});

async function statementOfPolicy(): Promise<StatementOf<"policy">> {
  const { statement } = await log.publishPolicy(set);
  if (statement.kind !== "policy") throw new Error("published something else");
  return statement;
}

describe("what a statement refers to", () => {
  it("is listed in the order in which it names it", () => {
    const digests = (statement: Statement) => referencesOf(statement).map(({ digest }) => digest);
    expect(digests(set.image.statement)).toEqual([set.kernel.payloadDigest, set.driver.payloadDigest]);
    expect(digests(set.driver.statement)).toEqual([set.kernel.payloadDigest]);
    for (const { statement } of [set.kernel, set.platform, set.gsp, set.rim])
      expect(digests(statement)).toEqual([]);
    const policy = { kind: "policy", predicate: log.nextPolicy(set) } as Statement;
    const { platform, image, kernel, driver, gsp, rim } = set;
    const inPolicy = [platform, image, kernel, driver, gsp, rim];
    expect(digests(policy)).toEqual(inPolicy.map(({ payloadDigest }) => payloadDigest));
  });

  it("attachments are found where a list may outgrow its entry, and nowhere else", () => {
    const attachment = { digest: sha256Of("list"), size: 9, mediaType: "application/json" as const };
    const other = { ...attachment, digest: sha256Of("other list") };
    const statement = <K extends Kind>(kind: K, predicate: Predicate<K>) =>
      ({ kind, predicate }) as unknown as Statement;
    const image = osImagePredicate(referenceOf(set.kernel), referenceOf(set.driver));
    const kernel = kernelPredicate();
    const module = driverPredicate(referenceOf(set.kernel));
    const series = { ...kernel.patches, inline: null, attachment };
    expect(attachmentsOf(statement("os-image", image))).toEqual([]);
    const [row] = image.measurements;
    const measurements = [row!, { ...row!, attachment }, { ...row!, attachment: other }];
    expect(attachmentsOf(statement("os-image", { ...image, measurements }))).toEqual([attachment, other]);
    expect(attachmentsOf(statement("kernel-patch-set", { ...kernel, patches: series }))).toEqual([
      attachment,
    ]);
    expect(attachmentsOf(statement("driver-build", { ...module, patches: series }))).toEqual([attachment]);
    expect(attachmentsOf(statement("platform", platformPredicate()))).toEqual([]);
  });

  it("only releases have a security version number", () => {
    expect(svnOf(set.platform.statement)).toBe(1);
    expect(svnOf({ kind: "policy", predicate: log.nextPolicy(set) } as Statement)).toBeNull();
  });
});
