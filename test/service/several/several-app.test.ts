// One port for several logs: each answers below its own URL as if it were alone, and the process answers what is for none of them.
import { connect } from "node:net";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningServer, startServer } from "../../../src/http/server.ts";
import { envelopeToJson } from "../../../src/protocol/envelope/dsse.ts";
import { createApp } from "../../../src/service/app.ts";
import {
  createForwardedApp,
  FORWARDED_BY,
  FORWARDED_ORIGIN,
} from "../../../src/service/cluster/forwarded-app.ts";
import { createForwardedLogs } from "../../../src/service/several/forwarded-logs.ts";
import { type App, createSeveralApp, type OneOfSeveral } from "../../../src/service/several/several-app.ts";
import { problemOf, refusalOf, ServiceHarness } from "../../support/service-harness.ts";
import { signPlatforms } from "../../support/signing.ts";

const SECRET = "s".repeat(32);
const OPTIONS = { logger: pino({ level: "silent" }), version: "1.2.3" };

let harnesses: ServiceHarness[];
let logs: Array<{ -readonly [K in keyof OneOfSeveral]: OneOfSeveral[K] }>;
let app: App;
let server: RunningServer;

beforeAll(async () => {
  const urls = ["https://a.example", "https://logs.example/prod", "https://logs.example/prod-2/"];
  harnesses = await Promise.all(urls.map((url) => ServiceHarness.start({ url })));
  for (const [i, { log, keys }] of harnesses.entries())
    await log.publish(await signPlatforms(keys, `of-${i}`, i + 1));
  logs = harnesses.map(({ service, log }, i) => {
    const origin = `log-${i}.example`;
    const prefix = new URL(service.url).pathname.replace(/\/$/, "");
    service.metrics.registry.setDefaultLabels({ origin });
    const own = { ...service, origin, prefix };
    const forwarded = createForwardedApp(own, SECRET);
    return { origin, url: service.url, served: { app: createApp(own), forwarded, service: { ...own, log } } };
  });
  logs.push({ origin: "stopped.example", url: "https://logs.example/stopped", served: null });
  app = createSeveralApp(logs, OPTIONS);
  server = await startServer({ app, host: "127.0.0.1", port: 0, close: async () => undefined, graceMs: 0 });
});
afterAll(async () => {
  await server.stop();
  for (const harness of harnesses) await harness.stop();
});

const ask = async (url: string, init?: RequestInit) => app.fetch(new Request(url, init), {} as never);
const sizeOf = (i: number) => harnesses[i]!.log.read.published()!.checkpoint.size;
const text = async (url: string) => (await ask(url)).text();

/** Sends bytes as they are, and reads the answer until the connection is closed. */
function send(lines: readonly string[]): Promise<string> {
  const { port } = new URL(server.address);
  return new Promise((resolve, reject) => {
    let said = "";
    const socket = connect(Number(port), "127.0.0.1", () => socket.write(`${lines.join("\r\n")}\r\n\r\n`));
    socket.setEncoding("utf8").on("data", (part) => {
      said += part;
    });
    socket.on("end", () => resolve(said)).on("error", reject);
  });
}
const statusOf = async (target: string, ...fields: string[]) =>
  (await send([`GET ${target} HTTP/1.1`, ...fields, "Connection: close"])).split(" ")[1];

