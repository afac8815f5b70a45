import { createServer as createTcpServer, type Server as TcpServer } from "node:net";
import { createServer, type Server, type TlsOptions } from "node:tls";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { challengeServerName, fetchRaTlsEvidence } from "../../src/cli/peer/fetch-certificate.ts";
import { decodeHex } from "../../src/protocol/encoding/hex.ts";
import {
  type Machine,
  makeEvidenceCertificate,
  makeMachine,
  privateKeyPem,
} from "../../src/testing/index.ts";
import { bindingOfCertificate, verifyBinding } from "../../src/verifier/ra-tls/binding.ts";
import { readCertificateEvidence, tdxQuoteOf } from "../../src/verifier/ra-tls/certificate-evidence.ts";
import { parseTdxQuote } from "../../src/verifier/tdx/quote.ts";

const at = new Date("2026-11-20T12:00:00Z");
const timeoutMs = 5_000;
let machine: Machine;
let identity: { key: string; cert: string };
beforeAll(async () => {
  machine = await makeMachine({ at });
  identity = {
    key: await privateKeyPem(machine.channel),
    cert: (await makeEvidenceCertificate(machine)).pem,
  };
});

const servers: Array<Server | TcpServer> = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listen(server: Server | TcpServer): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

const serve = (options: TlsOptions = {}, onData: (bytes: Buffer) => void = () => {}) =>
  listen(
    createServer({ ...identity, ...options }, (socket) => socket.on("data", onData).on("error", () => {})),
  );

describe("fetchRaTlsEvidence", () => {
  test("takes the certificate of a server whose evidence then vouches for the key of this very session", async () => {
    const port = await serve();
    const { certificateDer, spki } = await fetchRaTlsEvidence("127.0.0.1", port, { timeoutMs });
    expect(spki).toEqual(machine.channel.spki);
    const evidence = readCertificateEvidence(certificateDer);
    const { reportData } = parseTdxQuote(tdxQuoteOf(evidence)).body;
    verifyBinding(decodeHex(reportData), bindingOfCertificate(evidence, machine.nonce)!);
  });

  test("sends not one byte of application data", async () => {
    const received: Buffer[] = [];
    const port = await serve({}, (bytes) => received.push(bytes));
    await fetchRaTlsEvidence("127.0.0.1", port, { timeoutMs });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(received).toEqual([]);
  });

  test("sends its challenge as the server name, so that evidence can be made for it", async () => {
    const names: string[] = [];
    const port = await serve({
      SNICallback(name, done) {
        names.push(name);
        done(null);
      },
    });
    await fetchRaTlsEvidence("127.0.0.1", port, { timeoutMs, nonce: machine.nonce });
    expect(names).toEqual([challengeServerName(machine.nonce)]);
    expect(challengeServerName(new Uint8Array(32))).toBe(
      "00000000000000000000000000000000.00000000000000000000000000000000.touchstone.invalid",
    );
  });

  test("cannot take the evidence of eight GPUs from a certificate: OpenSSL stops at 100 KiB", async () => {
    const gpus = Array.from({ length: 8 }, () => ({}));
    const many = await makeMachine({ at, gpus, channel: machine.channel });
    const { pem: cert, der } = await makeEvidenceCertificate(many);
    expect(der.length).toBeGreaterThan(100 * 1024);
    const port = await serve({ cert });
    await expect(fetchRaTlsEvidence("127.0.0.1", port, { timeoutMs })).rejects.toThrow(
      /excessive message size/,
    );
  });

  test("refuses a server that speaks less than TLS 1.3", async () => {
    const port = await serve({ maxVersion: "TLSv1.2" });
    await expect(fetchRaTlsEvidence("127.0.0.1", port, { timeoutMs })).rejects.toThrow(/version|alert/i);
  });

  test("refuses a server that is not TLS", async () => {
    const port = await listen(createTcpServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")));
    await expect(fetchRaTlsEvidence("127.0.0.1", port, { timeoutMs })).rejects.toThrow();
  });

  test("gives up on a server that accepts and says nothing", async () => {
    const port = await listen(createTcpServer((socket) => socket.on("error", () => {}).unref()));
    await expect(fetchRaTlsEvidence("127.0.0.1", port, { timeoutMs: 100 })).rejects.toThrow(
      "did not answer within 100 ms",
    );
  });

  test("says so when nobody listens, or the server hangs up", async () => {
    const closing = await listen(createTcpServer((socket) => socket.destroy()));
    await expect(fetchRaTlsEvidence("127.0.0.1", closing, { timeoutMs })).rejects.toThrow();
    await expect(fetchRaTlsEvidence("127.0.0.1", 1, { timeoutMs })).rejects.toThrow("ECONNREFUSED");
  });
});
