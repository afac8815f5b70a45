// The two pages in a real browser: they draw, ask nobody but the service, and break no rule of their own Content-Security-Policy.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { overviewPage } from "../../../src/service/pages/overview.ts";
import { type RunningServer, startServer } from "../../../src/service/server.ts";
import { CHROMIUM, CHROMIUM_FLAGS } from "../../support/chromium.ts";
import { NOW } from "../../support/clock.ts";
import { revocationPredicate } from "../../support/document-predicates.ts";
import { ServiceHarness } from "../../support/service-harness.ts";
import { signPlatforms, signStatement } from "../../support/signing.ts";

/** Set to a folder to keep what the pages look like. */
const SCREENSHOTS = process.env.SCREENSHOTS;

describe.skipIf(!existsSync(CHROMIUM))("in Chromium", () => {
  let service: ServiceHarness;
  let server: RunningServer;
  let browser: Browser;

  beforeAll(async () => {
    service = await ServiceHarness.start();
    const { set } = await service.publishPolicy();
    await service.log.publish(await signPlatforms(service.keys, "fleet/rack", 5));
    const revocation = revocationPredicate({ digests: [set.gsp.payloadDigest] });
    await service.log.publish([await signStatement("revocation", revocation, [service.keys.revocation])]);
    server = await startServer({
      app: service.app,
      host: "127.0.0.1",
      port: 0,
      closeLog: () => service.log.close(),
      graceMs: 1_000,
    });
    browser = await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_FLAGS });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    service?.logHarness.remove();
  });

  async function visit(path: string, ready: string, look: { dark?: boolean; width?: number } = {}) {
    const page = await browser.newPage({
      viewport: { width: look.width ?? 1100, height: 900 },
      colorScheme: look.dark ? "dark" : "light",
    });
    const outside: string[] = [];
    const complaints: string[] = [];
    page.on("request", (request) => {
      if (!request.url().startsWith(server.address) && !request.url().startsWith("data:"))
        outside.push(request.url());
    });
    page.on("console", (message) => {
      if (message.type() === "error" || message.text().includes("Content Security Policy"))
        complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    await page.goto(`${server.address}${path}`);
    await page.waitForSelector(ready);
    if (SCREENSHOTS !== undefined) {
      const name = `${path === "/" ? "overview" : path.slice(1)}${look.dark ? "-dark" : ""}-${look.width ?? 1100}.png`;
      await page.screenshot({ path: join(SCREENSHOTS, name), fullPage: path === "/" });
    }
    return { page, outside, complaints };
  }

  test("/docs lists every operation, with no request to outside and no complaint", async () => {
    const { page, outside, complaints } = await visit("/docs", ".opblock-summary");
    const { paths } = await service.json<{ paths: Record<string, object> }>("/openapi.json");
    const operations = Object.values(paths).flatMap((item) => Object.keys(item)).length;
    expect(await page.locator(".opblock-summary").count()).toBe(operations);
    await page.locator("#operations-policies-getPolicyBundle .opblock-summary").click();
    await page.waitForSelector("#operations-policies-getPolicyBundle .responses-table");
    expect([outside, complaints]).toEqual([[], []]);
    await page.close();
  });

  test.each([
    { dark: false, width: 1100 },
    { dark: true, width: 1100 },
    { dark: false, width: 390 },
  ])("/ shows the log ($width wide, dark: $dark) and fits its window", async (look) => {
    const { page, outside, complaints } = await visit("/", "table", look);
    expect(await page.textContent("h1")).toBe("log.example/touchstone");
    expect(await page.locator("section table").last().locator("tbody tr").count()).toBe(12);
    expect(await page.locator(".bad").count()).toBeGreaterThan(0);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
    expect([outside, complaints]).toEqual([[], []]);
    await page.close();
  });

  test("every link of / leads somewhere", async () => {
    const { page } = await visit("/", "table");
    const links = await page.locator("a").evaluateAll((all) => all.map((a) => a.getAttribute("href") ?? ""));
    // The policy refers to a revoked entry here, so its bundle is refused.
    for (const link of links.filter((href) => href !== "/v1/policies/production")) {
      expect([link, (await fetch(`${server.address}${link}`)).status]).toEqual([link, 200]);
    }
    await page.close();
  });
});

test("what comes from the log is escaped, and an empty log has a page too", async () => {
  const page = await overviewPage({
    origin: '<script>alert("origin")</script>',
    version: "1",
    now: NOW,
    log: null,
    trustRoot: null,
    status: null,
    policies: [],
    entries: [{ index: 0, kind: "platform", name: "<b>name</b>", version: '"><i>', revoked: true }],
  });
  expect(page.toString()).not.toMatch(/<script|<b>|<i>/);
  expect(page.toString()).toContain("has not published a checkpoint yet");
});
