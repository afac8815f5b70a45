// The rules as a whole: each refusal by the attack it stops, entries that never change, and publishing twice.
import { beforeEach, describe, expect, it } from "vitest";
import { withSigners } from "../../../src/log/store/entry-record.ts";
import { KeyRing } from "../../../src/protocol/cryptography/key-ring.ts";
import { encodeBase64 } from "../../../src/protocol/encoding/base64.ts";
import { formatTime } from "../../../src/protocol/entry/fields.ts";
import {
  type Envelope,
  makeEnvelope,
  recordAt,
  verifyEnvelope,
} from "../../../src/protocol/envelope/dsse.ts";
import type { RefusalCode } from "../../../src/protocol/registration/refusal.ts";
import { register } from "../../../src/protocol/registration/register.ts";
import { NOW } from "../../support/clock.ts";
import { revocationPredicate, statusPredicate } from "../../support/document-predicates.ts";
import { FoundedLog } from "../../support/founded-log.ts";
import { identityLog } from "../../support/identity-log.ts";
import { type TestKeys, testKey } from "../../support/keys.ts";
import { FakeProvider } from "../../support/provider.ts";
import { outcomeOf } from "../../support/refusals.ts";
import {
  driverPredicate,
  kernelPredicate,
  osImagePredicate,
  platformPredicate,
  sha256Of,
} from "../../support/release-predicates.ts";
import { signReleaseSet } from "../../support/release-set.ts";
import { referenceOf, signStatement } from "../../support/signing.ts";
import { SmallLog } from "../../support/small-log.ts";
import { trustRootPredicate } from "../../support/trust-root.ts";

const provider = await FakeProvider.create();
let log: FoundedLog;
let keys: TestKeys;
beforeEach(async () => {
  log = await FoundedLog.found();
  keys = log.keys;
});

const attachment = { digest: sha256Of("a list"), size: 6, mediaType: "application/json" as const };
const attached = () => {
  const kernel = kernelPredicate();
  return { ...kernel, patches: { ...kernel.patches, inline: null, attachment } };
};

