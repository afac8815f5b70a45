// What a page has to load: the verifier, minified and compressed, and an ordinary policy bundle.
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { POLICY } from "./example-log.ts";
import { type Measurement, spreadOf } from "./harness.ts";
import { serveLog } from "./servers.ts";
import type { World } from "./world.ts";

const VERIFIER = fileURLToPath(new URL("../src/verifier/", import.meta.url));

export async function measureBrowserCode(world: World): Promise<Measurement[]> {
  const bundleVerifier = await bundleOf(`export { verifyBundle } from "./bundle/verify-bundle.js";`);
  const appraisal = await bundleOf(
    `export { verifyBundle } from "./bundle/verify-bundle.js"; export { appraiseEvidence } from "./appraisal/appraise.js";`,
  );
  const sealed = await bundleOf(
    `export { createBrowserStore } from "./bundle/state-store.js"; export { createSealedFetch } from "../sealed/create-sealed-fetch.js";`,
  );
  const bundle = await ordinaryBundle(world);
  return [
    size("code of the bundle verifier, minified + gzip", bundleVerifier, 24),
    size("code of the whole appraisal (bundle, TDX, NVIDIA), minified + gzip", appraisal, 58),
    size("code of createSealedFetch with the appraisal, minified + gzip", sealed, 100),
    size("policy bundle of the example release, as JSON", bundle, 64),
  ];
}

/** Bundles a module of the verifier's folder for the browser. */
async function bundleOf(contents: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: VERIFIER },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    write: false,
    logLevel: "error",
  });
  return gzipSync(outputFiles[0]?.contents ?? new Uint8Array(), { level: 9 });
}

async function ordinaryBundle(world: World): Promise<Uint8Array> {
  const service = await serveLog(await world.newLog("bundle"));
  const response = await fetch(`${service.url}/v1/policies/${POLICY}`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  await service.stop();
  if (response.status !== 200) throw new Error(`the bundle was answered with ${response.status}`);
  return bytes;
}

function size(what: string, bytes: Uint8Array, most: number): Measurement {
  const kilobytes = bytes.length / 1000;
  return {
    row: "browser-code",
    what,
    unit: "KB",
    floor: null,
    figure: spreadOf([kilobytes]),
    ratio: null,
    target: `≤ ${most} KB`,
    reached: kilobytes <= most,
    note: what.includes("JSON")
      ? `${(brotliCompressSync(bytes).length / 1000).toFixed(1)} KB as it is sent, with brotli`
      : "",
  };
}
