// Entries whose signatures threads verify, several bundles at a time, are judged as with Node's thread pool.
import { afterAll, describe, expect, it } from "vitest";
import { type EntryChecker, openChecker } from "../../../src/log/checking/entry-checker.ts";
import { SignatureThreads } from "../../../src/log/checking/signature-threads.ts";
import { encodeBase64 } from "../../../src/protocol/encoding/base64.ts";
import { encodeHex } from "../../../src/protocol/encoding/hex.ts";
import { type TestKey, testKey, testKeys } from "../../support/keys.ts";
import { platformPredicate } from "../../support/release-predicates.ts";
import { signStatement } from "../../support/signing.ts";
import { trustRootPredicate } from "../../support/trust-root.ts";

const threads = new SignatureThreads(3, 0);
afterAll(() => threads.close());
const pooled = () => openChecker(new SignatureThreads(1), 1, []);
const threaded = (keys: readonly string[] = []) => openChecker(threads, 1, keys);

async function trustRootWith(...keys: readonly TestKey[]): Promise<Uint8Array> {
  const own = await testKeys();
  const spkis = [...Object.values(own).flat(), ...keys].map(({ spki }: TestKey) => encodeBase64(spki));
  const { leaf } = await signStatement("trust-root", await trustRootPredicate(own, { keys: spkis }), [
    own.root[0],
  ]);
  return leaf;
}

const signedBy = async (key: TestKey, name: string) =>
  (await signStatement("platform", platformPredicate(name), [key])).leaf;

/** Checks all bundles at once, as far as the checker lets them be. */
async function checkAll(checker: EntryChecker, bundles: readonly Uint8Array[][]) {
  const checked = await Promise.all(bundles.map((bundle) => checker.check(Promise.resolve(bundle))));
  return checked.map(({ hashes, entries }) => ({ hashes: hashes.map(encodeHex), entries }));
}

describe("with threads", () => {
  it("keys verify from their trust root's bundle on, and not before, whatever is under way", async () => {
    const [{ publisher }, late, later] = await Promise.all([testKeys(), testKey("late"), testKey("later")]);
    const bundles = [
      [await trustRootWith(), await signedBy(late, "early")],
      [await signedBy(late, "still-early"), await signedBy(publisher, "a")],
      [await signedBy(late, "same-bundle"), await trustRootWith(late), await signedBy(late, "b")],
      [await signedBy(late, "c"), await signedBy(later, "never-before")],
      [await signedBy(later, "d"), await trustRootWith(later), await signedBy(publisher, "e")],
      [await signedBy(later, "f"), await signedBy(late, "g"), await signedBy(await testKey("nobody"), "h")],
    ];
    const expected = await checkAll(await pooled(), bundles);
    const problems = expected.map(({ entries }) => entries.map(({ problem }) => problem?.code ?? null));
    expect(problems.flat().filter((code) => code !== null)).toHaveLength(4);
    for (let round = 0; round < 5; round++) {
      const found = await checkAll(await threaded(), bundles);
      expect(found).toEqual(expected);
    }
  });

  it("says of malformed entries and wrong signatures what one thread says", async () => {
    const { publisher } = await testKeys();
    const leaf = await signedBy(publisher, "a");
    const flipped = Array.from({ length: 200 }, (_, i) => {
      const at = Math.floor((i / 200) * leaf.length);
      return Uint8Array.from(leaf, (byte, offset) => (offset === at ? byte ^ 1 : byte));
    });
    const bundles = [[await trustRootWith()], [leaf, new Uint8Array(0), ...flipped], flipped.reverse()];
    const expected = await checkAll(await pooled(), bundles);
    const found = await checkAll(await threaded(), bundles);
    expect(found).toEqual(expected);
  });

  it("the keys of one log verify nothing in another", async () => {
    const late = await testKey("late");
    const first = [[await trustRootWith(late), await signedBy(late, "a")]];
    const other = [[await trustRootWith(), await signedBy(late, "a")]];
    for (const bundles of [first, other, first, other]) {
      const [bundle] = await checkAll(await threaded(), bundles);
      expect(bundle?.entries[1]?.problem?.code ?? null).toBe(bundles === first ? null : "entry-signature");
    }
  });

  it("rejects as the bundle does that is not to be had, and goes on with the next", async () => {
    const { publisher } = await testKeys();
    const checker = await threaded([encodeBase64(publisher.spki)]);
    const missing = checker.check(Promise.reject(new Error("there is no bundle")));
    const next = checker.check(signedBy(publisher, "a").then((leaf) => [leaf]));
    await expect(missing).rejects.toThrow("there is no bundle");
    expect((await next).entries).toMatchObject([{ problem: null }]);
  });

  it("a short log is left to Node's thread pool", async () => {
    const expected: Array<[threads: SignatureThreads, entries: number, ahead: number]> = [
      [new SignatureThreads(4, 100), 99, 2],
      [new SignatureThreads(4, 100), 100, 5],
      [new SignatureThreads(1, 100), 1_000_000, 2],
    ];
    for (const [some, entries, ahead] of expected)
      expect(await openChecker(some, entries, [])).toMatchObject({ ahead });
  });
});
