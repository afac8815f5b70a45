// The example page in a real browser: from a cold start to the verdict, with the browser's own WebCrypto and under its own CSP.
import { existsSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { encodeHex } from "../../src/protocol/encoding/hex.ts";
import { encodeEvidence, type Machine, tamper } from "../../src/testing/index.ts";
import { machineOf, makeWorld, type World } from "../support/appraisal-world.ts";
import { CHROMIUM, CHROMIUM_FLAGS, observePage, type Recorded } from "../support/chromium.ts";
import { NOW } from "../support/clock.ts";
import { bundle, readProject, withRoots } from "../support/example-build.ts";

const EXAMPLE = "examples/verifier-browser";

const available = existsSync(CHROMIUM);
const title = available
  ? "the example page"
  : `the example page (skipped: no browser at ${CHROMIUM}; set CHROMIUM_PATH)`;

describe.skipIf(!available)(title, () => {
  let browser: Browser;
  let server: Server;
  let url: string;
  let good: Machine;
  let world: World;
  let shown: Machine;
  const pages: Page[] = [];

  beforeAll(async () => {
    good = await machineOf();
    world = await makeWorld(good, { binding: { channel: "hpke" } });
    const settings = { LOG: "", SERVICE: "/service", POLICY: "production", PIN: world.pin };
    const script = await bundle({ entry: `${EXAMPLE}/page.ts` }, "browser", {
      [`${EXAMPLE}/settings.ts`]: settings,
      ...withRoots(good.roots),
    });
    const files: Record<string, readonly [type: string, content: () => string | Uint8Array]> = {
      "/": ["text/html", () => readProject(`${EXAMPLE}/index.html`)],
      "/page.js": ["text/javascript", () => script],
      "/page.css": ["text/css", () => readProject(`${EXAMPLE}/page.css`)],
      "/v1/policies/production": ["application/json", () => world.bundle],
      "/service/hpke-key": ["application/octet-stream", () => shown.channel.spki],
      [`/service/evidence?nonce=${encodeHex(good.nonce)}`]: [
        "application/json",
        () => encodeEvidence(shown.evidence),
      ],
    };
    server = createServer((request, response) => {
      const [type, content] = files[request.url ?? ""] ?? [];
      if (type === undefined || content === undefined) response.writeHead(404).end();
      else response.writeHead(200, { "content-type": `${type}; charset=utf-8` }).end(content());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/`;
    browser = await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_FLAGS });
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });
  afterEach(async () => {
    for (const page of pages.splice(0)) await page.context().close();
  });

  /** Opens the page in a context of its own, as a first visit does, and waits for the verdict. */
  async function visit(
    machine: Machine,
    colorScheme: "light" | "dark" = "light",
  ): Promise<{ page: Page; complaints: string[] }> {
    shown = machine;
    const context = await browser.newContext({ colorScheme, viewport: { width: 1000, height: 760 } });
    const page = await context.newPage();
    pages.push(page);
    const complaints: string[] = [];
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    await page.addInitScript(observePage, { now: NOW.getTime(), nonce: [...good.nonce] });
    await page.goto(url);
    await page.waitForSelector("body[data-verdict]");
    return {
      page,
      complaints: complaints.filter((text) => !text.includes("favicon") && !text.includes("404")),
    };
  }

  async function keepScreenshot(page: Page, name: string): Promise<void> {
    const folder = process.env.TOUCHSTONE_SCREENSHOTS;
    if (folder !== undefined)
      writeFileSync(`${folder}/${name}.png`, await page.screenshot({ fullPage: true }));
  }

  test("trusts a good machine, with nothing refused by its Content-Security-Policy", async () => {
    const { page, complaints } = await visit(good);
    await keepScreenshot(page, "trusted");
    expect(await page.textContent("h1")).toBe("Trusted");
    expect(await page.textContent("summary")).toBe("75 of 75 checks passed");
    expect(complaints).toEqual([]);
  });

  test("shows what differs on another one, and by which entry", async () => {
    const { page } = await visit(
      await machineOf({
        channel: good.channel,
        nonce: good.nonce,
        tdx: { body: { mrTd: new Uint8Array(48).fill(1) } },
      }),
      "dark",
    );
    await keepScreenshot(page, "rejected");
    expect(await page.textContent("h1")).toBe("Not trusted");
    expect(await page.textContent("section")).toContain("stated byplatform/h100-vm@1");
  });

  test("refuses a key that the evidence does not vouch for", async () => {
    const { page } = await visit(await tamper(good, "channel-key-swapped"));
    expect(await page.getAttribute("body", "data-verdict")).toBe("rejected");
  });

  test("from a cold page to the verdict: the time, beside that of its WebCrypto verifications alone", async () => {
    const runs: Recorded[] = [];
    for (let i = 0; i < 9; i++) {
      const { page } = await visit(good);
      runs.push(await page.evaluate<Recorded>("measure()"));
      await page.context().close();
      pages.pop();
    }
    const median = (of: (run: Recorded) => number) =>
      runs.map(of).toSorted((a, b) => a - b)[Math.floor(runs.length / 2)] ?? 0;
    const total = median(({ verdictAt }) => verdictAt);
    const alone = median(({ verificationMs }) => verificationMs);
    console.log(
      [
        `cold page to verdict, bundle + TDX + H100: ${total.toFixed(0)} ms (median of ${runs.length})`,
        `its ${runs[0]?.verifications} WebCrypto verifications alone, one after another: ${alone.toFixed(1)} ms`,
        `ratio ${(total / alone).toFixed(1)}`,
      ].join("\n"),
    );
    expect(runs[0]?.verifications).toBeGreaterThan(20);
  });
});