describe("a log below its URL", () => {
  it("is the one that its URL names, and shows its own tree", async () => {
    const notes = await Promise.all(
      ["https://a.example", "https://logs.example/prod", "https://logs.example/prod-2"].map((url) =>
        text(`${url}/checkpoint`),
      ),
    );
    expect(notes).toEqual(harnesses.map(({ log }) => log.read.published()!.note));
    expect(new Set(notes).size).toBe(3);
  });

  it("takes what is published to it, and names that by its own URL", async () => {
    const [, one] = harnesses;
    const [entry] = await signPlatforms(one!.keys, "several", 1);
    const before = sizeOf(2);
    const answer = await ask("http://logs.example/prod/v1/entries", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(envelopeToJson(entry!)),
    });
    expect([answer.status, answer.headers.get("location")]).toEqual([
      201,
      expect.stringMatching(/^https:\/\/logs\.example\/prod\/v1\/entries\/\d+$/),
    ]);
    const index = answer.headers.get("location")!.split("/").at(-1);
    expect((await ask(`http://logs.example/prod/v1/entries/${index}`)).status).toBe(200);
    expect(sizeOf(2)).toBe(before);
  });

  it.each([
    "/",
    "/log",
    "/docs",
    "/openapi.json",
    "/v1/entries?limit=1",
    "/v1/trust-root",
    "/entries/0",
    "/v1/policies",
  ])("answers %s as a log alone does", async (path) => {
    const [alone, below] = [await harnesses[1]!.get(path), await ask(`http://logs.example/prod${path}`)];
    expect([below.status, below.headers.get("content-type")]).toEqual([
      alone.status,
      alone.headers.get("content-type"),
    ]);
    const plain = async (answer: Response) => (await answer.text()).replaceAll("<wbr>", "");
    const body = (await plain(below)).replaceAll("log-1.example", harnesses[1]!.service.origin);
    expect(body).toBe(await plain(alone));
  });

  it("says where it offers CoSERV", async () => {
    const discovery = await ask("http://logs.example/prod/.well-known/coserv-configuration", {
      headers: { accept: "application/coserv-discovery+json" },
    });
    const { "api-endpoints": endpoints } = (await discovery.json()) as {
      "api-endpoints": Record<string, string>;
    };
    expect(endpoints.CoSERVRequestResponse).toMatch(/^\/prod\/endorsement-distribution\/v1\/coserv\//);
  });

  it("refuses what it does not have by itself, with what it allows", async () => {
    expect(await refusalOf(await ask("http://logs.example/prod/nothing"))).toBe("404 not-found");
    expect(await refusalOf(await ask("http://logs.example/prod/checkpoint?x=1"))).toBe(
      "400 invalid-parameter",
    );
    const answer = await ask("http://logs.example/prod/v1/trust-root", { method: "POST" });
    expect([await refusalOf(answer), answer.headers.get("allow")]).toEqual([
      "405 method-not-allowed",
      "GET, HEAD",
    ]);
  });

  it("is led to with the slash to which its pages are relative", async () => {
    const answer = await ask("http://logs.example/prod?a=b");
    expect([answer.status, answer.headers.get("location")]).toEqual([308, "prod/?a=b"]);
    const post = await ask("http://logs.example/prod", { method: "POST" });
    expect(await refusalOf(post)).toBe("404 not-found");
  });

  it("has its own readiness and metrics", async () => {
    expect(await (await ask("http://logs.example/prod/readyz")).json()).toMatchObject({
      ready: true,
      treeSize: sizeOf(1),
    });
    const metrics = await text("http://logs.example/prod/metrics");
    expect(metrics).toContain(`\ntouchstone_tree_size{origin="log-1.example"} ${sizeOf(1)}\n`);
    expect(metrics).not.toMatch(/log-2\.example|process_cpu/);
  });
});

describe("a log that could not be started", () => {
  it("shows nothing and takes nothing, and says that it has stopped", async () => {
    for (const path of ["/", "/checkpoint", "/v1/entries", "/metrics", "/tile/0/000"]) {
      const answer = await ask(`http://logs.example/stopped${path}`);
      expect(answer.headers.get("retry-after")).toBe("300");
      expect(await refusalOf(answer)).toBe("503 log-stopped");
    }
    const post = await ask("http://logs.example/stopped/v1/entries", { method: "POST", body: "{}" });
    expect(await refusalOf(post)).toBe("503 log-stopped");
    const ready = await ask("http://logs.example/stopped/readyz");
    expect([ready.status, await ready.json()]).toEqual([
      503,
      { ready: false, treeSize: 0, reason: "log-stopped", noBundle: null },
    ]);
    expect((await ask("http://logs.example/stopped/healthz")).status).toBe(200);
  });

  it("is served as soon as it could be", async () => {
    const [first] = logs;
    logs[3]!.served = first!.served;
    try {
      // Of another prefix: what matters is that it is asked.
      expect((await ask("http://logs.example/stopped/x")).status).toBe(404);
      expect((await ask("http://10.0.0.5/readyz")).status).toBe(200);
    } finally {
      logs[3]!.served = null;
    }
  });
});

