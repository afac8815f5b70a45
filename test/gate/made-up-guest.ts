// A machine on the network that counts: a TLS server which shows made-up evidence, and keeps every byte that anybody sent it beside the
// question for evidence. What it does wrong, a test says.
import { createServer, type Server, type TLSSocket, type TlsOptions } from "node:tls";
import { decodeHex } from "../../src/protocol/encoding/hex.ts";
import {
  encodeEvidence,
  type KeyPair,
  type Machine,
  makeKeyPair,
  makeRaTlsCertificate,
  privateKeyPem,
} from "../../src/testing/index.ts";
import { machineOf } from "../support/appraisal-world.ts";

const QUESTION =
  /^GET \/\.well-known\/touchstone\/evidence\?nonce=([0-9a-f]{64}) HTTP\/1\.1\r\nHost: [^\r\n]+\r\nAccept: [^\r\n]+\r\n\r\n/;

export interface GuestOptions {
  /** The machine behind the key, made for a nonce. */
  readonly machine?: (nonce: Uint8Array, channel: KeyPair) => Promise<Machine>;
  /** Answers the question for evidence in place of the evidence. */
  readonly evidence?: (socket: TLSSocket, evidence: () => Promise<Uint8Array>) => unknown;
  /** Answers a request; `ok` unless given. */
  readonly answer?: (socket: TLSSocket, request: string) => unknown;
  readonly tls?: TlsOptions;
  readonly channel?: KeyPair;
}

export class MadeUpGuest {
  readonly channel: KeyPair;
  /** Everything that was sent beside questions for evidence. */
  received = "";
  questions = 0;
  connections = 0;
  /** What it says before it is asked. */
  greeting = "";
  readonly sockets = new Set<TLSSocket>();
  options: GuestOptions;
  readonly #server: Server;
  port = 0;

  private constructor(channel: KeyPair, server: Server, options: GuestOptions) {
    this.channel = channel;
    this.#server = server;
    this.options = options;
    server.on("tlsClientError", () => undefined);
    server.on("secureConnection", (socket) => this.#serve(socket));
  }

  static async start(options: GuestOptions = {}, port = 0): Promise<MadeUpGuest> {
    const channel = options.channel ?? (await makeKeyPair("P-256"));
    const server = createServer({ ...(await identityOf(channel)), ...options.tls });
    const guest = new MadeUpGuest(channel, server, options);
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    const address = server.address();
    guest.port = typeof address === "object" && address !== null ? address.port : 0;
    return guest;
  }

  get origin(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async evidenceFor(nonce: Uint8Array): Promise<Uint8Array> {
    const make = this.options.machine ?? ((bytes, channel) => machineOf({ nonce: bytes, channel }));
    return encodeEvidence((await make(nonce, this.channel)).evidence);
  }

  #serve(socket: TLSSocket): void {
    this.connections++;
    this.sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => this.sockets.delete(socket));
    socket.write(this.greeting);
    let unread = "";
    socket.on("data", (bytes) => {
      unread += bytes.toString("latin1");
      const [question, nonce] = QUESTION.exec(unread) ?? [];
      if (question !== undefined && nonce !== undefined) {
        unread = unread.slice(question.length);
        this.questions++;
        const evidence = () => this.evidenceFor(decodeHex(nonce));
        void (this.options.evidence ?? answerEvidence)(socket, evidence);
      }
      this.received += unread;
      const request = unread;
      unread = "";
      if (request !== "" && isWhole(this.received)) (this.options.answer ?? answerOk)(socket, request);
    });
  }
}

/** A header, and as much as its Content-Length says. */
function isWhole(received: string): boolean {
  const last = received.slice(received.lastIndexOf(" HTTP/1.1\r\n"));
  const [, length = "0"] = /\r\ncontent-length: ([0-9]+)\r\n/i.exec(last) ?? [];
  const end = last.indexOf("\r\n\r\n");
  if (/\r\ntransfer-encoding: chunked\r\n/i.test(last)) return last.endsWith("\r\n0\r\n\r\n");
  return end !== -1 && last.length >= end + 4 + Number(length);
}

export async function answerEvidence(socket: TLSSocket, evidence: () => Promise<Uint8Array>): Promise<void> {
  const bytes = await evidence();
  socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes.length}\r\nCache-Control: no-store\r\n\r\n`);
  socket.write(bytes);
}

export function answerOk(socket: TLSSocket): void {
  socket.write("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello");
}

const SUBJECT_ALTERNATIVE_NAME = "2.5.29.17";
const IP_127_0_0_1 = Uint8Array.of(0x30, 0x06, 0x87, 0x04, 127, 0, 0, 1);

/** A certificate of the key, signed by itself. */
export async function identityOf(channel: KeyPair): Promise<TlsOptions> {
  const { pem } = await makeRaTlsCertificate(channel, {
    commonName: "llm.example",
    extensions: [[SUBJECT_ALTERNATIVE_NAME, IP_127_0_0_1]],
    notBefore: new Date("2026-01-01"),
    notAfter: new Date("2046-01-01"),
  });
  return { key: await privateKeyPem(channel), cert: pem, minVersion: "TLSv1.2" };
}
