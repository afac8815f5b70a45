// Receipts over HTTP: of published trees alone, by a key that the trust root in force there lists, and named refusals where there is none.
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CoseSigner } from "../../../src/protocol/cose/cose-sign1.ts";
import { decodeBase64 } from "../../../src/protocol/encoding/base64.ts";
import { parseCheckpoint } from "../../../src/protocol/note/checkpoint.ts";
import { parseNote } from "../../../src/protocol/note/signed-note.ts";
import { currentTrustRoot } from "../../../src/protocol/registration/in-force.ts";
import { verifyReceipt } from "../../../src/verifier/receipt/verify-receipt.ts";
import { coseSigner, testKey } from "../../support/keys.ts";
import { refusalOf, ServiceHarness } from "../../support/service-harness.ts";
import { signPlatforms, signStatement } from "../../support/signing.ts";
import { trustRootPredicate } from "../../support/trust-root.ts";

let harness: ServiceHarness;
let signer: CoseSigner;
let signed = 0;

async function start(receiptKeys: readonly string[], own: CoseSigner | null): Promise<ServiceHarness> {
  const counting = own && {
    ...own,
    sign: (message: Uint8Array) => {
      signed++;
      return own.sign(message);
    },
  };
  harness = await ServiceHarness.start({
    trustRoot: { receiptKeys: [...receiptKeys] },
    withStatus: false,
    service: counting === null ? {} : { receiptSigner: counting },
  });
  return harness;
}

beforeEach(async () => {
  signer = coseSigner(await testKey("receipts"));
  signed = 0;
});
afterEach(() => harness.stop());

const bytesOf = async (path: string) => new Uint8Array(await (await harness.get(path)).arrayBuffer());
const refusal = async (path: string) => refusalOf(await harness.get(path));
const publish = async (prefix: string, count: number) =>
  harness.log.publish(await signPlatforms(harness.keys, prefix, count));

/** The next trust root with these receipt keys. */
async function replaceReceiptKeys(receiptKeys: readonly string[]): Promise<void> {
  const current = currentTrustRoot(harness.log.read.inForce)!;
  const predicate = await trustRootPredicate(harness.keys, {
    version: current.root.version + 1,
    previous: current.digest,
    receiptKeys: [...receiptKeys],
  });
  await harness.log.publish([await signStatement("trust-root", predicate, [harness.keys.root[0]])]);
}

