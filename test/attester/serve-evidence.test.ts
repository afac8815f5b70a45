// A made-up machine with a TLS front end: its evidence, asked for over the front end, is judged by whoever connects to it.
import { request as httpRequest } from "node:http";
import { createServer, request as httpsRequest, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serveEvidence } from "../../src/cli/serve-evidence.ts";
import type { RunningServer } from "../../src/http/server.ts";
import { encodeHex } from "../../src/protocol/encoding/hex.ts";
import { type KeyPair, makeKeyPair, makeRaTlsCertificate, privateKeyPem } from "../../src/testing/index.ts";
import { appraiseEvidence } from "../../src/verifier/appraisal/appraise.ts";
import { failedIds, machineOf, makeWorld, optionsFor, type World } from "../support/appraisal-world.ts";
import { NOW } from "../support/clock.ts";
import { MadeUpGuest } from "../support/made-up-guest.ts";

let guest: MadeUpGuest;
let world: World;
let attester: RunningServer;
let frontEnd: Server;
let key: KeyPair;

/** Passes on what is asked for, as nginx does. */
async function startFrontEnd(pair: KeyPair, to: string): Promise<Server> {
  const { pem: cert } = await makeRaTlsCertificate(pair, {
    commonName: "llm.example",
    extensions: [],
    notBefore: new Date(Date.now() - 3_600_000),
    notAfter: new Date(Date.now() + 3_600_000),
  });
  const server = createServer({ key: await privateKeyPem(pair), cert }, (incoming, outgoing) => {
    const { method, headers, socket } = incoming;
    const onwards = { ...headers, "x-forwarded-for": socket.remoteAddress ?? "" };
    const passed = httpRequest(`${to}${incoming.url}`, { method, headers: onwards }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

const portOf = (server: Server) => (server.address() as AddressInfo).port;

interface Shown {
  readonly status: number;
  readonly body: Buffer;
  readonly length: string | undefined;
  /** Of the connection on which it came. */
  readonly spki: Uint8Array;
}

function ask(nonce: Uint8Array): Promise<Shown> {
  return new Promise((resolve, reject) => {
    const path = `/.well-known/touchstone/evidence?nonce=${encodeHex(nonce)}`;
    const options = {
      host: "127.0.0.1",
      port: portOf(frontEnd),
      path,
      rejectUnauthorized: false,
      agent: false,
    };
    const asked = httpsRequest(options, (answer) => {
      const socket = answer.socket as import("node:tls").TLSSocket;
      const spki = socket.getPeerX509Certificate()?.publicKey.export({ type: "spki", format: "der" });
      const pieces: Buffer[] = [];
      answer.on("data", (piece: Buffer) => pieces.push(piece));
      answer.on("end", () =>
        resolve({
          status: answer.statusCode ?? 0,
          body: Buffer.concat(pieces),
          length: answer.headers["content-length"],
          spki: new Uint8Array(spki ?? []),
        }),
      );
    });
    asked.on("error", reject).end();
  });
}

beforeAll(async () => {
  guest = await MadeUpGuest.start(await machineOf());
  world = await makeWorld(guest.machine);
  key = await makeKeyPair("P-256");
  const options = guest.options;
  const option = (name: string) => options[options.indexOf(name) + 1] ?? "";
  attester = await serveEvidence(
    {
      root: guest.root,
      collect: [option("--collect")],
      nvidiaSmi: option("--nvidia-smi"),
      collateral: [option("--collateral")],
      revocation: [option("--revocation")],
      tlsKey: key.spki,
      listen: { host: "127.0.0.1", port: 0 },
      requestsPerMinute: 60,
      trustedProxies: 1,
      refresh: 60,
    },
    pino({ level: "silent" }),
    {
      environment: {},
      now: () => NOW,
      fetch: () => Promise.reject(new Error("this test has no network")),
      print: () => {},
      warn: () => {},
      interactive: false,
      confirm: async () => true,
      reportFolder: guest.reportFolder,
    },
  );
  frontEnd = await startFrontEnd(key, attester.address);
});

afterAll(async () => {
  frontEnd?.close();
  await attester?.stop();
  guest?.stop();
});

describe("evidence that is asked for over a TLS front end", () => {
  it("is trusted by whoever asked, on the connection on which it came", async () => {
    const nonce = crypto.getRandomValues(new Uint8Array(32));
    const { status, body, length, spki } = await ask(nonce);
    expect(status).toBe(200);
    expect(length).toBe(String(body.length));
    const channel = { type: "tls-spki", key: spki } as const;
    const verdict = await appraiseEvidence(world.verified, body, {
      ...optionsFor(guest.machine),
      nonce,
      channel,
    });
    expect(failedIds(verdict)).toEqual([]);
    expect(verdict.verdict).toBe("trusted");
  });

  it("vouches for no other key", async () => {
    const nonce = crypto.getRandomValues(new Uint8Array(32));
    const { body } = await ask(nonce);
    const { spki } = await makeKeyPair("P-256");
    const channel = { type: "tls-spki", key: spki } as const;
    const verdict = await appraiseEvidence(world.verified, body, {
      ...optionsFor(guest.machine),
      nonce,
      channel,
    });
    expect(failedIds(verdict)).toContain("binding.report-data");
    expect(verdict.verdict).toBe("rejected");
  });
});
