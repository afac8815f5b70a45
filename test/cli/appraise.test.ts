// touchstone appraise as a user runs it: exit codes, the JSON that scripts rely on, what people read, and a live TLS server.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSecureContext, createServer, type Server } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { encodePublicKeyPem } from "../../src/protocol/cryptography/signature.ts";
import { encodeBase64 } from "../../src/protocol/encoding/base64.ts";
import { decodeHex, encodeHex } from "../../src/protocol/encoding/hex.ts";
import {
  encodeEvidence,
  type Machine,
  makeEvidenceCertificate,
  makeKeyPair,
  makeRaTlsCertificate,
  privateKeyPem,
  tamper,
} from "../../src/testing/index.ts";
import { APPRAISAL_CHECKS } from "../../src/verifier/appraisal/appraisal-checks.ts";
import type { Verdict } from "../../src/verifier/appraisal/verdict.ts";
import { formatTrustFile } from "../../src/verifier/bundle/trust-pin.ts";
import { machineOf, makeWorld, type World } from "../support/appraisal-world.ts";
import { NOW } from "../support/clock.ts";
import { type CliRun, runCli } from "../support/run-cli.ts";

let folder: string;
let good: Machine;
let world: World;
const path = (name: string) => join(folder, name);
const put = (name: string, content: string | Uint8Array) => {
  writeFileSync(path(name), content);
  return path(name);
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-appraise-"));
  good = await machineOf();
  world = await makeWorld(good);
  put("bundle.json", world.bundle);
  put("trust-root.json", formatTrustFile(world.log.envelopes[0]!));
  put("intel.der", good.roots.intel);
  put("nvidia.pem", good.vendors.nvidia.root.pem);
  show(good);
});
afterAll(() => rmSync(folder, { recursive: true }));

function show(machine: Machine): void {
  put("evidence.json", encodeEvidence(machine.evidence));
  put("channel.pem", encodePublicKeyPem(machine.channel.spki));
}

const BASE = () => [
  ...["appraise", "--bundle", path("bundle.json"), "--policy", "production"],
  ...["--trust", path("trust-root.json")],
];
const ROOTS = () => ["--intel-root", path("intel.der"), "--nvidia-root", path("nvidia.pem")];
const FROM_FILE = () => ["--evidence", path("evidence.json"), "--channel-key", path("channel.pem")];
const nonceOf = ({ nonce }: Machine) => ["--nonce", encodeHex(nonce)];
const appraise = (...args: string[]): Promise<CliRun> => runCli([...BASE(), ...ROOTS(), ...args]);

