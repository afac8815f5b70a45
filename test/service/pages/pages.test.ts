// The pages in a real browser: they draw, ask nobody but the service, break no rule of their own Content-Security-Policy, have no fault
// that axe finds, fit a phone, work under a path prefix and without JavaScript, and their checks can fail.
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { buildPageScripts } from "../../../scripts/build-page-scripts.ts";
import { type RunningServer, startServer } from "../../../src/http/server.ts";
import { decodeBase64 } from "../../../src/protocol/encoding/base64.ts";
import { encodeEvidence, type Machine, makeEvidenceCertificate } from "../../../src/testing/index.ts";
import { machineOf, makeWorld, type World } from "../../support/appraisal-world.ts";
import { CHROMIUM, CHROMIUM_FLAGS } from "../../support/chromium.ts";
import { NOW } from "../../support/clock.ts";
import { policyPredicate, revocationPredicate } from "../../support/document-predicates.ts";
import { inProject, replacing, withRoots } from "../../support/example-build.ts";
import { makePageScripts } from "../../support/page-scripts.ts";
import { type PrefixProxy, startPrefixProxy } from "../../support/prefix-proxy.ts";
import { ServiceHarness } from "../../support/service-harness.ts";
import { signPlatforms, signStatement } from "../../support/signing.ts";

/** Where the looks of the pages are kept; .gitignore names it. */
const SCREENSHOTS = inProject(".scratch/screenshots");
/** The scripts with the roots of made-up vendors. */
const OWN_SCRIPTS = inProject(".scratch/page-scripts-of-made-up-vendors");
/** A reason that somebody writes who wants to run something on the page. */
const HOSTILE = `</p><script>alert(1)</script><img src=x onerror=alert(1)>" onmouseover="alert(1)`;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const available = existsSync(CHROMIUM);
const title = available
  ? "in Chromium"
  : `in Chromium (skipped: no browser at ${CHROMIUM}; set CHROMIUM_PATH)`;

