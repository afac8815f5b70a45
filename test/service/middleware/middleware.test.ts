// What stands around the routes: headers, CORS, rate limit, time limit, the access log, metrics, and errors that tell nothing.

import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { addressKey } from "../../../src/http/client-address.ts";
import { type Cosigner, OwnCosigner } from "../../../src/log/checkpointing/cosigner.ts";
import { createApp } from "../../../src/service/app.ts";
import { NOW } from "../../support/clock.ts";
import { intercept } from "../../support/intercept.ts";
import { platformPredicate } from "../../support/release-predicates.ts";
import { inOrder, signReleaseSet } from "../../support/release-set.ts";
import { problemOf, refusalOf, ServiceHarness } from "../../support/service-harness.ts";
import { signStatement } from "../../support/signing.ts";
import { trustRootPredicate } from "../../support/trust-root.ts";
import { witnessKey } from "../../support/witnesses.ts";

let service: ServiceHarness;
const lines: Array<Record<string, unknown>> = [];
const logger = pino({ level: "info" }, { write: (line: string) => lines.push(JSON.parse(line)) });

beforeAll(async () => {
  service = await ServiceHarness.start({ logger });
  await service.publishPolicy();
});
afterAll(() => service.stop());

describe("headers", () => {
  test.each([
    "/checkpoint",
    "/tile/0/000.p/1",
    "/v1/entries",
    "/v1/policies/production",
    "/healthz",
    "/openapi.json",
    "/nothing",
    "/v1/entries/x",
    "/",
  ])("%s is readable from any page, is never sniffed, and runs nothing", async (path) => {
    const { headers } = await service.get(path);
    expect(headers.get("access-control-allow-origin")).toBe("*");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    // Bytes and JSON that are read all the time go without: what is not sniffed runs nothing.
    const isRead = /^\/(?:checkpoint|tile|v1\/policies)/.test(path);
    expect(headers.get("referrer-policy")).toBe(isRead ? null : "no-referrer");
    expect(headers.get("content-security-policy") ?? "").toMatch(isRead ? /^$/ : /^default-src 'none'/);
    expect(headers.get("set-cookie")).toBeNull();
  });

  test("a preflight of any page is answered", async () => {
    const headers = { origin: "https://verifier.example", "access-control-request-method": "POST" };
    const response = await service.app.request("/v1/entries", { method: "OPTIONS", headers });
    expect([response.status, response.headers.get("access-control-allow-origin")]).toEqual([204, "*"]);
    expect(response.headers.get("access-control-allow-methods")).toBe("GET, HEAD, POST");
    expect(response.headers.get("access-control-allow-headers")).toContain("content-type");
  });

  test("every answer of the API and every problem has a request id of its own", async () => {
    const ids = await Promise.all(
      ["/healthz", "/healthz", "/v1/entries/x"].map(async (path) =>
        (await service.get(path)).headers.get("x-request-id"),
      ),
    );
    expect(new Set(ids).size).toBe(3);
    expect(ids).not.toContain(null);
    const response = await service.get("/v1/entries/x", { "x-request-id": "forged" });
    expect((await problemOf(response.clone())).requestId).toBe(response.headers.get("x-request-id"));
    expect(response.headers.get("x-request-id")).not.toBe("forged");
  });

  test("reads of the API are compressed for those who want it", async () => {
    const response = await service.get("/v1/entries", { "accept-encoding": "gzip" });
    expect([response.headers.get("content-encoding"), response.headers.get("vary")]).toEqual([
      "gzip",
      "Accept-Encoding",
    ]);
    const text = await new Response(response.body?.pipeThrough(new DecompressionStream("gzip"))).text();
    expect(JSON.parse(text)).toEqual(await service.json("/v1/entries"));
  });

  test("the description is conditional and compressed as well", async () => {
    for (const path of ["/openapi.json", "/openapi.yaml", "/docs"]) {
      const first = await service.get(path, { "accept-encoding": "br" });
      expect(first.headers.get("content-encoding")).toBe("br");
      const again = await service.get(path, {
        "accept-encoding": "br",
        "if-none-match": first.headers.get("etag") ?? "",
      });
      expect(again.status).toBe(304);
    }
  });
});

