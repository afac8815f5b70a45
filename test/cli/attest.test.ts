// touchstone attest inside a made-up machine: a file for whoever brought a challenge, or a certificate that carries the evidence.
import { readFileSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer, type Server } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fetchRaTlsEvidence } from "../../src/cli/peer/fetch-certificate.ts";
import { encodeHex } from "../../src/protocol/encoding/hex.ts";
import { type KeyPair, makeKeyPair, privateKeyPem, WHOLE_BOARD } from "../../src/testing/index.ts";
import { appraiseEvidence } from "../../src/verifier/appraisal/appraise.ts";
import { readCertificateEvidence } from "../../src/verifier/ra-tls/certificate-evidence.ts";
import { failedIds, machineOf, makeWorld, optionsFor, type World } from "../support/appraisal-world.ts";
import { MadeUpGuest } from "../support/made-up-guest.ts";
import { type CliRun, runCli } from "../support/run-cli.ts";
import { asPem } from "../support/vendor-answers.ts";

const NONCE = "5a".repeat(32);
let guest: MadeUpGuest;
let world: World;
let key: KeyPair;
const servers: Server[] = [];

beforeAll(async () => {
  guest = await MadeUpGuest.start(await machineOf());
  world = await makeWorld(guest.machine);
  key = await makeKeyPair("P-256");
  writeFileSync(guest.at("channel.pem"), asPem("PUBLIC KEY", key.spki));
  writeFileSync(guest.at("tls.key"), await privateKeyPem(key));
});
afterAll(() => {
  for (const server of servers) server.close();
  guest?.stop();
});

const attest = (args: readonly string[]): Promise<CliRun> =>
  runCli(["attest", ...guest.options, ...args], { reportFolder: guest.reportFolder });

async function failed(evidence: Uint8Array, nonce: Uint8Array | null, spki = key.spki): Promise<string[]> {
  const channel = { type: "tls-spki", key: spki } as const;
  return failedIds(
    await appraiseEvidence(world.verified, evidence, { ...optionsFor(guest.machine), nonce, channel }),
  );
}

describe("touchstone attest", () => {
  it("answers a challenge for a channel key", async () => {
    const out = guest.at("evidence.json");
    const run = await attest(["--channel-key", guest.at("channel.pem"), "--nonce", NONCE, "-o", out]);
    expect(run.warnings).toBe("");
    const evidence = new Uint8Array(readFileSync(out));
    expect(await failed(evidence, new Uint8Array(32).fill(0x5a))).toEqual([]);
    expect(await failed(evidence, new Uint8Array(32).fill(0x5b))).toContain("binding.nonce");
    const other = await makeKeyPair("P-256");
    expect(await failed(evidence, new Uint8Array(32).fill(0x5a), other.spki)).toContain(
      "binding.report-data",
    );
  });

  it("draws a nonce where nobody brought one, and says it", async () => {
    const run = await attest(["--hpke-key", "ab".repeat(32), "-o", guest.at("hpke.json"), "--json"]);
    const { nonce } = run.json<{ nonce: string }>();
    expect(JSON.parse(readFileSync(guest.at("hpke.json"), "utf8")).nonce).toBe(nonce);
  });

  it("shows a whole board: eight GPUs and the four switches between them", async () => {
    const board = await MadeUpGuest.start(await machineOf(WHOLE_BOARD));
    try {
      const out = board.at("evidence.json");
      const nonce = ["--nonce", NONCE, "-o", out];
      const run = await runCli(
        ["attest", ...board.options, "--channel-key", guest.at("channel.pem"), ...nonce],
        {
          reportFolder: board.reportFolder,
        },
      );
      expect(run.warnings).toBe("");
      const { verified } = await makeWorld(board.machine);
      const verdict = await appraiseEvidence(verified, new Uint8Array(readFileSync(out)), {
        ...optionsFor(board.machine),
        nonce: new Uint8Array(32).fill(0x5a),
        channel: { type: "tls-spki", key: key.spki },
      });
      expect(failedIds(verdict)).toEqual([]);
    } finally {
      board.stop();
    }
  });

  it("writes a certificate which a TLS server shows, and whose evidence vouches for its key", async () => {
    const cert = guest.at("cert.pem");
    const run = await attest(["--tls-key", guest.at("tls.key"), "--name", "llm.example", "-o", cert]);
    expect(run.warnings).toBe("");
    const server = createServer({ key: readFileSync(guest.at("tls.key")), cert: readFileSync(cert) });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const { certificateDer, spki } = await fetchRaTlsEvidence("127.0.0.1", port, { timeoutMs: 5000 });
    expect(encodeHex(spki)).toBe(encodeHex(key.spki));
    const found = readCertificateEvidence(certificateDer);
    if (found.form !== "touchstone-ra-tls/v1") throw new Error(found.form);
    expect(await failed(found.document, found.evidence.nonce)).toEqual([]);
  });

  it.each<readonly [what: string, args: () => string[], words: RegExp]>([
    ["no key", () => ["-o", "-"], /one of --channel-key/],
    ["two keys", () => ["--hpke-key", "ab", "--tls-key", "k", "-o", "-"], /one of --channel-key/],
    ["a certificate without a name", () => ["--tls-key", guest.at("tls.key"), "-o", "-"], /missing: --name/],
    ["a name that is none", () => ["--tls-key", "k", "--name", "a b", "-o", "-"], /host name/],
    [
      "a public key for a private one",
      () => ["--tls-key", guest.at("channel.pem"), "--name", "a", "-o", "-"],
      /no private key/,
    ],
    ["a collector without the nonce", () => ["--collect", "nvattest", "-o", "-"], /\{nonce\}/],
    [
      "another root, without a kernel in it",
      () => ["--hpke-key", "ab", "--root", guest.at("ocsp"), "-o", "-"],
      /no quote from configfs-tsm/,
    ],
    [
      "no tool of the driver",
      () => ["--hpke-key", "ab", "--nvidia-smi", guest.at("gone"), "-o", "-"],
      /not installed/,
    ],
    ["no collateral", () => ["--hpke-key", "ab", "--collateral", guest.at("gone"), "-o", "-"], /gone/],
  ])("%s: exit code 2", async (_, args, words) => {
    const { exitCode, warnings } = await attest(args());
    expect(warnings).toMatch(words);
    expect(exitCode).toBe(2);
  });

  it("nobody answers at the address of a PCCS: exit code 3", async () => {
    const options = guest.options.map((option) =>
      option.endsWith("collateral.json") ? "https://pccs.example" : option,
    );
    const run = await runCli(["attest", ...options, "--hpke-key", "ab", "-o", "-"], {
      reportFolder: guest.reportFolder,
    });
    expect(run.exitCode).toBe(3);
  });
});
