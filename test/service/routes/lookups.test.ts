// Looking things up: entries by every filter, page by page; proofs that verify; what is in force.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeBase64 } from "../../../src/protocol/encoding/base64.ts";
import { decodeHex } from "../../../src/protocol/encoding/hex.ts";
import { verifyConsistency } from "../../../src/protocol/merkle/consistency.ts";
import { verifyInclusion } from "../../../src/protocol/merkle/inclusion.ts";
import { parseCheckpoint } from "../../../src/protocol/note/checkpoint.ts";
import { parseNote } from "../../../src/protocol/note/signed-note.ts";
import { parseTlogProof } from "../../../src/protocol/note/tlog-proof.ts";
import { revocationPredicate } from "../../support/document-predicates.ts";
import { sha384Of } from "../../support/release-predicates.ts";
import type { ReleaseSet } from "../../support/release-set.ts";
import { refusalOf, ServiceHarness } from "../../support/service-harness.ts";
import { signPlatforms, signStatement } from "../../support/signing.ts";

interface Page {
  treeSize: number;
  entries: Array<{
    index: number;
    kind: string;
    name: string;
    version: string;
    payloadDigest: string;
    revoked: boolean;
  }>;
  next: string | null;
}
interface Proof {
  index: number;
  treeSize: number;
  leafHash: string;
  proof: string[];
  checkpoint: string | null;
}

let service: ServiceHarness;
let set: ReleaseSet;
let size: number;

beforeAll(async () => {
  service = await ServiceHarness.start();
  ({ set } = await service.publishPolicy());
  for (const envelope of await signPlatforms(service.keys, "fleet", 25)) await service.publish(envelope);
  const revocation = revocationPredicate({ digests: [set.rim.payloadDigest] });
  await service.publish(await signStatement("revocation", revocation, [service.keys.revocation]));
  size = service.log.read.inForce.size;
});
afterAll(() => service.stop());

const checkpointOf = (note: string) => parseCheckpoint(parseNote(note).text);
const namesOf = async (query: string) =>
  (await service.json<Page>(`/v1/entries?${query}`)).entries.map(({ name }) => name);

describe("the list of entries", () => {
  test("comes newest first, in pages that neither skip nor repeat", async () => {
    const seen: number[] = [];
    let next: string | null = "";
    while (next !== null) {
      const page: Page = await service.json<Page>(
        `/v1/entries?limit=7${next === "" ? "" : `&cursor=${next}`}`,
      );
      seen.push(...page.entries.map(({ index }) => index));
      next = page.next;
    }
    expect(seen).toEqual(Array.from({ length: size }, (_, i) => size - 1 - i));
  });

  test("is filtered by kind, name, version, publisher, and all of them together", async () => {
    expect(await namesOf("kind=policy")).toEqual(["production"]);
    expect(await namesOf("name=fleet-3")).toEqual(["fleet-3"]);
    expect(await namesOf("version=1.0&kind=gpu-rim")).toEqual(["gh100-driver"]);
    expect(await namesOf(`publisher=${service.keys.policy.keyId}`)).toEqual(["production"]);
    expect(await namesOf(`publisher=${service.keys.policy.keyId}&kind=platform`)).toEqual([]);
  });

  test("is found by any digest: artefact, measured value, payload", async () => {
    const { subject } = set.image.statement;
    expect(await namesOf(`digest=sha256:${subject[0]?.digest.sha256}`)).toContain("guest");
    expect(await namesOf(`digest=sha384:${sha384Of("rtmr1 1.0")}`)).toEqual(["guest"]);
    const byPayload = await namesOf(`digest=sha256:${set.kernel.payloadDigest}`);
    expect(byPayload).toContain("linux-cc");
    expect(await namesOf(`digest=sha256:${set.kernel.payloadDigest}&kind=kernel-patch-set`)).toEqual([
      "linux-cc",
    ]);
  });

  test("shows what is revoked", async () => {
    const { entries } = await service.json<Page>("/v1/entries?kind=gpu-rim");
    expect(entries.map(({ revoked }) => revoked)).toEqual([true]);
  });

  test.each([
    "limit=0",
    "limit=101",
    "limit=",
    "limit=1e1",
    "cursor=-1",
    "cursor=x",
    "kind=nothing",
    "digest=abc",
    "digest=md5:00",
    "publisher=00",
    "colour=red",
  ])("refuses ?%s", async (query) => {
    expect(await refusalOf(await service.get(`/v1/entries?${query}`))).toBe("400 invalid-parameter");
  });
});