describe("touchstone appraise on files", () => {
  test("a good machine: exit 0, and exactly the members that the interface promises", async () => {
    const run = await appraise(...FROM_FILE(), ...nonceOf(good), "--json");
    expect(run.exitCode).toBe(0);
    const verdict = run.json<Verdict & Record<string, unknown>>();
    expect(Object.keys(verdict)).toEqual([
      "verdict",
      "profile",
      "checks",
      "warnings",
      "derivations",
      "policy",
      "checkpoint",
      "asOf",
      "validUntil",
    ]);
    expect(verdict).toMatchObject({
      verdict: "trusted",
      profile: "first",
      policy: { name: "production", version: 1, index: world.verified.policyIndex },
      checkpoint: { origin: world.pin.origin, size: world.log.envelopes.length },
      asOf: NOW.toISOString(),
      derivations: { mrtd: "observed", rtmr0: "observed", rtmr1: "computed", rtmr2: "computed" },
    });
    expect(verdict.checks.map(({ id }) => id)).toEqual([...APPRAISAL_CHECKS]);
    for (const check of verdict.checks)
      expect(Object.keys(check).toSorted()).toEqual([
        "actual",
        "detail",
        "entry",
        "expected",
        "id",
        "outcome",
      ]);
  });

  test("a good machine, for people", async () => {
    const { output } = await appraise(...FROM_FILE(), ...nonceOf(good));
    expect(output).toMatchInlineSnapshot(`
      "TRUSTED

        profile        first
        policy         production version 1, entry 10
        log            log.example/touchstone at size 12
        as of          2026-11-23T12:00:00.000Z
        good until     2026-11-24T11:00:00.000Z
        compared with  mrtd observed on a machine, rtmr0 observed on a machine, rtmr1 computed, rtmr2 computed

      warnings
        MRSERVICETD is not shown by this quote: a service TD may be bound to the TD

      passed
        bundle     7 of 7
        evidence   2 of 2
        tdx       29 of 29
        tuple     10 of 10
        gpu       24 of 24
        switch    15 of 15
        topology   3 of 3
        binding    4 of 4"
    `);
  });

  test("a tampered machine: exit 1, the verdict first, then what differs and which entry says so", async () => {
    const other = await machineOf({
      channel: good.channel,
      nonce: good.nonce,
      tdx: { body: { mrTd: new Uint8Array(48).fill(1) } },
    });
    const file = put("other.json", encodeEvidence(other.evidence));
    const run = await appraise("--evidence", file, "--channel-key", path("channel.pem"), ...nonceOf(good));
    expect(run.exitCode).toBe(1);
    expect(run.output).toMatchInlineSnapshot(`
      "REJECTED

        nearest profile  first
        policy           production version 1, entry 10
        log              log.example/touchstone at size 12
        as of            2026-11-23T12:00:00.000Z
        compared with    mrtd observed on a machine, rtmr0 observed on a machine, rtmr1 computed, rtmr2 computed

      warnings
        MRSERVICETD is not shown by this quote: a service TD may be bound to the TD

      failed
        tuple.mrtd: differs
          expected  516494c764a904cd921c6155e74298dc50afc0bfc6586a8bf07a044c57cb54f28a9948ec6a69a2304071be8053666d41  by platform/h100-vm@1
          found     010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101

      passed
        bundle     7 of 7
        evidence   2 of 2
        tdx       29 of 29
        tuple      9 of 10
        gpu       24 of 24
        switch    15 of 15
        topology   3 of 3
        binding    4 of 4"
    `);
  });

  test("a refused bundle: exit 1, a verdict that names the step, and nothing is remembered", async () => {
    const state = path("never.json");
    const late = new Date(NOW.getTime() + 48 * 3_600_000).toISOString();
    const run = await appraise(...FROM_FILE(), "--state", state, "--now", late, "--json");
    expect(run.exitCode).toBe(1);
    expect(run.json<Verdict>()).toMatchObject({
      verdict: "rejected",
      profile: null,
      policy: null,
      checkpoint: null,
    });
    expect(existsSync(state)).toBe(false);
  });

  test("what the bundle taught is remembered, also when the machine is rejected", async () => {
    const state = path("state.json");
    const run = await appraise(...FROM_FILE(), "--state", state);
    expect(run.exitCode).toBe(1);
    expect(JSON.parse(readFileSync(state, "utf8"))).toMatchObject({
      origin: world.pin.origin,
      statusSequence: 1,
    });
    writeFileSync(state, readFileSync(state, "utf8").replace('"statusSequence":1', '"statusSequence":7'));
    const rolledBack = await appraise(...FROM_FILE(), ...nonceOf(good), "--state", state, "--json");
    expect(rolledBack.json<Verdict>().checks.find(({ outcome }) => outcome === "fail")?.id).toBe(
      "bundle.status",
    );
  });

  test("without testing roots, made-up evidence is rejected by both pinned roots; with them, the warning is loud", async () => {
    const production = await runCli([...BASE(), ...FROM_FILE(), ...nonceOf(good), "--json"]);
    expect(production.exitCode).toBe(1);
    expect(production.warnings).toBe("");
    const failed = production.json<Verdict>().checks.filter(({ outcome }) => outcome === "fail");
    expect(failed.map(({ id }) => id)).toEqual(expect.arrayContaining(["tdx.root", "gpu.chain.root"]));
    const { warnings } = await appraise(...FROM_FILE(), ...nonceOf(good));
    expect(warnings.match(/^WARNING: .* is trusted instead of .* root/gm)).toHaveLength(2);
  });

  test("the channel's key may be PEM, base64 or DER, or a certificate that holds it", async () => {
    const { spki } = good.channel;
    const certificate = await makeEvidenceCertificate(good);
    const forms = [encodePublicKeyPem(spki), encodeBase64(spki), spki, certificate.pem, certificate.der];
    for (const form of forms) {
      const run = await appraise(
        "--evidence",
        path("evidence.json"),
        "--channel-key",
        put("key", form),
        ...nonceOf(good),
      );
      expect(run.exitCode).toBe(0);
    }
  });

  test("an HPKE key is another channel, which this policy does not want", async () => {
    const key = ["--hpke-key", encodeHex(good.channel.spki)];
    const run = await appraise("--evidence", path("evidence.json"), ...key, ...nonceOf(good), "--json");
    expect(run.exitCode).toBe(1);
    expect(
      run
        .json<Verdict>()
        .checks.filter(({ outcome }) => outcome === "fail")
        .map(({ id }) => id),
    ).toEqual(["binding.channel"]);
  });

  test.each<[string, () => string[], RegExp]>([
    ["no channel", () => ["--evidence", path("evidence.json")], /say whose evidence it is/],
    ["two channels", () => [...FROM_FILE(), "--hpke-key", "00"], /say whose evidence it is/],
    ["no evidence", () => ["--channel-key", path("channel.pem")], /give --evidence or --connect/],
    [
      "evidence that is not there",
      () => ["--evidence", path("absent"), "--channel-key", path("channel.pem")],
      /absent/,
    ],
    ["a short nonce", () => [...FROM_FILE(), "--nonce", "00"], /expected 64 hex digits/],
    [
      "a key that is none",
      () => ["--evidence", path("evidence.json"), "--channel-key", path("evidence.json")],
      /base64|DER|UTF-8|key/i,
    ],
    ["an HPKE key that is not hex", () => ["--evidence", path("evidence.json"), "--hpke-key", "zz"], /hex/],
    ["a time that is none", () => [...FROM_FILE(), "--now", "yesterday"], /RFC 3339/],
    ["an address without port", () => ["--connect", "host"], /host:port/],
    [
      "a trust file that is none",
      () => [...FROM_FILE(), "--trust", path("evidence.json")],
      /trust file|JSON/,
    ],
    [
      "a testing root that is none",
      () => [...FROM_FILE(), "--intel-root", path("evidence.json")],
      /certificate|DER|malformed/i,
    ],
  ])("%s: exit 2", async (_, args, message) => {
    const run = await appraise(...args());
    expect(run.exitCode).toBe(2);
    expect(run.warnings).toMatch(message);
  });
});

