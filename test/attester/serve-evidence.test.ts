// A made-up machine with a TLS front end, and `touchstone attest serve` as a process in it: whoever connects appraises it on that connection.
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { request } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodePublicKeyPem } from "../../src/protocol/cryptography/signature.ts";
import { type KeyPair, makeKeyPair, makeRaTlsCertificate, privateKeyPem } from "../../src/testing/index.ts";
import type { Verdict } from "../../src/verifier/appraisal/verdict.ts";
import { formatTrustFile } from "../../src/verifier/bundle/trust-pin.ts";
import { failedIds, machineOf, makeWorld } from "../support/appraisal-world.ts";
import { NOW } from "../support/clock.ts";
import { MadeUpGuest } from "../support/made-up-guest.ts";
import { runCli } from "../support/run-cli.ts";

const INSIDE = join(import.meta.dirname, "../support/attest-in-made-up-guest.ts");
let guest: MadeUpGuest;
let key: KeyPair;
let attester: ChildProcessWithoutNullStreams;
let url: string;
let log = "";
const servers: Server[] = [];

async function attest(): Promise<string> {
  const args = ["attest", "serve", ...guest.options, "--tls-key-spki", guest.at("tls.pem")];
  attester = spawn(process.execPath, [
    "--experimental-strip-types",
    INSIDE,
    guest.url,
    ...args,
    ...["--listen", "127.0.0.1:0", "--json"],
  ]);
  let errors = "";
  attester.stderr.on("data", (text) => {
    errors += text;
  });
  return new Promise((resolve, reject) => {
    attester.once("close", () => reject(new Error(errors)));
    attester.stdout.setEncoding("utf8").on("data", (text: string) => {
      log += text;
      const line = /^\{"url":.*$/m.exec(log)?.[0];
      if (line !== undefined) resolve(JSON.parse(line).url);
    });
  });
}

/** A front end that passes on what is asked for, as nginx does; `names` are those that it answers to. */
async function startFrontEnd(pair: KeyPair, answersTo = (_: string) => true): Promise<number> {
  const { pem: cert } = await makeRaTlsCertificate(pair, {
    commonName: "llm.example",
    extensions: [],
    notBefore: NOW,
    notAfter: new Date(NOW.getTime() + 1e10),
  });
  const identity = { key: await privateKeyPem(pair), cert };
  const server = createServer(
    {
      ...identity,
      minVersion: "TLSv1.3",
      SNICallback: (name, done) => (answersTo(name) ? done(null) : done(new Error("no such name"))),
    },
    ({ method, headers, url: path, socket }, outgoing) => {
      const onwards = { ...headers, "x-forwarded-for": socket.remoteAddress ?? "" };
      request(url + path, { method, headers: onwards }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      }).end();
    },
  );
  server.on("tlsClientError", () => {});
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

const appraise = (port: number) =>
  runCli([
    ...["appraise", "--bundle", guest.at("bundle.json"), "--policy", "production"],
    ...["--trust", guest.at("trust-root.json"), "--connect", `127.0.0.1:${port}`],
    ...["--intel-root", guest.at("intel.der"), "--nvidia-root", guest.at("nvidia.der"), "--json"],
  ]);

beforeAll(async () => {
  guest = await MadeUpGuest.start(await machineOf());
  const world = await makeWorld(guest.machine);
  key = await makeKeyPair("P-256");
  writeFileSync(guest.at("bundle.json"), world.bundle);
  writeFileSync(guest.at("trust-root.json"), formatTrustFile(world.log.envelopes[0]!));
  writeFileSync(guest.at("intel.der"), guest.machine.roots.intel);
  writeFileSync(guest.at("nvidia.der"), guest.machine.roots.nvidia);
  writeFileSync(guest.at("tls.pem"), encodePublicKeyPem(key.spki));
  url = await attest();
}, 60_000);

afterAll(() => {
  for (const server of servers) server.close();
  attester?.kill();
  guest?.stop();
});

describe("a machine that serves its evidence", () => {
  it("is trusted by whoever asks over its front end, whose key it vouches for", async () => {
    const run = await appraise(await startFrontEnd(key));
    expect(failedIds(run.json<Verdict>())).toEqual([]);
    expect(run.exitCode).toBe(0);
  });

  it("vouches for no other key: somebody in between who passes its evidence on", async () => {
    const run = await appraise(await startFrontEnd(await makeKeyPair("P-256")));
    expect(failedIds(run.json<Verdict>())).toContain("binding.report-data");
    expect(run.exitCode).toBe(1);
  });

  it("may be behind a front end that knows its own name alone", async () => {
    const run = await appraise(await startFrontEnd(key, (name) => !name.endsWith(".invalid")));
    expect(run.json<Verdict>().verdict).toBe("trusted");
  });

  it("writes down who asked for what and when, and no challenge", async () => {
    const answer = await fetch(`${url}/.well-known/touchstone/evidence?nonce=${"c".repeat(64)}`);
    expect(answer.status).toBe(200);
    await answer.arrayBuffer();
    expect(log).toContain('"path":"/.well-known/touchstone/evidence"');
    expect(log).not.toContain("ccccc");
  });

  it("ends when it is told to, with nothing left behind", async () => {
    const closed = once(attester, "close");
    attester.kill("SIGTERM");
    expect(await closed).toEqual([0, null]);
  });
});
