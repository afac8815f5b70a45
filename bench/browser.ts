// The example page in Chromium, from a cold start to its verdict over a bundle, a TDX quote and an H100, all made up; beside it the
// time that its WebCrypto verifications take alone, one after another, in the same page.
import { existsSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type Browser, chromium } from "playwright-core";
import { encodeHex } from "../src/protocol/encoding/hex.ts";
import { encodeEvidence } from "../src/testing/index.ts";
import { machineOf, makeWorld } from "../test/support/appraisal-world.ts";
import { CHROMIUM, CHROMIUM_FLAGS, observePage } from "../test/support/chromium.ts";
import { NOW } from "../test/support/clock.ts";
import { bundle, readProject, withRoots } from "../test/support/example-build.ts";
import { interleave, type Measurement, ratios, spreadOf } from "./harness.ts";
import type { World } from "./world.ts";

const PAGE = "examples/verifier-browser";

interface Visit {
  /** Milliseconds from the start of the navigation to the verdict. */
  readonly verdictAt: number;
  readonly verificationMs: number;
  readonly verifications: number;
}

export async function measureBrowser({ rounds }: World): Promise<Measurement[]> {
  if (!existsSync(CHROMIUM)) {
    console.error(`  skipped: no browser at ${CHROMIUM}; set CHROMIUM_PATH`);
    return [];
  }
  const { server, nonce } = await servePage();
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_FLAGS });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const { visits } = await interleave(rounds, { visits: () => visit(browser, url, nonce) });
  await browser.close();
  server.close();
  return describe(visits);
}

function describe(visits: readonly Visit[]): Measurement[] {
  const total = visits.map(({ verdictAt }) => verdictAt);
  const alone = visits.map(({ verificationMs }) => verificationMs);
  const times = ratios(total, alone);
  const shared = {
    row: "browser",
    unit: "ms",
    floor: spreadOf(alone),
    figure: spreadOf(total),
    ratio: ratios(alone, total),
  };
  return [
    {
      ...shared,
      what: "Chromium, cold page to verdict: bundle + TDX + H100",
      target: "≤ 3 × the floor, ≤ 150 ms",
      reached: times.median <= 3 && shared.figure.median <= 150,
      note: `floor: its ${visits[0]?.verifications} WebCrypto verifications alone, one after another, in the same page; ${times.median.toFixed(1)} × the floor`,
    },
  ];
}

/** Serves the page with a bundle and the evidence of a machine that the policy fits. */
async function servePage(): Promise<{ server: Server; nonce: Uint8Array }> {
  const machine = await machineOf();
  const world = await makeWorld(machine, { binding: { channel: "hpke" } });
  const script = await bundle({ entry: `${PAGE}/page.ts` }, "browser", {
    [`${PAGE}/settings.ts`]: { LOG: "", SERVICE: "/service", POLICY: "production", PIN: world.pin },
    ...withRoots(machine.roots),
  });
  const files: Record<string, readonly [type: string, content: string | Uint8Array]> = {
    "/": ["text/html", readProject(`${PAGE}/index.html`)],
    "/page.js": ["text/javascript", script],
    "/page.css": ["text/css", readProject(`${PAGE}/page.css`)],
    "/v1/policies/production": ["application/json", world.bundle],
    "/service/hpke-key": ["application/octet-stream", machine.channel.spki],
    [`/service/evidence?nonce=${encodeHex(machine.nonce)}`]: [
      "application/json",
      encodeEvidence(machine.evidence),
    ],
  };
  const server = createServer((request, response) => {
    const [type, content] = files[request.url ?? ""] ?? [];
    if (type === undefined || content === undefined) response.writeHead(404).end();
    else response.writeHead(200, { "content-type": `${type}; charset=utf-8` }).end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, nonce: machine.nonce };
}

/** In a context of its own, as a first visit is: nothing is cached, nothing is compiled. */
async function visit(browser: Browser, url: string, nonce: Uint8Array): Promise<Visit> {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.addInitScript(observePage, { now: NOW.getTime(), nonce: [...nonce] });
  await page.goto(url);
  await page.waitForSelector("body[data-verdict=trusted]");
  const measured = await page.evaluate<Visit>("measure()");
  await context.close();
  return measured;
}
