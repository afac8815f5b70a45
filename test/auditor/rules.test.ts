// A log that lets in what its rules refuse: each kind of it is found at its index, under the code of its rule.
import { beforeEach, describe, expect, it } from "vitest";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import { canonicalize } from "../../src/protocol/envelope/canonical-json.ts";
import type { Envelope } from "../../src/protocol/envelope/dsse.ts";
import { policyPredicate, revocationPredicate, statusPredicate } from "../support/document-predicates.ts";
import {
  driverPredicate,
  gpuRimPredicate,
  kernelPredicate,
  platformPredicate,
  sha256Of,
} from "../support/release-predicates.ts";
import { signReleaseSet } from "../support/release-set.ts";
import { referenceOf, signPlatforms, signStatement } from "../support/signing.ts";
import { SmallLog } from "../support/small-log.ts";
import { trustRootPredicate } from "../support/trust-root.ts";
import { logKey, tlogPolicy, witnessKey } from "../support/witnesses.ts";
import { addKernel, auditServed, type HonestLog, honestLog, placesOf, STATUS, serve } from "./served-log.ts";

const NEXT = 10;
let honest: HonestLog;
beforeEach(async () => {
  honest = await honestLog();
});

async function smuggled(...envelopes: Envelope[]): Promise<string[]> {
  for (const envelope of envelopes) honest.log.smuggle(envelope);
  return audited();
}

async function audited(): Promise<string[]> {
  return placesOf(await auditServed(await serve(honest.log), honest.trust));
}

describe("entries that no rule lets in", () => {
  it("signed by a key without a role for it", async () => {
    const envelope = await signStatement("platform", platformPredicate("p"), [honest.keys.otherPublisher]);
    expect(await smuggled(envelope)).toEqual([`rule-not-authorised@${NEXT}`]);
  });

  it("a release that was changed", async () => {
    const changed = { ...kernelPredicate("linux-cc", "1.0"), svn: 7 };
    const kernel = await signStatement("kernel-patch-set", changed, [honest.keys.publisher]);
    expect(await smuggled(kernel)).toEqual([`rule-identity-taken@${NEXT}`]);
  });

  it("the same entry once more", async () => {
    expect(await smuggled(honest.log.envelopes[2]!)).toEqual([`entry-repeated@${NEXT}`]);
  });

  it("a reference to nothing", async () => {
    const kernel = {
      kind: "kernel-patch-set",
      name: "none",
      version: "1",
      digest: sha256Of("none"),
    } as const;
    const envelope = await signStatement("driver-build", driverPredicate(kernel, "nvidia-open", "9"), [
      honest.keys.publisher,
    ]);
    expect(await smuggled(envelope)).toEqual([`rule-reference-missing@${NEXT}`]);
  });

  it("what refers to it afterwards is found too", async () => {
    const stranger = await signStatement("kernel-patch-set", kernelPredicate("k"), [honest.keys.policy]);
    const driver = await signStatement("driver-build", driverPredicate(referenceOf(stranger), "d"), [
      honest.keys.publisher,
    ]);
    expect(await smuggled(stranger, driver)).toEqual([
      `rule-not-authorised@${NEXT}`,
      `rule-reference-missing@${NEXT + 1}`,
    ]);
  });

  it("a trust root that only its own keys signed", async () => {
    const { keys, log } = honest;
    const own = { keys: [keys.policy.keyId], threshold: 1 };
    const predicate = await trustRootPredicate(keys, {
      version: 2,
      previous: log.envelopes[0]!.payloadDigest,
      roles: { ...(await trustRootPredicate(keys)).roles, root: own },
    });
    const takeover = await signStatement("trust-root", predicate, [keys.policy]);
    expect(await smuggled(takeover)).toEqual([`rule-not-authorised@${NEXT}`]);
  });

  it("an entry that is no envelope, and one that is not canonical", async () => {
    const [platform] = (await signPlatforms(honest.keys, "p", 1)) as [Envelope];
    const spaced = utf8(new TextDecoder().decode(platform.leaf).replace(",", ", "));
    expect(await smuggled({ ...platform, leaf: utf8("{}") }, { ...platform, leaf: spaced })).toEqual([
      `entry-malformed@${NEXT}`,
      `entry-malformed@${NEXT + 1}`,
    ]);
  });

  it("a signature that does not verify, and one of an unknown key", async () => {
    const [a, b] = (await signPlatforms(honest.keys, "p", 2)) as [Envelope, Envelope];
    const forged = withSignature(a, { keyid: honest.keys.publisher.keyId, of: b });
    const unknown = withSignature(b, { keyid: sha256Of("nobody"), of: b });
    expect(await smuggled(forged, unknown)).toEqual([
      `entry-signature@${NEXT}`,
      `entry-signature@${NEXT + 1}`,
    ]);
  });
});

function withSignature(envelope: Envelope, { keyid, of }: { keyid: string; of: Envelope }): Envelope {
  const json = JSON.parse(new TextDecoder().decode(envelope.leaf));
  const { sig } = JSON.parse(new TextDecoder().decode(of.leaf)).signatures[0];
  return { ...envelope, leaf: utf8(canonicalize({ ...json, signatures: [{ keyid, sig }] })) };
}

