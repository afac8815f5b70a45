// The example page in Chromium, from a cold start to its verdict over a bundle, a TDX quote and an H100, all made up. Beside it the time
// that its WebCrypto verifications take alone, one after another, in the same page, and an empty page of the same origin.
import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";
import type { RunningServer } from "../src/http/server.ts";
import { madeUpModel, serveChatPage } from "../test/support/chat-page.ts";
import { CHROMIUM, CHROMIUM_FLAGS, observePage } from "../test/support/chromium.ts";
import { NOW } from "../test/support/clock.ts";
import { SealedMachine } from "../test/support/sealed-machine.ts";
import { interleave, type Measurement, ratios, spreadOf } from "./harness.ts";
import type { World } from "./world.ts";

interface Visit {
  /** Milliseconds from the start of the navigation to the verdict, or to the load event of an empty page. */
  readonly endedAt: number;
  readonly verificationMs: number;
  readonly verifications: number;
}

const EMPTY = "/empty";
const EMPTY_WITH_SCRIPT = "/empty-with-script";

export async function measureBrowser({ rounds }: World): Promise<Measurement[]> {
  if (!existsSync(CHROMIUM)) {
    console.error(`  skipped: no browser at ${CHROMIUM}; set CHROMIUM_PATH`);
    return [];
  }
  const { server, nonce } = await servePage();
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_FLAGS });
  const { address } = server;
  const { page, empty, scripted } = await interleave(rounds, {
    page: () => visit(browser, (page) => judge(page, address, nonce)),
    empty: () => visit(browser, (page) => load(page, `${address}${EMPTY}`)),
    scripted: () => visit(browser, (page) => load(page, `${address}${EMPTY_WITH_SCRIPT}`)),
  });
  await browser.close();
  await server.stop();
  return [besideVerifications(page), besideEmptyPage(page, empty, scripted)];
}

function besideVerifications(visits: readonly Visit[]): Measurement {
  const times = visits.map(({ endedAt }) => endedAt);
  const alone = visits.map(({ verificationMs }) => verificationMs);
  const inFloors = ratios(times, alone).median;
  const figure = spreadOf(times);
  return {
    row: "browser",
    what: "Chromium, cold page to verdict: bundle + TDX + H100",
    unit: "ms",
    floor: spreadOf(alone),
    figure,
    ratio: ratios(alone, times),
    target: "≤ 3 × the floor, ≤ 150 ms",
    reached: inFloors <= 3 && figure.median <= 150,
    note: `floor: its ${visits[0]?.verifications} WebCrypto verifications alone, one after another, in the same page; ${inFloors.toFixed(1)} × the floor`,
  };
}

function besideEmptyPage(
  visits: readonly Visit[],
  empty: readonly Visit[],
  scripted: readonly Visit[],
): Measurement {
  const [times = [], floor = [], withScript = []] = [visits, empty, scripted].map((of) =>
    of.map(({ endedAt }) => endedAt),
  );
  const inFloors = ratios(times, floor).median;
  return {
    row: "browser",
    what: "the same beside an empty page",
    unit: "ms",
    floor: spreadOf(floor),
    figure: spreadOf(times),
    ratio: ratios(floor, times),
    target: "≤ 4 × the floor",
    reached: inFloors <= 4,
    note: `${inFloors.toFixed(1)} × the floor, ${ratios(times, withScript).median.toFixed(1)} × an empty page with one script, which has nothing in it either`,
  };
}

/** Serves the pages, a policy, and the evidence of a machine that it fits, which is made beforehand: a page's nonce is always the same. */
async function servePage(): Promise<{ server: RunningServer; nonce: Uint8Array }> {
  const machine = await SealedMachine.start();
  machine.answering = madeUpModel(async function* () {});
  const server = await serveChatPage(machine);
  const { nonce } = machine.good;
  const [current] = machine.keys.published;
  const evidence = await machine.evidence(nonce, current?.publicKey ?? new Uint8Array());
  machine.between = async (request, forward) => {
    const { pathname, searchParams } = new URL(request.url);
    if (searchParams.has("nonce")) return new Response(evidence.slice());
    return emptyFile(pathname) ?? forward();
  };
  return { server, nonce };
}

function emptyFile(path: string): Response | undefined {
  const page = (head: string) =>
    file("text/html", `<!doctype html><html lang="en"><title>Empty</title>${head}`);
  if (path === EMPTY) return page("");
  if (path === EMPTY_WITH_SCRIPT) return page('<script type="module" src="empty.js"></script>');
  return path === "/empty.js" ? file("text/javascript", "") : undefined;
}

function file(type: string, content: string): Response {
  return new Response(content, { headers: { "content-type": `${type}; charset=utf-8` } });
}

/** In a context of its own, as a first visit is: nothing is cached, nothing is compiled. */
async function visit(browser: Browser, measure: (page: Page) => Promise<Visit>): Promise<Visit> {
  const context = await browser.newContext();
  const measured = await measure(await context.newPage());
  await context.close();
  return measured;
}

async function judge(page: Page, url: string, nonce: Uint8Array): Promise<Visit> {
  await page.addInitScript(observePage, { now: NOW.getTime(), nonce: [...nonce] });
  await page.goto(url, { waitUntil: "commit" });
  const { verdict, ...measured } = await page.evaluate<Visit & { verdict: string }>("measure()");
  if (verdict !== "trusted") throw new Error(`the page's verdict is ${verdict}`);
  return measured;
}

async function load(page: Page, url: string): Promise<Visit> {
  await page.goto(url);
  const endedAt = await page.evaluate<number>("performance.getEntriesByType('navigation')[0].loadEventEnd");
  return { endedAt, verificationMs: 0, verifications: 0 };
}
