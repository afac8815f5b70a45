// The floor of publishing: a bare node:http server that verifies the one Ed25519 signature of an envelope (WebCrypto) and commits the
// bytes as they came, all that have queued in one SQLite transaction, synced. No schema, no rules, no tree, no checkpoint, no proof.
import { createPrivateKey, createPublicKey } from "node:crypto";
import { mkdtempSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { sayReady } from "./say-ready.ts";

const folder = process.argv[2] ?? ".";
const spki = createPublicKey(createPrivateKey(readFileSync(join(folder, "keys", "publisher.pem")))).export({
  type: "spki",
  format: "der",
});
const key = await crypto.subtle.importKey("spki", new Uint8Array(spki), "Ed25519", false, ["verify"]);
const database = new Sqlite(join(mkdtempSync(join(folder, "floor-")), "floor.db"));
database.pragma("journal_mode = WAL");
database.pragma("synchronous = FULL");
database.exec("CREATE TABLE entries (idx INTEGER PRIMARY KEY, leaf BLOB NOT NULL) STRICT");
const insert = database.prepare<[Buffer]>("INSERT INTO entries (leaf) VALUES (?)");

interface Waiting {
  readonly body: Buffer;
  readonly response: ServerResponse;
}
let queue: Waiting[] = [];

const commit = database.transaction((batch: readonly Waiting[]) =>
  batch.map(({ body }) => insert.run(body).lastInsertRowid),
);

function commitQueue(): void {
  const batch = queue;
  queue = [];
  commit(batch).forEach((index, i) => {
    batch[i]?.response.writeHead(201, { "content-type": "application/json" }).end(`{"index":${index}}`);
  });
}

async function isSigned(body: Buffer): Promise<boolean> {
  const { payload, payloadType, signatures } = JSON.parse(body.toString()) as {
    payload: string;
    payloadType: string;
    signatures: [{ sig: string }];
  };
  const bytes = Buffer.from(payload, "base64");
  const head = Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${bytes.length} `);
  const signature = Buffer.from(signatures[0].sig, "base64");
  return crypto.subtle.verify("Ed25519", key, signature, Buffer.concat([head, bytes]));
}

async function answer(chunks: readonly Buffer[], response: ServerResponse): Promise<void> {
  const body = Buffer.concat(chunks);
  if (!(await isSigned(body))) return void response.writeHead(401).end();
  if (queue.push({ body, response }) === 1) setImmediate(commitQueue);
}

sayReady(
  createServer((request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => void answer(chunks, response));
  }),
);