describe("what is for no log", () => {
  it("is refused without a word of which logs there are", async () => {
    for (const url of [
      "http://10.0.0.5/checkpoint",
      "http://logs.example.evil.example/prod/",
      "http://b.example/",
    ]) {
      const problem = await problemOf(await ask(url));
      expect(problem).toMatchObject({
        status: 421,
        code: "misdirected",
        detail: "no log is served under this host",
      });
      expect(JSON.stringify(problem)).not.toMatch(/prod|log-\d/);
    }
    for (const path of [
      "/",
      "/checkpoint",
      "/production/checkpoint",
      "/prod%2fcheckpoint",
      "//prod/checkpoint",
    ])
      expect(await refusalOf(await ask(`http://logs.example${path}`))).toBe("404 not-found");
  });

  it.each(["http://10.0.0.5", "http://logs.example"])("is answered for the process at %s", async (base) => {
    expect(await (await ask(`${base}/healthz`)).json()).toEqual({ status: "ok", version: "1.2.3" });
    const ready = await ask(`${base}/readyz`);
    expect([ready.status, ready.headers.get("cache-control"), await ready.json()]).toEqual([
      503,
      "no-store",
      { ready: false, notReady: [{ origin: "stopped.example", reason: "log-stopped" }] },
    ]);
  });

  it("is measured once for all logs, each with its origin", async () => {
    await ask("http://10.0.0.5/");
    const answer = await ask("http://10.0.0.5/metrics");
    expect(answer.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
    const lines = (await answer.text()).split("\n");
    const described = lines.filter((line) => line.startsWith("# TYPE ")).map((line) => line.split(" ")[2]!);
    expect(described.length).toBe(new Set(described).size);
    for (const line of lines.filter((line) => line !== "" && !line.startsWith("#"))) {
      const name = /^[a-z_:]+[a-z0-9_]*/.exec(line)![0];
      const family = described.filter((one) => name.startsWith(one));
      expect(family, line).not.toEqual([]);
    }
    for (const i of [0, 1, 2])
      expect(lines).toContainEqual(
        expect.stringMatching(`^touchstone_tree_size{origin="log-${i}\\.example"} \\d+$`),
      );
    expect(lines).toContainEqual(expect.stringMatching(/^process_cpu_seconds_total \d/));
    expect(lines).toEqual(
      expect.arrayContaining([
        'touchstone_log_started{origin="log-0.example"} 1',
        'touchstone_log_started{origin="stopped.example"} 0',
      ]),
    );
    expect(lines).toContainEqual(
      expect.stringMatching(/^touchstone_refusals_total\{code="misdirected"\} \d/),
    );
    expect(lines).toContainEqual(
      expect.stringMatching(/^touchstone_refusals_total\{code="not-found",origin="log-1\.example"\} \d/),
    );
  });
});

describe("over a port", () => {
  it.each([
    ["/checkpoint", ["Host: A.EXAMPLE"], "200"],
    ["/checkpoint", ["Host: a.example.:443"], "200"],
    ["/prod/checkpoint", ["Host: logs.example:80"], "200"],
    ["/prod/../prod-2/./checkpoint", ["Host: logs.example"], "200"],
    ["/prod/%2e%2e/prod-2/checkpoint", ["Host: logs.example"], "200"],
    ["/prod/%2e%2e/checkpoint", ["Host: logs.example"], "404"],
    ["//prod/checkpoint", ["Host: logs.example"], "404"],
    ["/prod\\checkpoint", ["Host: logs.example"], "400"],
    // RFC 9112 §3.2.2: the target says it, whatever Host says.
    ["http://a.example/checkpoint", ["Host: logs.example"], "200"],
    ["http://logs.example/prod/checkpoint", ["Host: a.example"], "200"],
    ["http://b.example/checkpoint", ["Host: a.example"], "421"],
    ["/checkpoint", ["Host: b.example"], "421"],
    ["/checkpoint", ["Host: [::1]:8080"], "421"],
    ["/checkpoint", ["Host: a.example/prod"], "400"],
    ["/checkpoint", ["Host: x@a.example"], "400"],
    ["/checkpoint", [], "400"],
    ["/prod?x", ["Host: logs.example"], "308"],
    ["/healthz", ["Host: 10.0.0.5:8080"], "200"],
  ])("%s with %j is answered with %s", async (target, fields, status) => {
    expect(await statusOf(target, ...fields)).toBe(status);
  });

  it("a load balancer that speaks HTTP/1.0 without a host is answered for the process", async () => {
    expect(await send(["GET /healthz HTTP/1.0"])).toMatch(/^HTTP\/1\.1 200 /);
    expect(await send(["GET /readyz HTTP/1.0"])).toMatch(
      /^HTTP\/1\.1 503 [\s\S]*"origin":"stopped\.example"/,
    );
  });
});

describe("what another process forwards", () => {
  const forwarded = (fields: Record<string, string>, body = "{}") => {
    const headers = { "content-type": "application/json", ...fields };
    const request = new Request("http://10.0.0.5:8444/v1/entries", { method: "POST", headers, body });
    return createForwardedLogs(logs, SECRET, OPTIONS).fetch(request, {} as never);
  };
  const known = { authorization: `Bearer ${SECRET}`, [FORWARDED_BY]: "b" };

  it("reaches the log that it names, and no other", async () => {
    const [, one] = harnesses;
    const [entry] = await signPlatforms(one!.keys, "forwarded", 1);
    const sizes = () => [0, 1, 2].map(sizeOf);
    const before = sizes();
    const body = JSON.stringify(envelopeToJson(entry!));
    const answer = await forwarded({ ...known, [FORWARDED_ORIGIN]: "log-1.example" }, body);
    expect(answer.status).toBe(201);
    expect(sizes()).toEqual([before[0], before[1]! + 1, before[2]]);
  });

  it("is refused for a log that is not served here, and sent elsewhere for one that could not be started", async () => {
    expect(await refusalOf(await forwarded({ ...known, [FORWARDED_ORIGIN]: "log-9.example" }))).toBe(
      "421 misdirected",
    );
    expect(await refusalOf(await forwarded(known))).toBe("421 misdirected");
    expect(await refusalOf(await forwarded({ ...known, [FORWARDED_ORIGIN]: "stopped.example" }))).toBe(
      "503 no-leader",
    );
  });

  it("tells who does not know the secret nothing, whatever log he names", async () => {
    for (const origin of ["log-1.example", "stopped.example", "log-9.example"])
      expect(await refusalOf(await forwarded({ [FORWARDED_BY]: "b", [FORWARDED_ORIGIN]: origin }))).toBe(
        "404 not-found",
      );
  });
});