describe("touchstone appraise --connect", () => {
  const servers: Server[] = [];
  const received: Buffer[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
    received.length = 0;
  });

  /** A guest that answers a challenge in the server name with a certificate made for it. */
  async function serve(
    answer: (nonce: Uint8Array) => Promise<Machine>,
    certify = makeEvidenceCertificate,
  ): Promise<string[]> {
    const server = createServer({
      SNICallback: (name, done) => {
        const nonce = decodeHex(name.slice(0, 65).replace(".", ""));
        answer(nonce)
          .then(async (machine) => {
            const [key, { pem: cert }] = [await privateKeyPem(machine.channel), await certify(machine)];
            done(null, createSecureContext({ key, cert }));
          })
          .catch(done);
      },
    });
    server.on("secureConnection", (socket) =>
      socket.on("data", (bytes) => received.push(bytes)).on("error", () => {}),
    );
    server.on("tlsClientError", () => {});
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    return ["--connect", `127.0.0.1:${typeof address === "object" ? address?.port : ""}`];
  }

  test("draws the challenge that the policy wants, takes the evidence from the certificate, and sends nothing", async () => {
    const connect = await serve((nonce) => machineOf({ nonce }));
    const run = await appraise(...connect, "--json");
    expect(run.json<Verdict>().verdict).toBe("trusted");
    expect(run.exitCode).toBe(0);
    expect(received).toEqual([]);
  });

  test("rejects a server that shows yesterday's evidence to a new challenge", async () => {
    const run = await appraise(...(await serve(async () => good)), "--json");
    expect(run.exitCode).toBe(1);
    expect(run.json<Verdict>().checks.find(({ id }) => id === "binding.nonce")?.outcome).toBe("fail");
  });

  test("rejects a man in the middle, who shows the machine's evidence with a key of his own", async () => {
    const connect = await serve(async (nonce) => tamper(await machineOf({ nonce }), "channel-key-swapped"));
    const run = await appraise(...connect, "--json");
    expect(run.exitCode).toBe(1);
    expect(run.json<Verdict>().checks.find(({ id }) => id === "binding.report-data")?.outcome).toBe("fail");
  });

  test("takes evidence from a file where the server serves it as one, still bound to the server's key", async () => {
    const plain = ({ channel }: Machine) =>
      makeRaTlsCertificate(channel, {
        commonName: "x",
        extensions: [],
        notBefore: NOW,
        notAfter: new Date(NOW.getTime() + 1e9),
      });
    const connect = await serve(async () => good, plain);
    const evidence = ["--evidence", path("evidence.json"), ...nonceOf(good)];
    expect((await appraise(...connect, ...evidence)).exitCode).toBe(0);
    const without = await appraise(...connect, "--json");
    expect(without.exitCode).toBe(1);
    expect(without.warnings).toMatch(/the certificate holds no evidence/);
    expect(without.json<Verdict>().checks.find(({ outcome }) => outcome === "fail")?.id).toBe(
      "evidence.format",
    );
  });

  test("nobody there: exit 3", async () => {
    const run = await appraise("--connect", "127.0.0.1:1");
    expect(run.exitCode).toBe(3);
    expect(run.warnings).toContain("ECONNREFUSED");
  });

  test("a key that nobody certified as a machine's: rejected", async () => {
    const stranger = await makeKeyPair("P-256");
    const connect = await serve(async () => ({ ...good, channel: stranger }));
    expect((await appraise(...connect)).exitCode).toBe(1);
  });
});
