// Stands between a client and a PostgreSQL of a test, over TCP: it can swallow everything, as a network does that is cut, and show another
// process id, as a connection pooler does.
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import type { TestPostgres } from "./postgres.ts";

/** "K", and the length of a BackendKeyData message (PostgreSQL protocol 3.0, "Message Formats"). */
const BACKEND_KEY_DATA = Buffer.from([0x4b, 0, 0, 0, 12]);

export class PostgresProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #postgres: TestPostgres;
  #isCut = false;

  private constructor(server: Server, postgres: TestPostgres) {
    this.#server = server;
    this.#postgres = postgres;
  }

  static async start(postgres: TestPostgres, { asPooler = false } = {}): Promise<PostgresProxy> {
    const server = createServer();
    const proxy = new PostgresProxy(server, postgres);
    server.on("connection", (client) => {
      const upstream = connect(join(proxy.#postgres.folder, ".s.PGSQL.5432"));
      proxy.#pass(client, upstream, (bytes) => bytes);
      proxy.#pass(upstream, client, asPooler ? withOtherProcess : (bytes) => bytes);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get url(): string {
    const { port } = this.#server.address() as { port: number };
    return `postgres://touchstone@127.0.0.1:${port}/postgres?sslmode=disable`;
  }

  /** Breaks every connection, and leads the next ones to another server, as a name does that is given another address. */
  pointTo(postgres: TestPostgres): void {
    this.#postgres = postgres;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** From now on nothing arrives, in either direction, and nobody is told. */
  cut(): void {
    this.#isCut = true;
  }

  heal(): void {
    this.#isCut = false;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #pass(from: Socket, to: Socket, change: (bytes: Buffer) => Buffer): void {
    this.#sockets.add(from);
    from.on("data", (bytes) => {
      if (!this.#isCut) to.write(change(bytes));
    });
    from.on("error", () => undefined);
    from.on("close", () => {
      this.#sockets.delete(from);
      if (!this.#isCut) to.destroy();
    });
  }
}

function withOtherProcess(bytes: Buffer): Buffer {
  const at = bytes.indexOf(BACKEND_KEY_DATA);
  if (at < 0) return bytes;
  const changed = Buffer.from(bytes);
  changed.writeInt32BE(4242, at + BACKEND_KEY_DATA.length);
  return changed;
}