describe("what a cache may keep", () => {
  test.each(["/healthz", "/readyz", "/metrics"])("%s is never stored", async (path) => {
    expect((await service.get(path)).headers.get("cache-control")).toBe("no-store");
  });

  test.each([
    "/checkpoint",
    "/v1/status",
    "/v1/trust-root",
    "/v1/entries",
    "/v1/entries/0",
    "/v1/policies",
    "/v1/policies/production",
    "/v1/revocations",
    "/v1/checkpoints",
    "/v1/proofs/consistency?from=1",
  ])("%s is asked for again each time, and answered with 304 where nothing changed", async (path) => {
    const first = await service.get(path);
    expect([first.status, first.headers.get("cache-control")]).toEqual([200, "no-cache"]);
    const etag = first.headers.get("etag") ?? "";
    expect(etag).toMatch(/^"[\w-]+"$/);
    const again = await service.get(path, { "if-none-match": etag });
    expect([again.status, await again.text(), again.headers.get("etag")]).toEqual([304, "", etag]);
    expect(again.headers.get("cache-control")).toBe("no-cache");
    expect((await service.get(path, { "if-none-match": '"other"' })).status).toBe(200);
  });

  test("every answer of every described read says how long it may be kept", async () => {
    const { paths } = await service.json<{ paths: Record<string, Record<string, unknown>> }>("/openapi.json");
    const reads = Object.keys(paths).filter((path) => paths[path]?.get !== undefined);
    expect(reads.length).toBeGreaterThan(20);
    for (const path of reads) {
      const response = await service.get(path.replaceAll(/\{\w+\}/g, "0"));
      expect(response.headers.get("cache-control"), path).toMatch(
        /^(?:no-cache|no-store|public, max-age=\d+.*)$/,
      );
    }
  });
});

describe("query parameters", () => {
  test.each([
    ["/v1/policies/production?since=1&since=2", "since"],
    ["/v1/policies/production?sinse=1", "sinse"],
    ["/v1/policies/production/1?since=1", "since"],
    ["/v1/entries?kind=platform&kind=policy", "kind"],
    ["/v1/entries?nmae=x", "nmae"],
    ["/v1/entries/0?verbose=1", "verbose"],
    ["/v1/entries/0/proof?size=1&size=2", "size"],
    ["/v1/entries/0/proof?treeSize=1", "treeSize"],
    ["/v1/status?at=1", "at"],
    ["/checkpoint?size=1", "size"],
    ["/tile/0/000.p/1?x=1", "x"],
    ["/healthz?x=1", "x"],
  ])("%s is refused, and %s named", async (path, parameter) => {
    const problem = await problemOf(await service.get(path));
    expect([problem.status, problem.code]).toEqual([400, "invalid-parameter"]);
    expect(problem.detail).toContain(`${parameter}: `);
  });
});

test("what is not there is 404, whatever stands in the query", async () => {
  expect(await refusalOf(await service.get("/v1/nothing?x=1"))).toBe("404 not-found");
});

describe("methods", () => {
  test.each([
    ["GET", "/v1/entries/batch", "POST"],
    ["PUT", "/v1/entries/batch", "POST"],
    ["DELETE", "/v1/entries", "GET, HEAD, POST"],
    ["PATCH", "/v1/entries/0", "GET, HEAD"],
    ["POST", "/v1/attachments/sha256/00", "GET, HEAD"],
    ["POST", "/checkpoint", "GET, HEAD"],
    ["PUT", "/v1/checkpoints?size=1", "GET, HEAD"],
    ["PUT", "/v1/policies/production?nonsense=1", "GET, HEAD"],
  ])("%s %s", async (method, path, allowed) => {
    const response = await service.app.request(path, { method });
    expect(response.headers.get("allow")?.split(", ").sort().join(", ")).toBe(allowed);
    expect(await refusalOf(response)).toBe("405 method-not-allowed");
  });
});

