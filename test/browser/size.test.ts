// What a page pays for verification: minified and gzipped, with no module of Node's anywhere in it.
import { afterAll, describe, expect, test } from "vitest";
import { bundle, gzipped } from "../support/example-build.ts";

const KIB = 1024;
const sizes: string[] = [];
afterAll(() => console.log(sizes.join("\n")));

async function sizeOf(what: string, code: string): Promise<number> {
  const text = await bundle({ code }, "browser");
  const size = gzipped(text);
  sizes.push(
    `${what.padEnd(52)} ${(text.length / KIB).toFixed(1).padStart(6)} KiB minified, ${(size / KIB).toFixed(1).padStart(5)} KiB gzipped`,
  );
  return size;
}

describe("browser code", () => {
  test("verifying a bundle costs at most 47 KiB", async () => {
    expect(
      await sizeOf("verifyBundle", `export { verifyBundle } from "touchstone/verifier";`),
    ).toBeLessThanOrEqual(47 * KIB);
  });

  test("a full appraisal costs at most 130 KiB", async () => {
    const code = `export { appraiseEvidence, createBrowserStore, fetchPolicy } from "touchstone/verifier";`;
    expect(await sizeOf("fetchPolicy, createBrowserStore, appraiseEvidence", code)).toBeLessThanOrEqual(
      130 * KIB,
    );
    expect(
      await sizeOf("everything in touchstone/verifier", `export * from "touchstone/verifier";`),
    ).toBeLessThanOrEqual(130 * KIB);
  });

  test("fetching, verifying and remembering, beside it", async () => {
    const code = `export { createBrowserStore, fetchPolicy } from "touchstone/verifier";`;
    expect(await sizeOf("fetchPolicy, createBrowserStore", code)).toBeGreaterThan(0);
  });

  test.each(["protocol", "verifier", "testing"])("touchstone/%s needs no module of Node's", async (entry) => {
    const text = await bundle({ code: `export * from "touchstone/${entry}";` }, "browser");
    // What cannot be bundled fails the build, and nothing is left to be loaded later.
    expect(text).not.toContain("import(");
  });

  test("a build that needs one fails, so that the tests above can", async () => {
    await expect(bundle({ code: `export * from "touchstone/verifier/node";` }, "browser")).rejects.toThrow(
      /node:fs/,
    );
  });
});