describe("one entry", () => {
  test("comes with its statement, the first checkpoint over it, and what revokes it", async () => {
    const index = (await service.json<Page>("/v1/entries?kind=gpu-rim")).entries[0]?.index ?? -1;
    const revocation = (await service.json<Page>("/v1/entries?kind=revocation")).entries[0]?.index;
    const entry = await service.json<{
      statement: { predicateType: string };
      coveredBy: { size: number; checkpoint: string };
      revokedBy: number[];
    }>(`/v1/entries/${index}`);
    expect(entry.statement.predicateType).toBe("urn:touchstone:gpu-rim:v1");
    expect(entry.revokedBy).toEqual([revocation]);
    expect(checkpointOf(entry.coveredBy.checkpoint).size).toBe(entry.coveredBy.size);
    expect(entry.coveredBy.size).toBeGreaterThan(index);
  });

  test.each([
    ["/v1/entries/100000", "404 beyond-tree"],
    ["/v1/entries/9007199254740991", "404 beyond-tree"],
    ["/v1/entries/9007199254740992", "400 invalid-parameter"],
    ["/v1/entries/-1", "400 invalid-parameter"],
    ["/v1/entries/01", "400 invalid-parameter"],
    ["/v1/entries/1.0", "400 invalid-parameter"],
    ["/v1/entries/%20", "400 invalid-parameter"],
    ["/v1/entries/0/proof?size=100000", "404 beyond-tree"],
    ["/v1/entries/5/proof?size=5", "404 beyond-tree"],
    ["/v1/entries/x/proof", "400 invalid-parameter"],
    ["/v1/entries/0/proof?size=", "400 invalid-parameter"],
    ["/v1/proofs/consistency?from=1&to=100000", "404 beyond-tree"],
    ["/v1/proofs/consistency?from=100000", "404 beyond-tree"],
    ["/v1/proofs/consistency?from=5&to=4", "400 invalid-parameter"],
    ["/v1/proofs/consistency?from=0", "400 invalid-parameter"],
    ["/v1/proofs/consistency", "400 invalid-parameter"],
    ["/v1/checkpoints?size=x", "400 invalid-parameter"],
  ])("%s is %s", async (path, refusal) => {
    expect(await refusalOf(await service.get(path))).toBe(refusal);
  });
});

describe("proofs", () => {
  test("are ASCII, though the checkpoint in them is not", async () => {
    const text = await (await service.get("/v1/entries/0/proof")).text();
    expect(text).toMatch(/^[ -~]+$/);
    const checkpoint = await (await service.get("/checkpoint")).text();
    expect(checkpoint).toMatch(/\u2014/);
    expect((JSON.parse(text) as Proof).checkpoint).toBe(checkpoint);
  });

  test("of every entry verify under the published checkpoint", async () => {
    for (let index = 0; index < size; index++) {
      const proof = await service.json<Proof>(`/v1/entries/${index}/proof`);
      const { root } = checkpointOf(proof.checkpoint ?? "");
      const hashes = proof.proof.map(decodeBase64);
      verifyInclusion({
        index,
        size: proof.treeSize,
        leafHash: decodeHex(proof.leafHash),
        root,
        proof: hashes,
      });
    }
  });

  test("in an older tree come with its checkpoint where one was published, as text only then", async () => {
    const { checkpoints } = await service.json<{ checkpoints: Array<{ size: number }> }>("/v1/checkpoints");
    const published = new Set(checkpoints.map((checkpoint) => checkpoint.size));
    const without =
      Array.from({ length: size }, (_, i) => i + 1).find((n) => n > 2 && !published.has(n)) ?? 0;
    const older = checkpoints[1]?.size ?? 0;
    const text = await service.get(`/v1/entries/0/proof?size=${older}`, { accept: "text/plain" });
    expect(checkpointOf(parseTlogProof(await text.text()).checkpoint).size).toBe(older);
    expect((await service.json<Proof>(`/v1/entries/0/proof?size=${without}`)).checkpoint).toBeNull();
    const refused = await service.get(`/v1/entries/0/proof?size=${without}`, { accept: "text/plain" });
    expect(await refusalOf(refused)).toBe("404 not-found");
  });

  test("of consistency verify between every two published checkpoints", async () => {
    const { checkpoints } = await service.json<{ checkpoints: Array<{ size: number; checkpoint: string }> }>(
      "/v1/checkpoints",
    );
    for (const from of checkpoints.slice(0, 8)) {
      const to = checkpoints.at(-1);
      if (to === undefined) throw new Error("no checkpoints");
      const { proof } = await service.json<{ proof: string[] }>(
        `/v1/proofs/consistency?from=${from.size}&to=${to.size}`,
      );
      verifyConsistency({
        fromSize: from.size,
        fromRoot: checkpointOf(from.checkpoint).root,
        toSize: to.size,
        toRoot: checkpointOf(to.checkpoint).root,
        proof: proof.map(decodeBase64),
      });
    }
  });
});

describe("what is in force", () => {
  interface Proven {
    checkpoint: string;
    entry: {
      index: number;
      leafHash: string;
      proof: string[];
      statement: { predicate: Record<string, unknown> };
    };
    versions?: unknown[];
  }

  test.each(["/v1/trust-root", "/v1/status"])("%s comes with its proof", async (path) => {
    const { checkpoint, entry } = await service.json<Proven>(path);
    const { root, size: treeSize } = checkpointOf(checkpoint);
    const proof = entry.proof.map(decodeBase64);
    verifyInclusion({ index: entry.index, size: treeSize, leafHash: decodeHex(entry.leafHash), root, proof });
  });

  test("the status names what is revoked, and the list of revocations shows why", async () => {
    const { entry } = await service.json<Proven>("/v1/status");
    expect(entry.statement.predicate.revokedDigests).toEqual([set.rim.payloadDigest]);
    const { revocations, next } = await service.json<{ revocations: unknown[]; next: unknown }>(
      "/v1/revocations",
    );
    expect([revocations.length, next]).toEqual([1, null]);
  });

  test("policies are listed by name", async () => {
    const { policies } = await service.json<{ policies: object[] }>("/v1/policies");
    expect(policies).toMatchObject([{ name: "production", version: 1, revoked: false }]);
  });
});
