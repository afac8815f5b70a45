// What a page pays for verification: minified and gzipped, with no module of Node's anywhere in it.
import { afterAll, describe, expect, test } from "vitest";
import { bundle, bundleInChunks, gzipped } from "../support/example-build.ts";

const KIB = 1024;
const ML_DSA_44 = "src/protocol/note/ml-dsa-44.ts";
/** TDX and NVIDIA. */
const JUDGES = "src/verifier/appraisal/judge-machine.ts";
/** How others bind a quote to a certificate. */
const CERTIFICATES = "src/verifier/appraisal/certificate-binding.ts";
/** Few logs need the one, and no page sees the certificate of its connection. */
const SELDOM: readonly string[] = [ML_DSA_44, CERTIFICATES];
/** Modules that are loaded when they are needed, each in a chunk with what only it needs. Nothing else may be imported late. */
const LOADED_LATER: Readonly<Record<string, readonly string[]>> = {
  protocol: [ML_DSA_44],
  verifier: [ML_DSA_44, CERTIFICATES, JUDGES],
  "verifier/bundle": [ML_DSA_44],
  "verifier/lookup": [ML_DSA_44],
  "verifier/receipt": [],
  sealed: [ML_DSA_44, CERTIFICATES, JUDGES],
  testing: [],
};

const BUNDLES = `export { createBrowserStore, fetchPolicy } from "touchstone/verifier/bundle";`;
const APPRAISAL = `export { appraiseEvidence, createBrowserStore, fetchPolicy } from "touchstone/verifier";`;
const SEALED = `${APPRAISAL} export { createSealedFetch } from "touchstone/sealed";`;

const sizes: string[] = [];
afterAll(() => console.log(sizes.join("\n")));

/** What is loaded at once, or with what an appraisal needs: all but what is needed seldom. */
async function sizeOf(what: string, code: string, part: "at once" | "in all"): Promise<number> {
  const { atOnce, later } = await bundleInChunks({ code }, "browser");
  const chunks = part === "at once" ? [] : [...later].filter(([path]) => !SELDOM.includes(path));
  const texts = [atOnce, ...chunks.map(([, text]) => text)];
  const sum = (size: (text: string) => number) => texts.map(size).reduce((a, b) => a + b);
  const size = sum(gzipped);
  sizes.push(
    `${`${what}, ${part}`.padEnd(52)} ${(sum(({ length }) => length) / KIB).toFixed(1).padStart(6)} KiB minified, ${(size / KIB).toFixed(1).padStart(5)} KiB gzipped`,
  );
  return size;
}

describe("browser code", () => {
  test("verifying a bundle costs at most 28 KiB, and 32 where it is imported beside the appraisal", async () => {
    const sizeFrom = (entry: string) =>
      sizeOf(`verifyBundle of ${entry}`, `export { verifyBundle } from "touchstone/${entry}";`, "at once");
    expect(await sizeFrom("verifier/bundle")).toBeLessThanOrEqual(28 * KIB);
    expect(await sizeFrom("verifier")).toBeLessThanOrEqual(32 * KIB);
  });

  test("a page that appraises asks for the bundle after 39 KiB, and has 64 in all", async () => {
    expect(await sizeOf("appraiseEvidence, fetchPolicy", APPRAISAL, "at once")).toBeLessThanOrEqual(39 * KIB);
    expect(await sizeOf("appraiseEvidence, fetchPolicy", APPRAISAL, "in all")).toBeLessThanOrEqual(64 * KIB);
    const everything = `export * from "touchstone/verifier";`;
    expect(await sizeOf("everything in touchstone/verifier", everything, "in all")).toBeLessThanOrEqual(
      65 * KIB,
    );
  });

  test("sealing to an appraised machine costs at most 12 KiB more", async () => {
    const alone = await sizeOf("appraiseEvidence, fetchPolicy", APPRAISAL, "in all");
    const both = await sizeOf("createSealedFetch beside them", SEALED, "in all");
    expect(both - alone).toBeLessThanOrEqual(12 * KIB);
    expect(both).toBeLessThanOrEqual(76 * KIB);
  });

  test("a lookup costs a page that fetches bundles at most 2 KiB more", async () => {
    const alone = await sizeOf("fetchPolicy, createBrowserStore", BUNDLES, "at once");
    const code = `${BUNDLES} export { fetchLookup } from "touchstone/verifier/lookup";`;
    expect((await sizeOf("fetchLookup beside them", code, "at once")) - alone).toBeLessThanOrEqual(2 * KIB);
  });

  test("fetching, verifying and remembering, beside it", async () => {
    expect(await sizeOf("fetchPolicy, createBrowserStore", BUNDLES, "at once")).toBeGreaterThan(0);
  });

  test.each(Object.keys(LOADED_LATER))(
    "touchstone/%s needs no module of Node's, and loads nothing later but what is named",
    async (entry) => {
      const { atOnce, later } = await bundleInChunks(
        { code: `export * from "touchstone/${entry}";` },
        "browser",
      );
      // What cannot be bundled fails the build; what is left to be loaded later is what is named here, from where the page itself is from.
      const targets = [atOnce, ...later.values()].flatMap((text) => text.match(/import\([^)]*\)/g) ?? []);
      expect(targets.filter((target) => !/^import\("\.\/[\w.-]+\.js"\)$/.test(target))).toEqual([]);
      expect([...later.keys()].filter((path) => path.endsWith(".ts"))).toEqual(LOADED_LATER[entry]);
    },
  );

  test("ML-DSA-44 costs those who need it at most 12 KiB more", async () => {
    const { later } = await bundleInChunks({ code: BUNDLES }, "browser");
    expect(gzipped([...later.values()].join("\n"))).toBeLessThanOrEqual(12 * KIB);
  });

  test("a build that needs one fails, so that the tests above can", async () => {
    await expect(bundle({ code: `export * from "touchstone/verifier/node";` }, "browser")).rejects.toThrow(
      /node:fs/,
    );
  });
});
