// The machine behind the gate: a bare node:https server that shows made-up evidence and answers everything else at once, or streams for as
// long as somebody listens. Argument: the folder in which it leaves the roots of its vendors.
import { writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { decodeHex } from "../../src/protocol/encoding/hex.ts";
import {
  encodeEvidence,
  makeKeyPair,
  makeMachine,
  makeRaTlsCertificate,
  makeVendors,
  privateKeyPem,
} from "../../src/testing/index.ts";

const EVIDENCE = /^\/\.well-known\/touchstone\/evidence\?nonce=([0-9a-f]{64})$/;
const REPLY = Buffer.from(JSON.stringify({ text: "x".repeat(2000) }));
const YEAR_MS = 365 * 86_400_000;

const folder = process.argv[2] ?? "";
const at = new Date();
const vendors = await makeVendors(at);
writeFileSync(join(folder, "intel.der"), vendors.intel.root.der);
writeFileSync(join(folder, "nvidia.der"), vendors.nvidia.root.der);
const channel = await makeKeyPair("P-256");
const certificate = await makeRaTlsCertificate(channel, {
  commonName: "machine.example",
  extensions: [],
  notBefore: new Date(at.getTime() - YEAR_MS),
  notAfter: new Date(at.getTime() + YEAR_MS),
});

async function answerEvidence(nonce: string, answer: ServerResponse): Promise<void> {
  const tdx = { quote: { form: "v5-tdx1.5" as const } };
  const machine = await makeMachine({ at: new Date(), vendors, channel, tdx, nonce: decodeHex(nonce) });
  const bytes = encodeEvidence(machine.evidence);
  answer.writeHead(200, { "content-length": bytes.length }).end(bytes);
}

function stream(answer: ServerResponse): void {
  answer.writeHead(200, { "content-type": "text/event-stream" });
  const timer = setInterval(() => answer.write("data: token\n\n"), 100);
  answer.on("close", () => clearInterval(timer));
}

const tls = { key: await privateKeyPem(channel), cert: certificate.pem, minVersion: "TLSv1.3" as const };
const server = createServer({ ...tls, keepAliveTimeout: 60_000 }, (request, answer) => {
  const [, nonce] = EVIDENCE.exec(request.url ?? "") ?? [];
  if (nonce !== undefined) void answerEvidence(nonce, answer);
  else if (request.url === "/stream") stream(answer);
  else
    answer.writeHead(200, { "content-type": "application/json", "content-length": REPLY.length }).end(REPLY);
});
server.listen(0, "127.0.0.1", () => {
  process.send?.({ url: `https://127.0.0.1:${(server.address() as AddressInfo).port}` });
});
process.on("disconnect", () => process.exit());
process.on("SIGTERM", () => process.exit());
