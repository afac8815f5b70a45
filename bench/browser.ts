// The example page in Chromium, from a cold start to its verdict over a bundle, a TDX quote and an H100, all made up; beside it the
// time that its WebCrypto verifications take alone, one after another, in the same page.
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";
import type { RunningServer } from "../src/http/server.ts";
import { madeUpModel, serveChatPage } from "../test/support/chat-page.ts";
import { CHROMIUM, CHROMIUM_FLAGS, observePage } from "../test/support/chromium.ts";
import { NOW } from "../test/support/clock.ts";
import { SealedMachine } from "../test/support/sealed-machine.ts";
import { interleave, type Measurement, ratios, spreadOf } from "./harness.ts";
import type { World } from "./world.ts";

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
  const { visits } = await interleave(rounds, { visits: () => visit(browser, server.address, nonce) });
  await browser.close();
  await server.stop();
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

/** Serves the page, a policy, and the evidence of a machine that it fits, which is made beforehand: a page's nonce is always the same. */
async function servePage(): Promise<{ server: RunningServer; nonce: Uint8Array }> {
  const machine = await SealedMachine.start();
  machine.answering = madeUpModel(async function* () {});
  const server = await serveChatPage(machine);
  const { nonce } = machine.good;
  const [current] = machine.keys.published;
  const evidence = await machine.evidence(nonce, current?.publicKey ?? new Uint8Array());
  machine.between = async (request, forward) =>
    new URL(request.url).searchParams.has("nonce") ? new Response(evidence.slice()) : forward();
  return { server, nonce };
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
