// Serves a made-up machine: over TLS by a key that is made at the start, evidence for it on request, and to every other request a reply that
// streams. It counts what it was sent.
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { decodeHex } from "../../protocol/encoding/hex.ts";
import {
  encodeEvidence,
  type MachineOptions,
  makeKeyPair,
  makeMachine,
  makeRaTlsCertificate,
  privateKeyPem,
} from "../../testing/index.ts";

export interface MadeUpMachineOptions {
  readonly now: () => Date;
  /** What it runs; key and nonce are those of each connection. */
  readonly machine: Partial<MachineOptions>;
  /** The words of its reply, one by one. */
  readonly reply: Iterable<string>;
  /** 0 takes any free port. */
  readonly port?: number;
}

export interface MadeUpMachine {
  readonly origin: string;
  readonly port: number;
  /** Requests beside those for evidence, and the bytes of their bodies. */
  readonly seen: { readonly requests: number; readonly bytes: number };
  stop(): Promise<void>;
}

const EVIDENCE = /^\/\.well-known\/touchstone\/evidence\?nonce=([0-9a-f]{64})$/;
const BETWEEN_WORDS_MS = 20;
const YEAR_MS = 365 * 86_400_000;

export async function startMadeUpMachine(options: MadeUpMachineOptions): Promise<MadeUpMachine> {
  const { now, reply, port = 0 } = options;
  const channel = await makeKeyPair("P-256");
  const certificate = await makeRaTlsCertificate(channel, {
    commonName: "machine.example",
    extensions: [],
    notBefore: new Date(now().getTime() - YEAR_MS),
    notAfter: new Date(now().getTime() + YEAR_MS),
  });
  const seen = { requests: 0, bytes: 0 };
  const tls = { key: await privateKeyPem(channel), cert: certificate.pem, minVersion: "TLSv1.3" } as const;
  const server = createServer(tls, (request, answer) => {
    const [, nonce] = EVIDENCE.exec(request.url ?? "") ?? [];
    if (nonce === undefined) void converse(request, answer, seen, reply);
    else
      void makeMachine({ at: now(), ...options.machine, channel, nonce: decodeHex(nonce) }).then(
        ({ evidence }) => {
          const bytes = encodeEvidence(evidence);
          answer.writeHead(200, { "content-length": bytes.length, "cache-control": "no-store" }).end(bytes);
        },
      );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(port, "127.0.0.1", resolve);
  });
  const bound = (server.address() as AddressInfo).port;
  return {
    origin: `https://127.0.0.1:${bound}`,
    port: bound,
    seen,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function converse(
  request: IncomingMessage,
  answer: ServerResponse,
  seen: { requests: number; bytes: number },
  reply: Iterable<string>,
): Promise<void> {
  seen.requests++;
  request.on("data", (bytes: Uint8Array) => {
    seen.bytes += bytes.length;
  });
  answer.writeHead(200, { "content-type": "text/event-stream" });
  for (const word of reply) {
    if (answer.destroyed) return;
    answer.write(word);
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_WORDS_MS));
  }
  answer.end();
}