/** One attack for every refusal that there is: a new code does not compile without one. */
const ATTACKS: Readonly<Record<RefusalCode, readonly [attack: string, run: () => Promise<unknown>]>> = {
  "attachment-missing": [
    "an entry whose patches nobody can read",
    () => log.publish("kernel-patch-set", attached(), [keys.publisher]),
  ],
  "below-svn-floor": [
    "a policy that names a release below its own floor",
    async () => {
      const set = await log.publishRelease();
      const { svnFloor } = log.nextPolicy(set);
      return log.publishPolicy(set, { svnFloor: { ...svnFloor, "gpu-rim": 2 } });
    },
  ],
  "identity-refused": [
    "a workflow of another repository, which has taken the name",
    async () => {
      log = await identityLog([provider]);
      const claims = { repository_id: "75" };
      return log.add(await provider.signStatement("platform", platformPredicate(), { claims }));
    },
  ],
  "identity-taken": [
    "a release whose values are exchanged after the fact",
    async () => {
      await log.publish("platform", platformPredicate(), [keys.publisher]);
      return log.publish("platform", { ...platformPredicate(), svn: 2 }, [keys.publisher]);
    },
  ],
  "key-revoked": [
    "a stolen key that goes on publishing",
    async () => {
      const range = { keyId: keys.publisher.keyId, fromIndex: 0, toIndex: 1000 };
      await log.publish("revocation", revocationPredicate({ keys: [range] }), [keys.revocation]);
      return log.publish("platform", platformPredicate(), [keys.publisher]);
    },
  ],
  "lifetime-too-long": [
    "a policy that outlives what the trust root allows",
    async () => log.publishPolicy(await log.publishRelease(), { expires: "2030-01-01T00:00:00Z" }),
  ],
  "log-closed": [
    "an entry after the log was closed",
    async () => {
      const successor = { origin: "next.example/log", finalSize: 1, finalRoot: log.view.treeRoot() };
      await log.publish("trust-root", await log.nextRoot({ successor }), keys.root);
      return log.publish("platform", platformPredicate(), [keys.publisher]);
    },
  ],
  "not-authorised": [
    "a policy owner who publishes a release",
    () => log.publish("platform", platformPredicate(), [keys.policy]),
  ],
  "profile-incoherent": [
    "a policy that mixes the image of one release with the kernel of another",
    async () => {
      const [one, other] = [await log.publishRelease("1.0"), await log.publishRelease("2.0")];
      return log.publishPolicy({ ...one, kernel: other.kernel });
    },
  ],
  "recorded-at-wrong": [
    "a log that sets its clock back, so that an old token is good again",
    async () => {
      log = await identityLog([provider]);
      await log.add(await provider.signStatement("platform", platformPredicate("one")));
      log.now = new Date(NOW.getTime() - 1000);
      return log.add(await provider.signStatement("platform", platformPredicate("two")));
    },
  ],
  "reference-missing": [
    "an image built with a kernel that was never published",
    async () => {
      const { kernel, driver } = await signReleaseSet(keys);
      const image = osImagePredicate(referenceOf(kernel), referenceOf(driver));
      return log.publish("os-image", image, [keys.publisher]);
    },
  ],
  "reference-revoked": [
    "a new image on a revoked kernel",
    async () => {
      const set = await log.publishRelease();
      const revocation = revocationPredicate({ digests: [set.kernel.payloadDigest] });
      await log.publish("revocation", revocation, [keys.revocation]);
      const driver = driverPredicate(referenceOf(set.kernel), "nvidia-open", "2.0");
      return log.publish("driver-build", driver, [keys.publisher]);
    },
  ],
  "reference-wrong": [
    "a reference whose name says other than its digest",
    async () => {
      const set = await log.publishRelease();
      const kernel = { ...referenceOf<"kernel-patch-set">(set.kernel), version: "9.9" };
      return log.publish("driver-build", driverPredicate(kernel, "nvidia-open", "2.0"), [keys.publisher]);
    },
  ],
  "revocation-target": [
    "a revocation of the trust root",
    async () => {
      const digests = [log.envelopes[0]!.payloadDigest];
      return log.publish("revocation", revocationPredicate({ digests }), [keys.revocation]);
    },
  ],
  "status-capacity": [
    "a flood of revoked key ranges that no status could hold",
    async () => {
      for (const version of ["1", "2", "3"]) {
        const ranges = Array.from({ length: 32 }, (_, i) => ({
          keyId: sha256Of(`${version}/${i}`),
          fromIndex: 0,
          toIndex: 1,
        }));
        await log.publish("revocation", revocationPredicate({ version, keys: ranges }), [keys.revocation]);
      }
    },
  ],
  "status-not-true": [
    "a status that hides a revocation",
    async () => {
      const { image } = await log.publishRelease();
      const revocation = revocationPredicate({ digests: [image.payloadDigest] });
      await log.publish("revocation", revocation, [keys.revocation]);
      return log.publishStatus({ revokedDigests: [] });
    },
  ],
  "successor-not-true": [
    "a closing trust root that cuts off entries",
    async () => {
      const successor = { origin: "next.example/log", finalSize: 1, finalRoot: log.view.treeRoot() };
      await log.publish("platform", platformPredicate(), [keys.publisher]);
      return log.publish("trust-root", await log.nextRoot({ successor }), keys.root);
    },
  ],
  "token-used": [
    "a token that is used for two signatures of one entry",
    async () => {
      log = await identityLog([provider]);
      const claims = { jti: "one" };
      const { payload, signatures } = await provider.signStatement("platform", platformPredicate(), {
        claims,
      });
      return log.add(makeEnvelope(payload, [...signatures, await provider.sign(payload, { claims })]));
    },
  ],
  "trust-root-not-first": [
    "a log that begins with a release, so that nobody says who may publish",
    async () => {
      const envelope = await signStatement("platform", platformPredicate(), [keys.publisher]);
      return register(new SmallLog().view, withSigners(envelope));
    },
  ],
  "trust-root-not-usable": [
    "a trust root that gives a role to a key that it does not show",
    async () => {
      const stranger = await testKey("stranger");
      const next = await log.nextRoot();
      const roles = { ...next.roles, status: { keys: [stranger.keyId], threshold: 1 } };
      return log.publish("trust-root", { ...next, roles }, keys.root);
    },
  ],
  "wrong-origin": [
    "an old policy of another log, signed by a key that has the role in both",
    async () => log.publishPolicy(await log.publishRelease(), { origin: "other.example/log" }),
  ],
  "wrong-predecessor": [
    "a trust root that leaves out the one before it",
    async () => log.publish("trust-root", await log.nextRoot({ version: 3 }), keys.root),
  ],
};

