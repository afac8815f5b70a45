// Two ends with certificates of one authority connect, and nobody else does; whichever end refuses the other can say why.
import { createServer as createPlainServer } from "node:http";
import { type AddressInfo, connect as connectPlain } from "node:net";
import { connect } from "node:tls";
import { Hono } from "hono";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type RunningServer, startServer } from "../../../src/http/server.ts";
import { failedCheckOf, refusalOf } from "../../../src/node/mutual-tls/failed-check.ts";
import { fetchShowing } from "../../../src/node/mutual-tls/fetch.ts";
import { shakeOwnHand } from "../../../src/node/mutual-tls/handshake.ts";
import { ClusterAuthority, type TestCredentials } from "../../support/cluster-certificates.ts";

const SERVER_ONLY = "1.3.6.1.5.5.7.3.1";
const CLIENT_ONLY = "1.3.6.1.5.5.7.3.2";
const PATIENT = { timeout: 20_000 };

let authority: ClusterAuthority;
let own: TestCredentials;
let strangers: TestCredentials;
beforeAll(async () => {
  authority = await ClusterAuthority.make();
  own = await authority.certify({ names: ["127.0.0.1", "a.example"] });
  strangers = await (await ClusterAuthority.make()).certify();
});
const showing = (credentials: TestCredentials) => fetchShowing({ ...credentials, ends: new Date() });

describe("a port for those who show a certificate", () => {
  let server: RunningServer;
  const refused: Array<string | null> = [];
  const serve = (credentials: TestCredentials) =>
    startServer({
      app: new Hono().all("*", async (c) => c.text(`heard: ${await c.req.text()}`)),
      host: "127.0.0.1",
      port: 0,
      close: async () => undefined,
      graceMs: 100,
      tls: {
        ...credentials,
        clients: {
          ca: credentials.ca,
          onRefused: (error, socket) => refused.push(failedCheckOf(refusalOf(error, socket))),
        },
      },
    });
  beforeEach(async () => {
    refused.length = 0;
    server = await serve(own);
  });
  afterEach(() => server.stop());

  it("takes one of its authority, whose body comes as it is sent", async () => {
    const body = new ReadableStream({
      start(controller) {
        for (const part of ["a", "b"]) controller.enqueue(new TextEncoder().encode(part));
        controller.close();
      },
    });
    const init = { method: "POST", body, duplex: "half" } as RequestInit;
    const answer = await showing(own)(`${server.address}/x`, init);
    expect([answer.status, await answer.text()]).toEqual([200, "heard: ab"]);
  });

  it.each<[who: string, shown: () => Promise<Partial<TestCredentials>>, why: RegExp]>([
    ["another authority", async () => ({ ...strangers, ca: own.ca }), /not one of the authority/],
    ["a certificate that has expired", () => authority.certify({ days: [-9, -1] }), /has expired/],
    ["a certificate of the future", () => authority.certify({ days: [1, 9] }), /not valid yet/],
    [
      "a certificate that is for servers alone",
      () => authority.certify({ usages: [SERVER_ONLY] }),
      /not for this use/,
    ],
  ])("cuts off who has %s, and says why", async (_, shown, why) => {
    await expect(showing({ ...own, ...(await shown()) })(server.address)).rejects.toThrow();
    await expect.poll(() => refused, PATIENT).toEqual([expect.stringMatching(why)]);
  });

  it("cuts off who shows none, speaks an older TLS, or none at all", async () => {
    const port = Number(new URL(server.address).port);
    connect({ port, ca: own.ca, host: "127.0.0.1" }).on("error", () => undefined);
    await expect.poll(() => refused, PATIENT).toEqual(["the other end shows no certificate"]);
    connect({ port, ...own, host: "127.0.0.1", maxVersion: "TLSv1.2" }).on("error", () => undefined);
    await expect.poll(() => refused[1], PATIENT).toBe("the other end speaks no TLS 1.3");
    connectPlain(port, "127.0.0.1")
      .on("error", () => undefined)
      .write("GET / HTTP/1.1\r\n\r\n");
    await expect.poll(() => refused[2], PATIENT).toMatch(/speaks HTTP without TLS/);
  });

  it.each<[what: string, shown: () => Promise<TestCredentials>, why: RegExp]>([
    ["is of another authority", async () => strangers, /not one of the authority/],
    ["has expired", () => authority.certify({ days: [-9, -1] }), /has expired/],
    ["is for another name", () => authority.certify({ names: ["b.example"] }), /not for the name or address/],
    ["is for clients alone", () => authority.certify({ usages: [CLIENT_ONLY] }), /not for this use/],
  ])("is not connected to where its certificate %s", async (_, shown, why) => {
    const other = await serve(await shown());
    const failed = await showing(own)(other.address).catch((error: unknown) => error);
    await other.stop();
    expect(failedCheckOf(failed)).toMatch(why);
  });

  it("is refused as ever where the environment has Node.js verify nobody", async () => {
    vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
    const other = await serve(await authority.certify({ names: ["b.example"] }));
    const failed = await showing(own)(other.address).catch((error: unknown) => error);
    await other.stop();
    const shaken = await shakeOwnHand({ ...own, ends: new Date() }, "b.example").catch((error) => error);
    vi.unstubAllEnvs();
    for (const error of [failed, shaken]) expect(failedCheckOf(error)).toMatch(/not for the name or address/);
  });
});

it("is not connected to without TLS: nothing is sent there", async () => {
  let heard = 0;
  const plain = createPlainServer((_, answer) => {
    heard++;
    answer.end();
  });
  await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
  const { port } = plain.address() as AddressInfo;
  await expect(showing(own)(`http://127.0.0.1:${port}`)).rejects.toThrow("not to be reached by TLS");
  const failed = await showing(own)(`https://127.0.0.1:${port}`).catch((error: unknown) => error);
  expect([failedCheckOf(failed), heard]).toEqual([expect.stringMatching(/does not speak TLS/), 0]);
  await new Promise((resolve) => plain.close(resolve));
});

it("tells an error of TLS from nobody being there", async () => {
  const failed = await showing(own)("https://127.0.0.1:1").catch((error: unknown) => error);
  expect([failed, failedCheckOf(failed)]).toEqual([expect.any(Error), null]);
  const unknown = Object.assign(new Error("x"), { code: "ERR_SSL_SOMETHING" });
  expect(failedCheckOf(new TypeError("fetch failed", { cause: unknown }))).toContain("ERR_SSL_SOMETHING");
});

describe("one's own hand", () => {
  const shake = (shown: TestCredentials, host: string | null) =>
    shakeOwnHand({ ...shown, ends: new Date() }, host).then(
      () => "taken",
      (error: unknown) => failedCheckOf(error),
    );

  it("is taken where the others would, by name, by address and by none", async () => {
    for (const host of ["a.example", "127.0.0.1", null]) expect(await shake(own, host)).toBe("taken");
  });

  it("is not where they would not, and it is said why", async () => {
    expect(await shake(own, "b.example")).toMatch(/not for the name or address/);
    expect(await shake(await authority.certify({ days: [-9, -1] }), null)).toMatch(/has expired/);
    expect(await shake({ ...own, ca: strangers.ca }, null)).toMatch(/not one of the authority/);
    for (const usages of [[SERVER_ONLY], [CLIENT_ONLY]])
      expect(await shake(await authority.certify({ usages }), null)).toMatch(/not for this use/);
  });
});