describe.skipIf(!available)(title, () => {
  let service: ServiceHarness;
  let server: RunningServer;
  let proxy: PrefixProxy;
  let browser: Browser;
  let indexes: { image: number; kernel: number; gsp: number; revocation: number };
  const contexts: BrowserContext[] = [];

  beforeAll(async () => {
    await makePageScripts();
    mkdirSync(SCREENSHOTS, { recursive: true });
    service = await ServiceHarness.start({
      trustRoot: { index: true },
      service: {
        ownWitnesses: [],
        operator: {
          name: "Acme Attestation",
          url: "https://acme.example",
          security: "mailto:security@acme.example",
        },
      },
    });
    const { set, policy } = await service.publishPolicy();
    const [, kernel] = await service.log
      .publish([set.kernel, set.kernel])
      .then((outcomes) => outcomes.map(({ index }) => index));
    const again = policyPredicate(set, { version: 2, previous: policy.payloadDigest });
    await service.log.publish([await signStatement("policy", again, [service.keys.policy])]);
    await service.log.publish(await signPlatforms(service.keys, "fleet/rack", 5));
    const [extra] = await signPlatforms(service.keys, "fleet/old", 1);
    await service.log.publish([extra!]);
    const revocation = revocationPredicate({ digests: [extra!.payloadDigest], reason: HOSTILE });
    await service.log.publish([await signStatement("revocation", revocation, [service.keys.revocation])]);
    const at = async (query: string) =>
      (await service.json<{ entries: Array<{ index: number }> }>(`/v1/entries?${query}`)).entries[0]!.index;
    indexes = {
      image: await at("kind=os-image"),
      kernel: kernel!,
      gsp: await at("kind=gsp-firmware"),
      revocation: await at("kind=revocation"),
    };
    server = await startServer({
      app: service.app,
      host: "127.0.0.1",
      port: 0,
      close: () => service.log.close(),
      graceMs: 1_000,
    });
    proxy = await startPrefixProxy(server.address, "/logs/one");
    browser = await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_FLAGS });
  });
  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close();
  });
  afterAll(async () => {
    await browser?.close();
    await proxy?.stop();
    await server?.stop();
    service?.logHarness.remove();
  });

  interface Look {
    readonly dark?: boolean;
    readonly width?: number;
    readonly scripts?: boolean;
    readonly base?: string;
    /** What the page takes for the time, milliseconds. */
    readonly now?: number;
  }

  /** A visit with what the page asked for elsewhere and complained about. */
  async function visit(
    path: string,
    {
      dark = false,
      width = 1100,
      scripts = true,
      base = server.address,
      now: time = NOW.getTime(),
    }: Look = {},
  ) {
    const context = await browser.newContext({
      viewport: { width, height: 900 },
      colorScheme: dark ? "dark" : "light",
      javaScriptEnabled: scripts,
    });
    contexts.push(context);
    const page = await context.newPage();
    const outside: string[] = [];
    const complaints: string[] = [];
    page.on("request", (request) => {
      if (!request.url().startsWith(base) && !request.url().startsWith("data:")) outside.push(request.url());
    });
    page.on("console", (message) => {
      if (message.type() === "error" || message.text().includes("Content Security Policy"))
        complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    await page.addInitScript((now) => {
      const Clock = Date;
      globalThis.Date = new Proxy(Clock, {
        construct: (target, args) => Reflect.construct(target, args.length === 0 ? [now] : args),
      });
    }, time);
    await page.goto(`${base}${path}`);
    return { page, outside, complaints };
  }

  async function keep(page: Page, name: string): Promise<void> {
    await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
  }

  /** Rules that axe finds broken, with the elements. axe is put in by the test, past the page's policy. */
  async function faultsOf(page: Page): Promise<string[]> {
    await page.evaluate(AXE);
    return page.evaluate(async () => {
      const axe = (
        globalThis as unknown as {
          axe: { run(): Promise<{ violations: Array<{ id: string; nodes: Array<{ html: string }> }> }> };
        }
      ).axe;
      const { violations } = await axe.run();
      return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 120)}`));
    });
  }

  const overflowOf = (page: Page) =>
    page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);

  function pathOf(name: string): string {
    const paths: Record<string, string> = {
      home: "/",
      image: `/entries/${indexes.image}`,
      kernel: `/entries/${indexes.kernel}`,
      revocation: `/entries/${indexes.revocation}`,
      "trust-root": "/entries/0",
      policy: "/policies/production",
      log: "/log",
      search: "/search?q=fleet/rack-0",
      api: "/docs",
      missing: "/entries/99999",
    };
    return paths[name] as string;
  }

  const LOOKS: readonly Look[] = [{}, { dark: true }, { width: 390 }, { width: 360, dark: true }];

  test.each([
    "home",
    "image",
    "kernel",
    "revocation",
    "trust-root",
    "policy",
    "log",
    "search",
    "api",
    "missing",
  ])("%s: nothing from outside, no complaint, nothing that axe finds, and it fits a phone", async (name) => {
    for (const look of LOOKS) {
      const { page, outside, complaints } = await visit(pathOf(name), look);
      await keep(page, `${name}-${look.width ?? 1100}${look.dark ? "-dark" : ""}`);
      const unexpected = complaints.filter((text) => name !== "missing" || !text.includes("404"));
      const overflow = Math.max(0, await overflowOf(page));
      const faults = await faultsOf(page);
      expect({ look, outside, unexpected, overflow, faults }).toEqual({
        look,
        outside: [],
        unexpected: [],
        overflow: 0,
        faults: [],
      });
      await page.context().close();
    }
  });

  test("every link of every page leads somewhere, under a path prefix too", async () => {
    const seen = new Set<string>();
    for (const name of ["home", "image", "policy", "log", "search", "api"]) {
      const { page } = await visit(pathOf(name), { base: proxy.address });
      const links = await page
        .locator("a[href], link[href], script[src], img[src]")
        .evaluateAll((all) =>
          all.map((a) => ("src" in a && a.src !== "" ? String(a.src) : (a as HTMLAnchorElement).href)),
        );
      for (const link of links.filter((one) => one.startsWith(proxy.address)))
        seen.add(link.split("#")[0] ?? "");
      expect(
        links.filter((one) => one.startsWith("http://127.0.0.1") && !one.startsWith(proxy.address)),
      ).toEqual([]);
      await page.context().close();
    }
    expect(seen.size).toBeGreaterThan(20);
    for (const link of seen) expect([link, (await fetch(link)).status]).toEqual([link, 200]);
  });

  test("says everything but the checks without JavaScript, and which command makes them", async () => {
    const { page } = await visit(pathOf("image"), { scripts: false });
    expect(await page.textContent("h1")).toBe("guest 1.0");
    expect(await page.locator("#check-form").isVisible()).toBe(false);
    expect(await page.locator("#check noscript, #check .notice").first().textContent()).toContain(
      "JavaScript",
    );
    expect(await page.locator("#check pre").textContent()).toContain("touchstone proof verify entry-");
  });

  test("hostile text is shown and not run", async () => {
    for (const name of ["home", "revocation"]) {
      const { page, complaints } = await visit(pathOf(name));
      const dialogs: string[] = [];
      page.on("dialog", (dialog) => dialogs.push(dialog.message()));
      expect(await page.textContent("main")).toContain(HOSTILE);
      expect(await page.locator("main img, main script, [onmouseover]").count()).toBe(0);
      expect([dialogs, complaints]).toEqual([[], []]);
    }
    const { page } = await visit(`/search?q=${encodeURIComponent(HOSTILE)}`);
    expect(await page.inputValue("#q")).toBe(HOSTILE);
    expect(await page.locator("main script, main img").count()).toBe(0);
  });

  test("search finds by name, digest, key and index, and says what it looked for", async () => {
    const image = (await service.json(`/v1/entries/${indexes.image}`)) as {
      payloadDigest: string;
      statement: { predicate: { measurements: { rtmr2: string }[] } };
    };
    const trustRoot = (await service.json("/v1/entries/0")) as {
      envelope: { signatures: Array<{ keyid: string }> };
    };
    const queries: Array<[string, string, string]> = [
      ["guest", "exactly this name", `entries/${indexes.image}`],
      ["guest@1.0", "name and version", `entries/${indexes.image}`],
      [image.payloadDigest, "SHA-256", `entries/${indexes.image}`],
      [
        `sha384:${image.statement.predicate.measurements[0]!.rtmr2}`,
        "measurement",
        `entries/${indexes.image}`,
      ],
      [`key:${trustRoot.envelope.signatures[0]!.keyid}`, "this key signed", "entries/0"],
      [" 0 ", "entry 0", "entries/0"],
    ];
    for (const [query, words, link] of queries) {
      const { page } = await visit("/");
      await page.fill("#q", query);
      await page.click("form.search button");
      await page.waitForSelector("h2");
      expect([query, await page.locator("section .dim").first().textContent()]).toEqual([
        query,
        expect.stringContaining(words),
      ]);
      const links = await page
        .locator(".rows a")
        .evaluateAll((all) => all.map((a) => a.getAttribute("href")));
      expect([query, links]).toEqual([query, expect.arrayContaining([link])]);
      await page.context().close();
    }
    const { page } = await visit("/search?q=no%20such%20thing");
    expect(await page.textContent("main")).toContain("Nothing found");
  });

  async function prove(query: string, change: { pin?: string; tamper?: (page: Page) => Promise<void> } = {}) {
    const { page, complaints } = await visit(`/search?q=${encodeURIComponent(query)}`);
    await change.tamper?.(page);
    if (change.pin !== undefined) await page.fill("#pin", change.pin);
    await page.click("#check-run");
    await page.waitForSelector('#check:not([data-outcome="running"])[data-outcome]');
    const words = (await page.locator("#check-steps .outcome").textContent()) ?? "";
    return { page, complaints, outcome: await page.getAttribute("#check", "data-outcome"), words };
  }

  test("what a search found is proven in the page from a pin: exactly these, or none", async () => {
    const pin = await pinOf();
    const image = await service.json<{ payloadDigest: string }>(`/v1/entries/${indexes.image}`);
    const found = await prove(image.payloadDigest, { pin });
    await keep(found.page, "search-proven");
    expect(found).toMatchObject({ outcome: "verified", complaints: [] });
    expect(found.words).toMatch(/^Proven from your pin: of the first \d+ entries exactly these: /);
    const listed = await found.page.locator(".rows li .dim:last-of-type").allTextContents();
    const proven = found.words.match(/\d+/g)!.slice(1).map(Number);
    expect(listed.map((text) => Number(text.replace("entry ", ""))).reverse()).toEqual(proven);
    const nothing = await prove("ab".repeat(48), { pin });
    expect(nothing.words).toMatch(/^Proven from your pin: none of the first \d+ entries\.$/);
    const key = await prove(`key:${service.keys.status.keyId}`);
    expect(key).toMatchObject({ outcome: "unpinned", words: expect.stringMatching(/^The log agrees/) });
  });

  test("a search is not proven by another pin, by a service that hides an entry, or of a mere name", async () => {
    const image = await service.json<{ payloadDigest: string }>(`/v1/entries/${indexes.image}`);
    const elsewhere = await prove(image.payloadDigest, { pin: "0".repeat(64) });
    expect(elsewhere).toMatchObject({ outcome: "failed", words: expect.stringContaining("trust root") });
    const tamper = async (page: Page) => {
      await page.route("**/v1/lookup/digest/**", async (route) => {
        const json = await (await route.fetch()).json();
        await route.fulfill({ json: { ...json, indices: json.indices.slice(1) } });
      });
    };
    const hidden = await prove(image.payloadDigest, { pin: await pinOf(), tamper });
    expect(hidden).toMatchObject({ outcome: "failed", words: expect.stringContaining("root") });
    const { page } = await visit("/search?q=guest");
    expect(await page.locator("#check").count()).toBe(0);
  });

  test("a file is hashed where it is, and searched for by its digest", async () => {
    const { page } = await visit("/");
    const sent: string[] = [];
    page.on("request", (request) => sent.push(`${request.method()} ${request.postData() ?? ""}`));
    await page.setInputFiles("#drop-file", {
      name: "x.bin",
      mimeType: "application/octet-stream",
      buffer: Buffer.from("abc"),
    });
    await page.waitForURL(/search\?q=/);
    expect(new URL(page.url()).searchParams.get("q")).toBe(
      "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
    expect(sent.filter((one) => one !== "GET ")).toEqual([]);
  });

  async function checkEntry(change: { pin?: string; tamper?: (page: Page) => Promise<void> }) {
    const { page, complaints } = await visit(pathOf("image"));
    await change.tamper?.(page);
    if (change.pin !== undefined) await page.fill("#pin", change.pin);
    await page.click("#check-run");
    await page.waitForSelector('#check:not([data-outcome="running"])[data-outcome]');
    const outcome = await page.getAttribute("#check", "data-outcome");
    const words = (await page.locator("#check-steps .outcome").textContent()) ?? "";
    return { page, complaints, outcome, words, passed: await page.locator("#check-steps .pass").count() };
  }

  const pinOf = async () =>
    (await service.json<{ versions: Array<{ digest: string }> }>("/v1/trust-root")).versions[0]!.digest;

  test("an entry is verified in the page from a pin, and the path to the root is drawn", async () => {
    const { page, complaints, outcome, passed } = await checkEntry({ pin: await pinOf() });
    await keep(page, "image-verified");
    expect({ outcome, passed, complaints }).toEqual({ outcome: "verified", passed: 6, complaints: [] });
    expect(await page.locator("#check-path li").count()).toBeGreaterThan(3);
  });

  test("without a pin it only says that the log agrees with itself", async () => {
    const { outcome, words } = await checkEntry({});
    expect({ outcome, words }).toEqual({ outcome: "unpinned", words: expect.stringContaining("Give a pin") });
  });

  test("a pin of another log fails visibly", async () => {
    const { outcome, words } = await checkEntry({ pin: "ab".repeat(32) });
    expect({ outcome, words }).toEqual({
      outcome: "failed",
      words: expect.stringContaining("pinned trust root"),
    });
  });

  test.each([
    [
      "the proof",
      "**/v1/entries/*/proof",
      (text: string) =>
        text.replace(/^index \d+\n./m, (line) => `${line.slice(0, -1)}${line.endsWith("A") ? "B" : "A"}`),
    ],
    ["the envelope", "**/envelope.dsse.json", (text: string) => text.replace(/"sig":"./, '"sig":"A')],
    ["the status", "**/v1/status", (text: string) => text.replace(/"index":\d+/, '"index":0')],
  ] as const)("%s changed in transit fails visibly", async (_, path, change) => {
    const pin = await pinOf();
    const { page, outcome, words } = await checkEntry({
      pin,
      tamper: async (tampered) => {
        await tampered.route(path, async (route) => {
          const answer = await route.fetch();
          await route.fulfill({ response: answer, body: change(await answer.text()) });
        });
      },
    });
    if (path.includes("proof")) await keep(page, "image-tampered");
    expect({ outcome, words }).toEqual({ outcome: "failed", words: expect.stringContaining("Do not trust") });
  });

  test("an entry whose checkpoint is older than the trust root allows fails", async () => {
    const later = 25 * 3_600_000;
    const { page } = await visit(pathOf("image"), { now: NOW.getTime() + later });
    await page.fill("#pin", await pinOf());
    await page.click("#check-run");
    await page.waitForSelector('#check[data-outcome="failed"]');
    expect(await page.locator("#check-steps .outcome").textContent()).toContain("seconds old");
  });

  test("a trust root is verified with the chain that it stands in", async () => {
    const { page } = await visit(pathOf("trust-root"));
    await page.fill("#pin", await pinOf());
    await page.click("#check-run");
    await page.waitForSelector('#check[data-outcome="verified"]');
    expect(await page.locator("#check-steps .pass").count()).toBe(6);
  });

  test("a revoked entry says so first, and its check fails at the revocation", async () => {
    const query = "/v1/entries?name=fleet/old-0";
    const [old] = (await service.json<{ entries: Array<{ index: number }> }>(query)).entries;
    const { page } = await visit(`/entries/${old!.index}`);
    expect(await page.locator(".alarm").textContent()).toContain("Revoked.");
    await page.fill("#pin", await pinOf());
    await page.click("#check-run");
    await page.waitForSelector('#check[data-outcome="failed"]');
    expect(await page.locator("#check-steps .outcome").textContent()).toContain("it is revoked");
    expect(await page.locator("#check-steps .pass").count()).toBe(5);
  });

  test("consistency between two sizes is checked in the page, and a false proof fails", async () => {
    const { page } = await visit("/log");
    await page.fill("#from", "3");
    await page.click("#consistency-run");
    await page.waitForSelector('#consistency-result[data-outcome="good"]');
    await keep(page, "log-consistent");
    await page.route("**/v1/proofs/consistency*", async (route) => {
      const answer = await route.fetch();
      const json = (await answer.json()) as { proof: string[] };
      await route.fulfill({ response: answer, json: { ...json, proof: json.proof.slice(1) } });
    });
    await page.click("#consistency-run");
    await page.waitForSelector('#consistency-result[data-outcome="bad"]');
    expect(await page.textContent("#consistency-result")).toContain("Failed");
  });

  describe("evidence that is dropped on a policy", () => {
    let good: Machine;
    let world: World;

    beforeAll(async () => {
      good = await machineOf();
      world = await makeWorld(good);
      await buildPageScripts(OWN_SCRIPTS, [replacing(withRoots(good.roots))]);
    });

    async function drop(bytes: Uint8Array, name: string) {
      const { page, complaints } = await visit("/policies/production");
      const judges: string[] = [];
      page.on("request", (request) =>
        judges.push(...(/judge-(?:machine|devices)/.exec(request.url()) ?? [])),
      );
      // The policy of a log that fits made-up machines, and the same scripts with the made-up vendors' roots.
      await page.route("**/v1/policies/production", (route) =>
        route.fulfill({ contentType: "application/json", body: Buffer.from(world.bundle) }),
      );
      await page.route("**/scripts/*.js", (route) =>
        route.fulfill({ path: join(OWN_SCRIPTS, basename(new URL(route.request().url()).pathname)) }),
      );
      await page.reload();
      expect(judges).toEqual([]);
      await page.setInputFiles("#evidence-file", {
        name,
        mimeType: "application/octet-stream",
        buffer: Buffer.from(bytes),
      });
      await page.waitForSelector('#evidence:not([data-outcome="running"])[data-outcome]');
      const summaries = await page.locator("#evidence-result summary").allTextContents();
      expect(new Set(judges).size).toBeGreaterThan(0);
      return { page, complaints, outcome: await page.getAttribute("#evidence", "data-outcome"), summaries };
    }

    test("a good machine's evidence matches, and says what a file cannot show", async () => {
      const { page, complaints, outcome, summaries } = await drop(
        encodeEvidence(good.evidence),
        "evidence.json",
      );
      await keep(page, "policy-evidence-good");
      expect({ outcome, complaints, failed: summaries[0] }).toEqual({
        outcome: "matches",
        complaints: [],
        failed: "0 failed",
      });
      expect(await page.textContent("#evidence-result")).toContain("A file cannot show that");
    });

    test("another image differs, with what was expected by which entry", async () => {
      const other = await machineOf({
        channel: good.channel,
        nonce: good.nonce,
        tdx: { body: { mrTd: new Uint8Array(48).fill(1) } },
      });
      const { page, outcome } = await drop(encodeEvidence(other.evidence), "evidence.json");
      await keep(page, "policy-evidence-bad");
      expect(outcome).toBe("differs");
      expect(await page.textContent("#evidence-result")).toMatch(/tuple\.mrtd.*stated by: platform\//s);
    });

    test.each(["quote", "report", "certificate"] as const)(
      "a %s alone is compared as far as it goes",
      async (part) => {
        const { outcome, summaries } = await drop(await partOf(good, part), part);
        expect({ outcome, passed: Number.parseInt(summaries[1] ?? "0", 10) > 0 }).toEqual({
          outcome: "matches",
          passed: true,
        });
      },
    );

    test("what is none of these is refused with the reason", async () => {
      const { page, outcome } = await drop(new TextEncoder().encode("{}"), "evidence.json");
      expect(outcome).not.toBe("matches");
      expect(await page.textContent("#evidence-result")).toContain("differs");
    });
  });
});

async function partOf(machine: Machine, part: "quote" | "report" | "certificate"): Promise<Uint8Array> {
  const { tdx, gpus } = machine.evidence;
  if (part === "quote") return decodeBase64(tdx.quote);
  if (part === "report") return decodeBase64(gpus[0]!.report);
  return (await makeEvidenceCertificate(machine)).der;
}
