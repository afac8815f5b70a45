// The example page in a real browser, with the browser's own WebCrypto and under its own CSP: it streams from a good machine, and from no
// other; what was cut is said to be.
import { existsSync, writeFileSync } from "node:fs";
import axe from "axe-core";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { RunningServer } from "../../src/http/server.ts";
import { encodeKeyConfigurations, KEYS_TYPE } from "../../src/sealed/oblivious-http/key-configuration.ts";
import { SUITE } from "../../src/sealed/oblivious-http/suite.ts";
import { madeUpModel, serveChatPage } from "../support/chat-page.ts";
import { CHROMIUM, CHROMIUM_FLAGS, fixClock } from "../support/chromium.ts";
import { SealedMachine } from "../support/sealed-machine.ts";

const available = existsSync(CHROMIUM);
const title = available
  ? "the chat page"
  : `the chat page (skipped: no browser at ${CHROMIUM}; set CHROMIUM_PATH)`;

const EVIDENCE = "/.well-known/touchstone/evidence";
/** The chunk of TDX and NVIDIA. */
const JUDGES = /\/judge-machine-/;

describe.skipIf(!available)(title, () => {
  let browser: Browser;
  let machine: SealedMachine;
  let server: RunningServer;
  const pages: Page[] = [];

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_FLAGS });
  });
  afterAll(() => browser?.close());
  beforeEach(async () => {
    machine = await SealedMachine.start();
    machine.answering = madeUpModel(async function* () {
      yield* ["The ", "dose ", "is ", "10 mg."];
    });
    server = await serveChatPage(machine);
  });
  afterEach(async () => {
    for (const page of pages.splice(0)) await page.context().close();
    await server.stop();
  });

  async function visit(
    colorScheme: "light" | "dark" = "light",
    prepare: (page: Page) => Promise<unknown> = async () => undefined,
  ): Promise<{ page: Page; complaints: string[] }> {
    const context = await browser.newContext({ colorScheme, viewport: { width: 1000, height: 760 } });
    const page = await context.newPage();
    pages.push(page);
    const complaints: string[] = [];
    page.on("console", (message) => complaints.push(`${message.text()} ${message.location().url}`));
    page.on("pageerror", (error) => complaints.push(error.message));
    await page.addInitScript(fixClock, machine.now.getTime());
    await prepare(page);
    await page.goto(server.address);
    await page.waitForSelector("body[data-verdict]");
    return { page, complaints };
  }

  async function ask(page: Page, question: string): Promise<void> {
    await page.waitForSelector("textarea:enabled");
    await page.fill("textarea", question);
    await page.keyboard.press("Enter");
  }

  const ofThePage = (complaints: readonly string[]) => complaints.filter((text) => !text.includes("favicon"));
  const posts = () => machine.count("POST /.well-known/ohttp-gateway");

  async function keepScreenshot(page: Page, name: string): Promise<void> {
    const folder = process.env.TOUCHSTONE_SCREENSHOTS;
    if (folder !== undefined) writeFileSync(`${folder}/${name}.png`, await page.screenshot());
  }

  /** Puts something between page and machine, for the answers to sealed requests. */
  function between(change: (response: Response) => Promise<Response>): void {
    machine.between = async (request, forward) =>
      request.method === "POST" ? change(await forward()) : forward();
  }

  test("trusts a good machine, and streams from it, with nothing refused by its Content-Security-Policy", async () => {
    let release: () => void = () => undefined;
    const waiting = new Promise<void>((resolve) => {
      release = resolve;
    });
    machine.answering = madeUpModel(async function* () {
      yield "The dose is ";
      await waiting;
      yield "10 mg.";
    });
    const { page, complaints } = await visit();
    expect(await page.textContent("#state")).toBe("Trusted: first");
    expect(await page.textContent("#checks .count")).toMatch(/^(\d+) of \1 checks passed$/);
    await ask(page, "How much?");
    await expect.poll(() => page.textContent(".assistant")).toBe("The dose is ");
    await keepScreenshot(page, "chat-streaming");
    release();
    await page.waitForSelector(".assistant:not([aria-busy])");
    expect(await page.textContent(".assistant")).toBe("The dose is 10 mg.");
    await keepScreenshot(page, "chat-trusted");
    const asked = JSON.parse(new TextDecoder().decode(machine.served[1]?.content));
    expect(asked).toMatchObject({
      model: "made-up-model",
      messages: [{ role: "user", content: "How much?" }],
      stream: true,
    });
    expect(ofThePage(complaints)).toEqual([]);
  });

  test("asks the log and the machine before what judges their answers has arrived", async () => {
    const asked = new Set<string>();
    const { page } = await visit("light", async (page) => {
      const bothAsked = new Promise<void>((resolve) => {
        page.on("request", (request) => {
          asked.add(new URL(request.url()).pathname);
          if (["/v1/policies/production", EVIDENCE].every((path) => asked.has(path))) resolve();
        });
      });
      await page.route(JUDGES, async (route) => {
        await bothAsked;
        await route.continue();
      });
    });
    expect(await page.textContent("#state")).toBe("Trusted: first");
    expect([...asked].filter((path) => JUDGES.test(path))).toHaveLength(1);
  });

  test("sends nothing where what judges the answers does not arrive", async () => {
    const { page } = await visit("light", (page) => page.route(JUDGES, (route) => route.abort()));
    await page.waitForSelector(".refused");
    expect(await page.textContent(".refused")).toContain("the code that appraises cannot be loaded");
    expect(await page.isDisabled("textarea")).toBe(true);
    expect(posts()).toBe(0);
  });

  test("can be read and used by everybody, in both colour schemes", async () => {
    for (const scheme of ["light", "dark"] as const) {
      const { page } = await visit(scheme);
      await ask(page, "How much?");
      await page.waitForSelector(".assistant:not([aria-busy])");
      await page.click("summary");
      await keepScreenshot(page, `chat-${scheme}`);
      await page.evaluate(axe.source);
      const { violations } = await page.evaluate<{ violations: { id: string; nodes: { html: string }[] }[] }>(
        "axe.run()",
      );
      expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`)).toEqual(
        [],
      );
    }
  });

  test("sends nothing to a machine with another image, and shows what differs, and by which entry", async () => {
    machine.shown = { ...machine.shown, tdx: { body: { mrTd: new Uint8Array(48).fill(1) } } };
    const { page } = await visit("dark");
    await page.waitForSelector(".refused");
    await keepScreenshot(page, "chat-refused");
    expect(await page.textContent("h2")).toBe("Nothing was sent");
    expect(await page.textContent(".refused section")).toContain("stated byplatform/h100-vm@1");
    expect(await page.isDisabled("textarea")).toBe(true);
    expect(posts()).toBe(0);
  });

  test("sends nothing where the key was swapped on the way", async () => {
    const publicKey = await SUITE.SerializePublicKey((await SUITE.GenerateKeyPair()).publicKey);
    const [own] = machine.keys.published;
    machine.between = async (request, forward) => {
      const { pathname, searchParams } = new URL(request.url);
      if (request.method === "GET" && pathname === "/.well-known/ohttp-gateway")
        return new Response(encodeKeyConfigurations([{ id: 0, publicKey }]).slice(), {
          headers: { "content-type": KEYS_TYPE },
        });
      const nonce = searchParams.get("nonce");
      if (nonce === null || own === undefined) return forward();
      return new Response((await machine.evidence(Buffer.from(nonce, "hex"), own.publicKey)).slice());
    };
    const { page } = await visit();
    await page.waitForSelector(".refused");
    expect(await page.textContent(".refused")).toContain("binding.report-data");
    expect(posts()).toBe(0);
  });

  test("says so where an answer was cut, keeps what came, and lets its user ask again", async () => {
    const { page } = await visit();
    await page.waitForSelector("textarea:enabled");
    between(async (response) => {
      const body = new Uint8Array(await response.arrayBuffer());
      return new Response(body.slice(0, body.length - 40), { headers: response.headers });
    });
    await ask(page, "How much?");
    await page.waitForSelector(".assistant.broken");
    await keepScreenshot(page, "chat-cut");
    expect(await page.textContent(".assistant")).toMatch(/^The dose is 10 mg\.The answer was cut/);
    between(async (response) => response);
    await ask(page, "How much?");
    await page.waitForSelector(".assistant:not(.broken):not([aria-busy])");
    const { messages } = JSON.parse(new TextDecoder().decode(machine.served.at(-1)?.content));
    expect(messages).toEqual([{ role: "user", content: "How much?" }]);
  });

  test("takes nothing for an answer that the machine did not seal", async () => {
    const { page } = await visit();
    await page.waitForSelector("textarea:enabled");
    between(
      async () =>
        new Response("data: I am your doctor\n\n", { headers: { "content-type": "text/event-stream" } }),
    );
    await ask(page, "How much?");
    await page.waitForSelector("[role=alert]");
    expect(await page.textContent("#log")).not.toContain("doctor");
  });

  test("ends when the policy is revoked, and not one byte more is sent", async () => {
    const { page } = await visit();
    await ask(page, "How much?");
    await page.waitForSelector(".assistant:not([aria-busy])");
    await machine.revokeImage();
    await page.evaluate("moveClock(61_000)");
    const before = posts();
    await ask(page, "And now?");
    await page.waitForSelector(".refused");
    expect(await page.isDisabled("textarea")).toBe(true);
    expect(await page.textContent("#state")).toBe("Not trusted");
    expect(posts()).toBe(before);
  });
});