describe("the rate limit", () => {
  const write = (limited: ServiceHarness, address: string, forwarded?: string) =>
    limited.app.request(
      "/v1/entries",
      {
        method: "POST",
        body: "{}",
        headers: { "content-type": "application/json", ...(forwarded && { "x-forwarded-for": forwarded }) },
      },
      { incoming: { socket: { remoteAddress: address, remotePort: 1, remoteFamily: "IPv4" } } },
    );

  test("stops one address that writes too much, with 429 and when to come back; reading goes on", async () => {
    const limited = await ServiceHarness.start({ limits: { writesPerMinute: 3 } });
    try {
      for (let i = 0; i < 3; i++)
        expect((await write(limited, "192.0.2.1", "198.51.100.9")).status).toBe(422);
      const response = await write(limited, "192.0.2.1", "198.51.100.10");
      expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(response.headers.get("ratelimit")).toMatch(/remaining=0/);
      expect(await refusalOf(response)).toBe("429 too-many-requests");
      expect((await write(limited, "192.0.2.2")).status).toBe(422);
      expect((await limited.get("/v1/entries")).status).toBe(200);
    } finally {
      await limited.stop();
    }
  });

  test("takes the address that the trusted proxy wrote, not one that the client wrote", async () => {
    const limited = await ServiceHarness.start({ limits: { writesPerMinute: 1, trustedProxies: 1 } });
    try {
      expect((await write(limited, "10.0.0.1", "1.1.1.1, 203.0.113.5")).status).toBe(422);
      expect((await write(limited, "10.0.0.1", "2.2.2.2, 203.0.113.5")).status).toBe(429);
      expect((await write(limited, "10.0.0.1", "203.0.113.6")).status).toBe(422);
    } finally {
      await limited.stop();
    }
  });

  test.each([
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
    ["2001:0db8:0001:0002::1", "2001:db8:1:2"],
    ["2001:db8::1", "2001:db8:0:0"],
    ["fe80::1%eth0", "fe80:0:0:0"],
    ["::1", "0:0:0:0"],
    ["", ""],
  ])("counts %j as %j", (address, key) => {
    expect(addressKey(address)).toBe(key);
  });
});

describe("the access log", () => {
  test("has one line a request with chosen fields; no query, no body, no header", async () => {
    lines.length = 0;
    await service.get("/v1/entries?name=secret-name", { authorization: "secret-header" });
    await service.post('"secret-body"');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatchObject({ method: "GET", path: "/v1/entries", route: "/v1/entries", status: 200 });
    expect(lines[1]).toMatchObject({ method: "POST", status: 422, problem: "invalid-entry" });
    expect(JSON.stringify(lines)).not.toContain("secret");
  });

  test("names an internal error, of which the client learns nothing but the request id", async () => {
    const read = intercept(service.log.read, {
      readEntry: () => Promise.reject(new Error("secret path /var/lib/x")),
    });
    const broken = intercept(service.log, { read });
    const app = createApp({ ...service.service, log: broken });
    lines.length = 0;
    const problem = await problemOf(await app.request("/v1/entries/0"));
    expect([problem.status, problem.code]).toEqual([500, "internal"]);
    expect(JSON.stringify(problem)).not.toContain("secret");
    expect(lines[0]).toMatchObject({
      requestId: problem.requestId,
      err: { message: "secret path /var/lib/x" },
    });
  });
});