describe("refuses, and stays as it was after", () => {
  const attacks = Object.entries(ATTACKS).map(([code, [what, run]]) => [code, what, run] as const);
  it.each(attacks)("%s: %s", async (code, _what, run) => {
    expect(await outcomeOf(run)).toBe(code);
    expect(log.inForce.size).toBe(log.envelopes.length);
  });
});

describe("releases never change", () => {
  it("the same payload again is the entry that is there, whatever signs it this time", async () => {
    const index = await log.publish("platform", platformPredicate("other/vm"), [keys.publisher]);
    expect(await log.publish("platform", platformPredicate("other/vm"), [keys.publisher])).toBe(index);
    expect(await log.publish("platform", platformPredicate("other/vm"), [keys.otherPublisher])).toBe(index);
    expect(await log.publish("platform", platformPredicate("other/vm"), [keys.policy])).toBe(index);
    expect(log.envelopes).toHaveLength(2);
  });

  it("a known payload stays known after its key was revoked, and after the log was closed", async () => {
    const index = await log.publish("platform", platformPredicate(), [keys.publisher]);
    const keyRange = { keyId: keys.publisher.keyId, fromIndex: 0, toIndex: 10 };
    await log.publish("revocation", revocationPredicate({ keys: [keyRange] }), [keys.revocation]);
    expect(await log.publish("platform", platformPredicate(), [keys.publisher])).toBe(index);
    const successor = {
      origin: "next.example/log",
      finalSize: log.inForce.size,
      finalRoot: log.view.treeRoot(),
    };
    await log.publish("trust-root", await log.nextRoot({ successor }), keys.root);
    expect(await log.publish("platform", platformPredicate(), [keys.publisher])).toBe(index);
  });

  it("names the entry that has the identity", async () => {
    await log.publish("platform", platformPredicate(), [keys.publisher]);
    const again = log.publish("platform", { ...platformPredicate(), svn: 7 }, [keys.publisher]);
    await expect(again).rejects.toThrow("platform/h100-vm@1 is entry 1");
  });

  it("another kind, name or version is another identity", async () => {
    await log.publish("platform", platformPredicate("a", "1"), [keys.publisher]);
    await log.publish("platform", platformPredicate("a", "2"), [keys.publisher]);
    await log.publish("platform", platformPredicate("b", "1"), [keys.publisher]);
    await log.publish("kernel-patch-set", kernelPredicate("a", "1"), [keys.publisher]);
    expect(log.inForce.size).toBe(5);
  });
});

describe("the record of a new entry", () => {
  it("holds what later rules ask of it", async () => {
    const set = await log.publishRelease();
    expect(log.view.findByDigest(set.image.payloadDigest)).toEqual({
      index: 6,
      kind: "os-image",
      name: "guest",
      version: "1.0",
      digest: set.image.payloadDigest,
      svn: 1,
      signers: [keys.publisher.keyId],
      identities: [],
      references: [referenceOf(set.kernel), referenceOf(set.driver)],
      boots: ["uki-kernel edk2-202411"],
    });
    const bootsOf = ({ payloadDigest }: Envelope) => log.view.findByDigest(payloadDigest)?.boots;
    expect([bootsOf(set.platform), bootsOf(set.kernel)]).toEqual([["edk2-202411"], []]);
  });
});

