// What a page pays for verification: minified and gzipped, with no module of Node's anywhere in it.
import { afterAll, describe, expect, test } from "vitest";
import { bundle, bundleInChunks, gzipped } from "../support/example-build.ts";

const KIB = 1024;
/** Modules that are loaded when they are needed, and with them what only they need. */
const ML_DSA_44 = ["src/protocol/note/ml-dsa-44.ts"];
const LOADED_LATER: Readonly<Record<string, readonly string[]>> = {
  protocol: ML_DSA_44,
  verifier: ML_DSA_44,
  sealed: ML_DSA_44,
  testing: [],
};

const sizes: string[] = [];
afterAll(() => console.log(sizes.join("\n")));

async function sizeOf(what: string, code: string): Promise<number> {
  const { atOnce: text } = await bundleInChunks({ code }, "browser");
  const size = gzipped(text);
  sizes.push(
    `${what.padEnd(52)} ${(text.length / KIB).toFixed(1).padStart(6)} KiB minified, ${(size / KIB).toFixed(1).padStart(5)} KiB gzipped`,
  );
  return size;
}

describe("browser code", () => {
  test("verifying a bundle costs at most 27.5 KiB", async () => {
    expect(
      await sizeOf("verifyBundle", `export { verifyBundle } from "touchstone/verifier";`),
    ).toBeLessThanOrEqual(27.5 * KIB);
  });

  test("a full appraisal costs at most 73 KiB", async () => {
    const code = `export { appraiseEvidence, createBrowserStore, fetchPolicy } from "touchstone/verifier";`;
    expect(await sizeOf("fetchPolicy, createBrowserStore, appraiseEvidence", code)).toBeLessThanOrEqual(
      73 * KIB,
    );
    expect(
      await sizeOf("everything in touchstone/verifier", `export * from "touchstone/verifier";`),
    ).toBeLessThanOrEqual(73 * KIB);
  });

  test("sealing to an appraised machine costs at most 12 KiB more", async () => {
    const verifier = `export { appraiseEvidence, createBrowserStore, fetchPolicy } from "touchstone/verifier";`;
    const alone = await sizeOf("fetchPolicy, createBrowserStore, appraiseEvidence", verifier);
    const code = `${verifier} export { createSealedFetch } from "touchstone/sealed";`;
    const both = await sizeOf("createSealedFetch beside them", code);
    expect(both - alone).toBeLessThanOrEqual(12 * KIB);
    expect(both).toBeLessThanOrEqual(100 * KIB);
  });

  test("fetching, verifying and remembering, beside it", async () => {
    const code = `export { createBrowserStore, fetchPolicy } from "touchstone/verifier";`;
    expect(await sizeOf("fetchPolicy, createBrowserStore", code)).toBeGreaterThan(0);
  });

  test.each(["protocol", "verifier", "sealed", "testing"])(
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
    const { later } = await bundleInChunks(
      { code: `export { verifyBundle } from "touchstone/verifier";` },
      "browser",
    );
    expect(gzipped([...later.values()].join("\n"))).toBeLessThanOrEqual(12 * KIB);
  });

  test("a build that needs one fails, so that the tests above can", async () => {
    await expect(bundle({ code: `export * from "touchstone/verifier/node";` }, "browser")).rejects.toThrow(
      /node:fs/,
    );
  });
});
