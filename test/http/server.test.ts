// The service on a port: it stops without losing anything that it acknowledged.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { startServer } from "../../src/http/server.ts";
import { envelopeToJson } from "../../src/protocol/envelope/dsse.ts";
import { ServiceHarness } from "../support/service-harness.ts";
import { signPlatforms } from "../support/signing.ts";

const start = (service: ServiceHarness, port = 0) =>
  startServer({
    app: service.app,
    host: "127.0.0.1",
    port,
    close: () => service.log.close(),
    graceMs: 5_000,
  });

const post = (address: string, body: string) =>
  fetch(`${address}/v1/entries`, { method: "POST", headers: { "content-type": "application/json" }, body });

test("everything that was acknowledged before and during a stop is there afterwards", async () => {
  const service = await ServiceHarness.start();
  const server = await start(service);
  const waiting = await signPlatforms(service.keys, "load", 2_000);
  const acknowledged: string[] = [];
  let failed = 0;
  const send = async () => {
    for (let envelope = waiting.pop(); envelope !== undefined && failed < 50; envelope = waiting.pop()) {
      const response = await post(server.address, JSON.stringify(envelopeToJson(envelope))).catch(
        () => undefined,
      );
      if (response !== undefined && response.status <= 202) acknowledged.push(envelope.payloadDigest);
      else failed++;
      await response?.body?.cancel();
    }
  };
  const senders = Promise.all(Array.from({ length: 16 }, send));
  await expect.poll(() => acknowledged.length, { interval: 5, timeout: 20_000 }).toBeGreaterThan(40);
  await Promise.all([server.stop(), server.stop()]);
  await senders;
  expect(failed).toBeGreaterThan(0);
  const reopened = await service.logHarness.open();
  try {
    for (const digest of acknowledged) expect(await reopened.read.findByDigest(digest)).toBeDefined();
  } finally {
    await reopened.close();
    service.logHarness.remove();
  }
});

/** Sends bytes over a connection of their own, and reads until the server closes it. */
function exchange(address: string, request: string): Promise<string> {
  const { hostname, port } = new URL(address);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.end(request));
    let answer = "";
    socket.setEncoding("utf8");
    socket.on("data", (text) => {
      answer += text;
    });
    socket.once("error", reject).once("close", () => resolve(answer));
  });
}

describe("a server", () => {
  test("answers the health check of a load balancer that speaks HTTP/1.0 without Host, and demands Host of HTTP/1.1", async () => {
    const service = await ServiceHarness.start();
    const server = await start(service);
    try {
      expect(await exchange(server.address, "GET /healthz HTTP/1.0\r\n\r\n")).toMatch(/^HTTP\/1\.[01] 200 /);
      const refused = await exchange(server.address, "GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n");
      expect(refused).toMatch(/^HTTP\/1\.1 400 /);
    } finally {
      await server.stop();
      service.logHarness.remove();
    }
  });

  test("refuses a request that names two hosts, of which a proxy may have gone by the other", async () => {
    const service = await ServiceHarness.start();
    const server = await start(service);
    try {
      for (const second of ["b.example", "a.example"]) {
        const hosts = `Host: a.example\r\nhOST: ${second}\r\n`;
        const refused = await exchange(
          server.address,
          `GET /healthz HTTP/1.1\r\n${hosts}Connection: close\r\n\r\n`,
        );
        expect(refused).toMatch(/^HTTP\/1\.1 400 /);
      }
    } finally {
      await server.stop();
      service.logHarness.remove();
    }
  });

  test("says where it listens and answers there, with its body limits and compression", async () => {
    const service = await ServiceHarness.start();
    const server = await start(service);
    try {
      await service.publishPolicy();
      const bundle = await fetch(`${server.address}/v1/policies/production`);
      expect(bundle.headers.get("content-encoding")).toBe("gzip");
      expect(((await bundle.json()) as { format: string }).format).toBe("touchstone-policy-bundle/v1");
      const tooLong = await post(server.address, " ".repeat(300_000));
      expect([tooLong.status, ((await tooLong.json()) as { code: string }).code]).toEqual([413, "too-large"]);
      const tile = await fetch(`${server.address}/tile/0/000.p/3`);
      expect([tile.status, tile.headers.get("content-length")]).toEqual([200, "96"]);
    } finally {
      await server.stop();
      service.logHarness.remove();
    }
  });

  test("fails to start on a port that is taken", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const service = await ServiceHarness.start();
    try {
      await expect(start(service, (taken.address() as AddressInfo).port)).rejects.toMatchObject({
        code: "EADDRINUSE",
      });
    } finally {
      taken.close();
      await service.stop();
    }
  });
});
