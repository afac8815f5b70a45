// What a page has to load: the verifier in chunks, minified and compressed, and an ordinary policy bundle.
import { brotliCompressSync } from "node:zlib";
import { bundleInChunks, gzipped } from "../test/support/example-build.ts";
import { POLICY } from "./example-log.ts";
import { type Measurement, spreadOf } from "./harness.ts";
import { serveLog } from "./servers.ts";
import type { World } from "./world.ts";

const VERIFIER = `export { verifyBundle } from "./src/verifier/bundle/index.js";`;
const BUNDLES = `export { createBrowserStore, fetchPolicy } from "./src/verifier/bundle/index.js";`;
const APPRAISAL = `${BUNDLES} export { appraiseEvidence } from "./src/verifier/index.js";`;
const SEALED = `${BUNDLES} export { createSealedFetch } from "./src/sealed/index.js";`;

export async function measureBrowserCode(world: World): Promise<Measurement[]> {
  const verifier = await weigh(VERIFIER);
  const appraisal = await weigh(APPRAISAL);
  const sealed = await weigh(SEALED);
  const bundle = await ordinaryBundle(world);
  return [
    size("code of the bundle verifier, minified + gzip", verifier.atOnce, 24),
    size("code of an appraisal before its first request, minified + gzip", appraisal.atOnce, 40),
    size("code of the whole appraisal (bundle, TDX, NVIDIA), minified + gzip", appraisal.inAll, 58),
    size("code of createSealedFetch before its first request, minified + gzip", sealed.atOnce, 50),
    size("code of createSealedFetch with the appraisal, minified + gzip", sealed.inAll, 100),
    {
      ...size("policy bundle of the example release, as JSON", bundle.length, 64),
      note: `${(brotliCompressSync(bundle).length / 1000).toFixed(1)} KB as it is sent, with brotli`,
    },
  ];
}

/** Loaded where a quorum counts such a key, and where a policy binds evidence to the certificate of a connection, which no page sees. */
const SELDOM = /(?:ml-dsa-44|certificate-binding)\.(?:js|ts)$/;

async function weigh(code: string): Promise<{ atOnce: number; inAll: number }> {
  const { atOnce, later } = await bundleInChunks({ code }, "browser");
  const chunks = [...later].filter(([path]) => !SELDOM.test(path));
  const first = gzipped(atOnce);
  return { atOnce: first, inAll: chunks.reduce((sum, [, text]) => sum + gzipped(text), first) };
}

async function ordinaryBundle(world: World): Promise<Uint8Array> {
  const service = await serveLog(await world.newLog("bundle"));
  const response = await fetch(`${service.url}/v1/policies/${POLICY}`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  await service.stop();
  if (response.status !== 200) throw new Error(`the bundle was answered with ${response.status}`);
  return bytes;
}

function size(what: string, bytes: number, most: number): Measurement {
  const kilobytes = bytes / 1000;
  return {
    row: "browser-code",
    what,
    unit: "KB",
    floor: null,
    figure: spreadOf([kilobytes]),
    ratio: null,
    target: `≤ ${most} KB`,
    reached: kilobytes <= most,
    note: "",
  };
}