describe("tokens", () => {
  const by = (name: string, claims: Record<string, unknown> = {}) =>
    provider.signStatement("platform", platformPredicate(name), { claims });
  beforeEach(async () => {
    log = await identityLog([provider]);
  });

  it("may come in the second in which the log recorded those before them", async () => {
    await log.add(await by("one"));
    expect(await outcomeOf(async () => log.add(await by("two")))).toBe("accepted");
  });

  it("count with a recorded time alone", async () => {
    const ring = new KeyRing();
    await ring.addProvider(log.inForce.identityKeys[0]!.keys);
    const envelope = recordAt(await by("one"), formatTime(NOW));
    const verified = await verifyEnvelope(envelope, ring.lookup, undefined, ring.providers);
    expect(await outcomeOf(() => register(log.view, verified))).toBe("accepted");
    expect(await outcomeOf(() => register(log.view, { ...verified, recordedAt: null }))).toBe(
      "recorded-at-wrong",
    );
  });

  it("are used for one entry, and not for another, be it beside a new one", async () => {
    await log.add(await by("one", { jti: "first" }));
    const again = await by("two", { jti: "first" });
    expect(await outcomeOf(() => log.add(again))).toBe("token-used");
    const both = makeEnvelope(again.payload, [...again.signatures, await provider.sign(again.payload)]);
    expect(await outcomeOf(() => log.add(both))).toBe("token-used");
    expect(await outcomeOf(async () => log.add(await by("two", { jti: "second" })))).toBe("accepted");
  });
});

describe("attachments", () => {
  it("an entry whose attachment is stored is registered", async () => {
    const ring = new KeyRing();
    await ring.add([encodeBase64(keys.publisher.spki)]);
    const envelope = await signStatement("kernel-patch-set", attached(), [keys.publisher]);
    const asked: unknown[] = [];
    const hasAttachment = (wanted: unknown) => asked.push(wanted) > 0;
    const result = register({ ...log.view, hasAttachment }, await verifyEnvelope(envelope, ring.lookup));
    expect(result).toMatchObject({ outcome: "new", record: { index: 1 } });
    expect(asked).toEqual([attachment]);
  });
});

describe("a stolen key", () => {
  it("counts again after the revoked range, and before it", async () => {
    const range = { keyId: keys.publisher.keyId, fromIndex: 3, toIndex: 4 };
    await log.publish("revocation", revocationPredicate({ keys: [range] }), [keys.revocation]);
    expect(await log.publish("platform", platformPredicate("a"), [keys.publisher])).toBe(2);
    const inRange = () => log.publish("platform", platformPredicate("b"), [keys.publisher]);
    expect(await outcomeOf(inRange)).toBe("key-revoked");
    await log.publish("platform", platformPredicate("other/b"), [keys.otherPublisher]);
    expect(await inRange()).toBe(4);
  });

  it("of a root role still signs trust roots, or the revocation key could end the log for ever", async () => {
    const { root, revocation, status } = keys;
    const everyKey = [...root, revocation, status].map(({ keyId }) => ({
      keyId,
      fromIndex: 0,
      toIndex: 1000,
    }));
    await log.publish("revocation", revocationPredicate({ keys: everyKey }), [revocation]);
    expect(await outcomeOf(() => log.publishStatus())).toBe("key-revoked");
    const newStatus = await testKey("new status");
    const next = await trustRootPredicate({ ...keys, status: newStatus });
    const place = { version: 2, previous: log.envelopes[0]!.payloadDigest };
    const change = { ...next, ...place };
    expect(await outcomeOf(() => log.publish("trust-root", change, [keys.policy]))).toBe("not-authorised");
    await log.publish("trust-root", change, [root[1]]);
    await log.publish("status", statusPredicate(log.inForce), [newStatus]);
  });

  it.each(["first", "second"] as const)("is refused beside good ones, as the %s signer", async (place) => {
    const both = [keys.policy, keys.otherPublisher].sort((a, b) => (a.keyId < b.keyId ? -1 : 1));
    const rule = { identities: [], keys: both.map(({ keyId }) => keyId), threshold: 1, names: ["*"] };
    log = await FoundedLog.found({ roles: { ...(await trustRootPredicate(keys)).roles, policy: [rule] } });
    const set = await log.publishRelease();
    const { keyId } = both[place === "first" ? 0 : 1]!;
    const range = { keyId, fromIndex: 0, toIndex: 1000 };
    await log.publish("revocation", revocationPredicate({ keys: [range] }), [keys.revocation]);
    expect(await outcomeOf(() => log.publish("policy", log.nextPolicy(set), both))).toBe("key-revoked");
  });
});