test("a request that takes too long is given up with 503, and what it started goes on", async () => {
  const slow = intercept(service.log, { publish: () => new Promise(() => undefined) });
  const app = createApp({
    ...service.service,
    log: slow,
    limits: { ...service.service.limits, requestTimeout: 0.05 },
  });
  const { payload, payloadType, signatures } = JSON.parse(
    new TextDecoder().decode(
      (await signStatement("platform", platformPredicate("slow"), [service.keys.publisher])).leaf,
    ),
  );
  const body = JSON.stringify({ payload, payloadType, signatures });
  const response = await app.request("/v1/entries", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  expect(response.headers.get("retry-after")).toBe("5");
  expect(await refusalOf(response)).toBe("503 timed-out");
});

describe("a log that cannot take entries", () => {
  test("says so with 503 and when to come back, and is not ready", async () => {
    const closing = await ServiceHarness.start();
    const [envelope] = inOrder(await signReleaseSet(closing.keys));
    await closing.log.close();
    const response = await closing.publish(envelope!);
    expect(response.headers.get("retry-after")).toBe("5");
    expect(await refusalOf(response)).toBe("503 shutting-down");
    const ready = await closing.get("/readyz");
    expect([ready.status, await ready.json()]).toMatchObject([
      503,
      { ready: false, reason: "shutting-down" },
    ]);
    closing.logHarness.remove();
  });

  test("says queue-full while too much is waiting", async () => {
    const busy = await ServiceHarness.start({ logLimits: { maxPendingEntries: 1 } });
    try {
      const envelopes = inOrder(await signReleaseSet(busy.keys)).slice(0, 2);
      const answers = await Promise.all(envelopes.map((envelope) => busy.publish(envelope)));
      const refused = answers.find(({ status }) => status === 503);
      expect(refused?.headers.get("retry-after")).toBe("1");
      expect(await refusalOf(refused!)).toBe("503 queue-full");
    } finally {
      await busy.stop();
    }
  });

  test("says quorum-lost once the witnesses have been away for too long", async () => {
    let isAway = false;
    const own = new OwnCosigner(await witnessKey("own.example"), () => NOW);
    const cosigner: Cosigner = {
      name: "own",
      gather: async (request) => (isAway ? [] : own.gather(request)),
    };
    const logLimits = { publishWaitMs: 10, quorumLostMs: 1_000, retryMs: 10 };
    const lost = await ServiceHarness.start({ cosigners: [cosigner], logLimits });
    try {
      const [first, second] = inOrder(await signReleaseSet(lost.keys));
      isAway = true;
      expect((await lost.publish(first!)).status).toBe(202);
      lost.logHarness.clock.now = new Date(NOW.getTime() + 2_000);
      const response = await lost.publish(second!);
      expect(response.headers.get("retry-after")).toBe("10");
      expect(await refusalOf(response)).toBe("503 quorum-lost");
      expect((await lost.get("/readyz")).status).toBe(503);
      isAway = false;
      await expect
        .poll(async () => (await lost.publish(second!)).status, { timeout: 10_000 })
        .toBeLessThanOrEqual(201);
    } finally {
      await lost.stop();
    }
  });

  test("says log-closed after the trust root that names a successor", async () => {
    const closed = await ServiceHarness.start();
    try {
      const root = closed.log.read.inForce.trustRoots[0]!;
      const { size: finalSize, root: finalRoot } = closed.log.read.published()!.checkpoint;
      const successor = {
        origin: "next.example",
        finalSize,
        finalRoot: Buffer.from(finalRoot).toString("hex"),
      };
      const closing = await trustRootPredicate(closed.keys, { version: 2, previous: root.digest, successor });
      const last = await signStatement("trust-root", closing, [closed.keys.root[0]]);
      expect((await closed.publish(last)).status).toBe(201);
      const [late] = inOrder(await signReleaseSet(closed.keys));
      const response = await closed.publish(late!);
      expect(response.headers.get("retry-after")).toBe("86400");
      expect(await refusalOf(response)).toBe("503 log-closed");
    } finally {
      await closed.stop();
    }
  });
});

describe("metrics", () => {
  test("say what operators are woken for", async () => {
    await service.get("/tile/0/000.p/1");
    const text = await (await service.get("/metrics")).text();
    const sample = (line: string) =>
      Number(
        text
          .split("\n")
          .find((l) => l.startsWith(line))
          ?.split(" ")
          .at(-1),
      );
    expect(sample("touchstone_tree_size ")).toBe(service.log.read.inForce.size);
    expect(sample("touchstone_checkpoint_age_seconds ")).toBe(0);
    expect(sample('touchstone_days_until_expiry{document="status"}')).toBeCloseTo(7, 1);
    expect(sample('touchstone_days_until_expiry{document="trust-root"}')).toBeGreaterThan(1000);
    expect(sample('touchstone_days_until_expiry{document="policy/production"}')).toBeCloseTo(30, 1);
    expect(sample("touchstone_queue_depth ")).toBe(0);
    for (const name of ["batch_size", "commit_seconds", "sign_seconds", "cosign_seconds"])
      expect(sample(`touchstone_${name}_count`)).toBeGreaterThan(0);
    expect(sample("touchstone_proof_failures_total ")).toBe(0);
    expect(sample('touchstone_refusals_total{code="invalid-entry"}')).toBeGreaterThan(0);
    expect(sample('touchstone_http_hot_reads_total{kind="tile"}')).toBeGreaterThan(0);
  });
});