describe("a log with a receipt key", () => {
  beforeEach(async () => {
    await start([signer.spki], signer);
    await publish("first", 5);
    await publish("second", 4);
  });

  it("gives a receipt of every entry in every published tree, which its own library verifies", async () => {
    const { root } = currentTrustRoot(harness.log.read.inForce)!;
    for (const [index, size] of [
      [0, 6],
      [5, 6],
      [0, 10],
      [9, 10],
    ] as const) {
      const { leaf } = (await harness.log.read.entry(index))!;
      const verified = await verifyReceipt(
        await bytesOf(`/v1/entries/${index}/receipt?size=${size}`),
        leaf,
        root,
      );
      expect(verified.proof).toMatchObject({ kind: "inclusion", index, size });
    }
  });

  it("gives one of the newest tree unless a size is asked for, and says which may be kept", async () => {
    const newest = await harness.get("/v1/entries/3/receipt");
    expect(Object.fromEntries(newest.headers)).toMatchObject({
      "content-type": 'application/cose; cose-type="cose-sign1"',
      "cache-control": "no-cache",
      "access-control-allow-origin": "*",
    });
    const named = await harness.get("/v1/entries/3/receipt?size=10");
    expect(named.headers.get("cache-control")).toContain("immutable");
    expect(await named.arrayBuffer()).toEqual(await newest.arrayBuffer());
  });

  it("gives a receipt that one published tree is the beginning of another", async () => {
    const { root } = currentTrustRoot(harness.log.read.inForce)!;
    const [older] = await harness.log.read.checkpointsFrom(6, 1);
    const from = parseCheckpoint(parseNote(older!.note).text);
    for (const query of ["from=6&to=10", "from=6"]) {
      const verified = await verifyReceipt(
        await bytesOf(`/v1/consistency.receipt?${query}`),
        from.root,
        root,
      );
      expect(verified.proof).toMatchObject({ kind: "consistency", fromSize: 6, size: 10 });
    }
  });

  it("signs a tree once, however many receipts there are over it", async () => {
    for (let index = 0; index < 10; index++) await bytesOf(`/v1/entries/${index}/receipt`);
    await bytesOf("/v1/consistency.receipt?from=6&to=10");
    expect(signed).toBe(1);
  });

  it("signs no tree that no checkpoint has, for no entry beyond it, and for no query with a mistake", async () => {
    expect(await refusal("/v1/entries/3/receipt?size=7")).toBe("404 not-found");
    expect(await refusal("/v1/consistency.receipt?from=6&to=9")).toBe("404 not-found");
    expect(await refusal("/v1/consistency.receipt?from=7&to=10")).toBe("404 not-found");
    expect(await refusal("/v1/entries/3/receipt?size=11")).toBe("404 beyond-tree");
    expect(await refusal("/v1/entries/6/receipt?size=6")).toBe("404 beyond-tree");
    expect(await refusal("/v1/entries/10/receipt")).toBe("404 beyond-tree");
    expect(await refusal("/v1/consistency.receipt?from=6&to=11")).toBe("404 beyond-tree");
    for (const query of [
      "",
      "?from=0",
      "?from=10&to=10",
      "?from=10&to=6",
      "?from=x",
      "?from=6&from=6",
      "?form=6",
    ])
      expect(await refusal(`/v1/consistency.receipt${query}`), query).toBe("400 invalid-parameter");
    for (const path of ["x/receipt", "3/receipt?size=0", "3/receipt?at=6", "03/receipt"])
      expect(await refusal(`/v1/entries/${path}`), path).toBe("400 invalid-parameter");
    expect(signed).toBe(0);
  });

  it("signs with a key for the trees in which it is listed, to the entry", async () => {
    await replaceReceiptKeys([]);
    expect(await refusal("/v1/entries/3/receipt")).toBe("404 receipts-off");
    expect((await harness.get("/v1/entries/3/receipt?size=10")).status).toBe(200);
    await replaceReceiptKeys([coseSigner(await testKey("other")).spki, signer.spki]);
    expect((await harness.get("/v1/entries/3/receipt")).status).toBe(200);
    expect(await refusal("/v1/entries/3/receipt?size=11")).toBe("404 receipts-off");
    const { root } = currentTrustRoot(harness.log.read.inForce)!;
    const { leaf } = (await harness.log.read.entry(3))!;
    expect(root.receiptKeys).toHaveLength(2);
    const { key } = await verifyReceipt(await bytesOf("/v1/entries/3/receipt"), leaf, root);
    expect(decodeBase64(root.receiptKeys[1]!)).toEqual(decodeBase64(signer.spki));
    expect(key.keyId).toBe(signer.keyId);
  });
});

describe("a log that gives no receipts", () => {
  it("says so where its trust root lists no key, whatever key the server has", async () => {
    await start([], signer);
    expect(await refusal("/v1/entries/0/receipt")).toBe("404 receipts-off");
    expect(signed).toBe(0);
  });

  it("says so where its trust root lists another key than the server has", async () => {
    await start([coseSigner(await testKey("other")).spki], signer);
    expect(await refusal("/v1/entries/0/receipt")).toBe("404 receipts-off");
    expect(signed).toBe(0);
  });

  it("sends to another server where its trust root lists a key and this one has none", async () => {
    await start([signer.spki], null);
    expect(await refusal("/v1/entries/0/receipt")).toBe("503 no-receipt-key");
    expect(await refusal("/v1/consistency.receipt?from=1")).toBe("400 invalid-parameter");
  });

  it("signs one tree at a time, though receipts over many are asked for at once: a signer may be a program", async () => {
    let [signing, most] = [0, 0];
    const slow = async (message: Uint8Array) => {
      most = Math.max(most, ++signing);
      await turn();
      signing--;
      return signer.sign(message);
    };
    await start([signer.spki], { ...signer, sign: slow });
    for (const prefix of ["first", "second", "third"]) await publish(prefix, 2);
    const asked = [1, 3, 5, 7].map((size) => harness.get(`/v1/entries/0/receipt?size=${size}`));
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect([most, signed]).toEqual([1, 4]);
  });

  it("asks a signer again that failed, and answers nothing unsigned", async () => {
    let fails = true;
    const flaky = {
      ...signer,
      sign: (message: Uint8Array) => (fails ? Promise.reject(new Error("no")) : signer.sign(message)),
    };
    await start([signer.spki], flaky);
    expect(await refusal("/v1/entries/0/receipt")).toBe("500 internal");
    fails = false;
    expect((await harness.get("/v1/entries/0/receipt")).status).toBe(200);
  });
});