describe("documents that were signed for another log, by keys that have a role in both", () => {
  const OTHER = "other.example/log";

  it("a policy and a revocation", async () => {
    const { keys, log } = honest;
    const elsewhere = { ...policyPredicate(await signReleaseSet(keys)), name: "elsewhere", origin: OTHER };
    const range = { keyId: keys.publisher.keyId, fromIndex: 0, toIndex: 9 };
    const revocation = revocationPredicate({ origin: OTHER, keys: [range] });
    expect(
      await smuggled(
        await signStatement("policy", elsewhere, [keys.policy]),
        await signStatement("revocation", revocation, [keys.revocation]),
      ),
    ).toEqual([`rule-wrong-origin@${NEXT}`, `rule-wrong-origin@${NEXT + 1}`]);
    expect(log.inForce.revokedKeys).toEqual([]);
  });

  it("a status and a trust root, which name their log through a trust root's digest", async () => {
    const { keys, log } = honest;
    const root = { version: 1, digest: sha256Of("trust root of the other log") };
    const status = statusPredicate(log.inForce, { trustRoot: root });
    const logPolicy = tlogPolicy(await logKey(OTHER), [await witnessKey("own.example")]);
    const place = { version: 2, previous: root.digest, origin: OTHER, logPolicy };
    const next = await trustRootPredicate(keys, place);
    expect(
      await smuggled(
        await signStatement("status", status, [keys.status]),
        await signStatement("trust-root", next, [keys.root[0]]),
      ),
    ).toEqual([`rule-status-not-true@${NEXT}`, `rule-wrong-predecessor@${NEXT + 1}`]);
  });
});

describe("a status that lies", () => {
  const lies = {
    "hides a policy": { policies: [] },
    "speaks of too small a tree": { treeSize: STATUS - 2 },
    "revokes what is not revoked": { revokedDigests: [sha256Of("x")] },
  };
  it.each(Object.entries(lies))("%s", async (_, lie) => {
    const { keys, log } = honest;
    const status = await signStatement("status", statusPredicate(log.inForce, lie), [keys.status]);
    expect(await smuggled(status)).toEqual([`rule-status-not-true@${NEXT}`]);
  });

  it("skips its predecessor", async () => {
    const { keys, log } = honest;
    const status = await signStatement("status", statusPredicate(log.inForce, { sequence: 9 }), [
      keys.status,
    ]);
    expect(await smuggled(status)).toEqual([`rule-wrong-predecessor@${NEXT}`]);
  });
});

describe("statements that contradict their own lists", () => {
  it("a golden table without its digest", async () => {
    const predicate = { ...gpuRimPredicate("lie"), tableDigest: sha256Of("another table") };
    expect(await smuggled(await signStatement("gpu-rim", predicate, [honest.keys.publisher]))).toEqual([
      `rim-table-differs@${NEXT}`,
    ]);
  });

  it("an inline series without its digest", async () => {
    const kernel = kernelPredicate("lie");
    const predicate = { ...kernel, patches: { ...kernel.patches, seriesDigest: sha256Of("x") } };
    expect(
      await smuggled(await signStatement("kernel-patch-set", predicate, [honest.keys.publisher])),
    ).toEqual([`patch-series-differs@${NEXT}`]);
  });

  it("an attached series without its digest or count", async () => {
    const { log, keys } = honest;
    await addKernel(log, keys, { seriesDigest: sha256Of("x") }, "a");
    await addKernel(log, keys, { count: 2 }, "b");
    expect(await audited()).toEqual([`patch-series-differs@${NEXT}`, `patch-series-differs@${NEXT + 1}`]);
  });

  it("an attachment of another size, that is no list of patches, or not canonical", async () => {
    const { log, keys } = honest;
    await addKernel(log, keys, { size: 9 }, "a");
    await addKernel(log, keys, { bytes: utf8('[{"fileName":1}]') }, "b");
    await addKernel(log, keys, { bytes: utf8("[ ]") }, "c");
    await addKernel(log, keys, { bytes: utf8("PK") }, "d");
    expect(await audited()).toEqual([
      `attachment-size@${NEXT}`,
      `attachment-malformed@${NEXT + 1}`,
      `attachment-malformed@${NEXT + 2}`,
      `attachment-malformed@${NEXT + 3}`,
    ]);
  });
});

describe("whose log it is", () => {
  it("another log under the same origin is not the pinned one", async () => {
    const { trust } = honest;
    const predicate = await trustRootPredicate(honest.keys, { maxStatusAge: 86_400 });

    const other = new SmallLog();
    await other.add(await signStatement("trust-root", predicate, honest.keys.root.slice(0, 1)));
    expect(placesOf(await auditServed(await serve(other), trust))).toEqual(["trust-root-not-pinned@-"]);
  });

  it("a log whose first entry is no trust root has nobody to answer for it", async () => {
    const other = new SmallLog();
    other.smuggle(honest.log.envelopes[2]!);
    expect(placesOf(await auditServed(await serve(other), null))).toEqual([
      "entry-signature@0",
      "trust-root-not-pinned@-",
      "checkpoint-signature@-",
    ]);
  });
});
