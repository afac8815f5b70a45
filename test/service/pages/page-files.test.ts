// What stands around the pages: feeds, badge, security.txt, files to download, and what pages weigh.
import { DOMParser } from "@xmldom/xmldom";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseEnvelope } from "../../../src/protocol/envelope/dsse.ts";
import { PAGE_SCRIPTS } from "../../../src/service/pages/scripts.ts";
import { revocationPredicate } from "../../support/document-predicates.ts";
import { gzipped } from "../../support/example-build.ts";
import { makePageScripts } from "../../support/page-scripts.ts";
import { problemOf, ServiceHarness } from "../../support/service-harness.ts";
import { signStatement } from "../../support/signing.ts";

const REASON = `the key leaked <b>& "was" sold</b>`;

describe("around the pages", () => {
  let service: ServiceHarness;

  beforeAll(async () => {
    await makePageScripts();
    service = await ServiceHarness.start({
      service: { operator: { security: "mailto:security@acme.example" } },
    });
    const { set } = await service.publishPolicy();
    const revocation = revocationPredicate({ digests: [set.gsp.payloadDigest], reason: REASON });
    await service.log.publish([await signStatement("revocation", revocation, [service.keys.revocation])]);
  });
  afterAll(() => service.stop());

  const textOf = async (path: string) => (await service.get(path)).text();

  it.each([
    ["releases", 6],
    ["policies", 1],
    ["revocations", 1],
  ])("the feed of %s is Atom with %i entries, newest first", async (feed, count) => {
    const answer = await service.get(`/feeds/${feed}.atom`);
    expect(answer.headers.get("content-type")).toBe("application/atom+xml; charset=utf-8");
    const document = new DOMParser({
      onError: (level, message) => {
        throw new Error(`${level}: ${message}`);
      },
    }).parseFromString(await answer.text(), "application/xml");
    const entries = [...document.getElementsByTagName("entry")];
    expect(entries).toHaveLength(count);
    for (const name of ["id", "title", "updated"]) {
      expect([feed, name, document.getElementsByTagName(name).length]).toEqual([feed, name, count + 1]);
    }
    const links = entries.map((entry) => entry.getElementsByTagName("link")[0]?.getAttribute("href") ?? "");
    const indexes = links.map((link) => Number(link.split("/").at(-1)));
    expect(indexes).toEqual([...indexes].sort((a, b) => b - a));
    expect(links.every((link) => link.startsWith("https://log.example/entries/"))).toBe(true);
  });

  it("a revocation's reason stands in its feed as text", async () => {
    const document = new DOMParser().parseFromString(
      await textOf("/feeds/revocations.atom"),
      "application/xml",
    );
    expect(document.getElementsByTagName("summary")[0]?.textContent).toBe(REASON);
  });

  it("the badge says what verifiers would do with the policy", async () => {
    const answer = await service.get("/policies/production/badge.svg");
    expect(answer.headers.get("content-type")).toBe("image/svg+xml");
    expect(await answer.text()).toContain("version 1: entry-revoked");
    expect((await problemOf(await service.get("/policies/none/badge.svg"))).code).toBe("not-found");
  });

  it("security.txt has the contact of the configuration and an end", async () => {
    const text = await textOf("/.well-known/security.txt");
    expect(text).toContain("Contact: mailto:security@acme.example\n");
    const [, expires = ""] = /^Expires: (.*)$/m.exec(text) ?? [];
    const days = (Date.parse(expires) - service.logHarness.clock.now.getTime()) / 86_400_000;
    expect(days).toBeGreaterThan(150);
    expect(days).toBeLessThan(365);
  });

  it("an entry's envelope is the bytes of its leaf, and its statement what was signed", async () => {
    const envelope = parseEnvelope(
      new Uint8Array(await (await service.get("/entries/3/envelope.dsse.json")).arrayBuffer()),
    );
    const { payloadDigest } = await service.json<{ payloadDigest: string }>("/v1/entries/3");
    expect(envelope.payloadDigest).toBe(payloadDigest);
    expect(await textOf("/entries/3/statement.json")).toBe(new TextDecoder().decode(envelope.payload));
  });

  it.each([
    "/entries/x",
    "/entries/-1",
    "/entries/99",
    "/policies/none",
    "/search?q=1&cursor=x",
    "/search?cursor=",
    "/search?q=x&cursor=x",
  ])("%s is a page that says what is wrong, not found or not valid", async (path) => {
    const answer = await service.get(path);
    const said = `${answer.status} ${answer.headers.get("content-type")}`;
    expect(said).toMatch(/^(?:400|404) text\/html/);
  });

  /** With all that it loads, at once or later. */
  async function weightOf(script: string): Promise<number> {
    const texts = new Map<string, string>();
    const wanted = new Set([script]);
    for (const name of wanted) {
      const text = await textOf(`/scripts/${name}`);
      texts.set(name, text);
      for (const [, chunk = ""] of text.matchAll(/"\.\/([\w-]+\.js)"/g)) wanted.add(chunk);
    }
    return [...texts.values()].reduce((sum, text) => sum + gzipped(text), 0);
  }

  it.each([
    "/scripts/none.js",
    "/scripts/chunk-00000000.js",
    "/scripts/..%2fcli%2fmain.js",
    "/scripts/appraise.css",
  ])("%s is no script of a page", async (path) => {
    expect((await service.get(path)).status).toBe(404);
  });

  it("no page weighs more than 60 KB, nor 120 KB with its scripts", async () => {
    const scripts = new Map<string, number>();
    for (const name of PAGE_SCRIPTS) scripts.set(name, await weightOf(`${name}.js`));
    for (const path of [
      "/",
      "/entries/7",
      "/entries/8",
      "/policies/production",
      "/log",
      "/search?q=guest",
      "/docs",
    ]) {
      const html = await textOf(path);
      const used = PAGE_SCRIPTS.filter((name) => html.includes(`scripts/${name}.js`));
      const weight = gzipped(html) + gzipped(await textOf("/page.css"));
      const withScripts = weight + used.reduce((sum, name) => sum + (scripts.get(name) ?? 0), 0);
      expect([path, weight <= 60 * 1024, withScripts <= 120 * 1024, withScripts]).toEqual([
        path,
        true,
        true,
        withScripts,
      ]);
    }
  });
});
