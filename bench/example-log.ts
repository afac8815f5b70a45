// Logs to measure: founded as `touchstone init` does it, with the example release and a policy over it, and filled to a size.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { CliContext } from "../src/cli/context.ts";
import { initLog } from "../src/cli/init-log.ts";
import { openLogConfig, readConfig } from "../src/cli/open-log.ts";
import type { Log } from "../src/log/log.ts";
import { openLog } from "../src/log/open-or-create.ts";
import type { NewEntry } from "../src/log/store/log-store.ts";
import { openForWriting } from "../src/log/store/sqlite/open.ts";
import { SqliteReader } from "../src/log/store/sqlite/sqlite-reader.ts";
import { SqliteWriter } from "../src/log/store/sqlite/sqlite-writer.ts";
import { GrowingTree } from "../src/log/tree/growing-tree.ts";
import { nativeSha256 } from "../src/node/sha256.ts";
import { readKeyText } from "../src/node/signing/key-source.ts";
import type { Signer } from "../src/node/signing/signer.ts";
import { signingKeyOf } from "../src/node/signing/signing-key.ts";
import { encodeHex } from "../src/protocol/encoding/hex.ts";
import { inDependencyOrder } from "../src/protocol/entry/dependency-order.ts";
import { platform } from "../src/protocol/entry/kinds/platform.ts";
import { type Envelope, parseLeaf } from "../src/protocol/envelope/dsse.ts";
import { digestsOf } from "../src/protocol/lookup/term.ts";
import { hashLeaf } from "../src/protocol/merkle/hash.ts";
import { draftPolicy, type PolicyContent } from "../src/publisher/policy/draft-policy.ts";
import { parseSignable, signEnvelope } from "../src/publisher/signing/sign.ts";
import { entryMaker, unsignedMaker } from "./entries.ts";

export const POLICY = "bench";
export const ORIGIN = "bench.example/log";
const EXAMPLES = fileURLToPath(new URL("../examples/release/", import.meta.url));
const DAY_MS = 86_400_000;
/** Entries of one append while filling. */
const BATCH = 4096;

export const context: CliContext = {
  environment: process.env,
  now: () => new Date(),
  fetch,
  print: () => undefined,
  warn: () => undefined,
  interactive: false,
  confirm: async () => true,
};

export function keyOf(folder: string, role: string): Signer {
  return signingKeyOf(readKeyText(join(folder, "keys", `${role}.pem`), {}));
}

export interface FoundingOptions {
  /** Where the URL of its database is; the log is in a file without it. */
  readonly postgres?: string;
  /** Whether its statuses commit to an index. */
  readonly index?: boolean;
}

/** Founds a log whose service lets one client write as fast as it can. */
export async function foundExampleLog(folder: string, options: FoundingOptions = {}): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const own = { origin: ORIGIN, url: "http://127.0.0.1:8080", port: 0, receiptKey: true } as const;
  await initLog(folder, { ...own, ...options }, context);
  writeFileSync(join(folder, "touchstone.toml"), "\n[limits]\nwritesPerMinute = 10000000\n", { flag: "a" });
  await withLog(folder, async (log) => {
    const release = await exampleRelease(keyOf(folder, "publisher"));
    await log.publish([...release, await examplePolicy(keyOf(folder, "policy"), POLICY)]);
  });
  return folder;
}

export async function withLog<T>(folder: string, use: (log: Log) => Promise<T>): Promise<T> {
  const log = await openLog(
    await openLogConfig(readConfig(join(folder, "touchstone.toml"), context), context),
  );
  try {
    return await use(log);
  } finally {
    await log.close();
  }
}

/** The example release, in an order in which references point backwards. */
export async function exampleRelease(publisher: Signer): Promise<Envelope[]> {
  const envelopes = readdirSync(EXAMPLES)
    .filter((file) => file.startsWith("example-") && file.endsWith(".json"))
    .map((file) => signEnvelope(parseSignable(readFileSync(join(EXAMPLES, file))), [publisher]));
  return inDependencyOrder(await Promise.all(envelopes), ({ statement }) => statement.kind);
}

export function policyContent(): PolicyContent {
  return JSON.parse(readFileSync(join(EXAMPLES, "policy.json"), "utf8")) as PolicyContent;
}

/** The first version of a policy, in force for a month. */
export function examplePolicy(key: Signer, name: string, content = policyContent()): Promise<Envelope> {
  const at = (ms: number) =>
    new Date(Math.floor((Date.now() + ms) / 1000) * 1000).toISOString().replace(".000Z", "Z");
  const place = { name, origin: ORIGIN, previous: null, validFrom: at(-1000), expires: at(30 * DAY_MS) };
  return signEnvelope({ payload: draftPolicy(place, content), signatures: [] }, [key]);
}

/** Publishes signed entries of 2 KiB until the log has `size` entries. */
export async function fillSigned(folder: string, size: number): Promise<void> {
  const make = await entryMaker(folder);
  await withLog(folder, async (log) => {
    while (sizeOf(log) < size) {
      const from = sizeOf(log);
      const count = Math.min(512, size - from);
      await log.publish(Array.from({ length: count }, (_, i) => parseLeaf(make(`fill/${from + i}`))));
    }
  });
}

/** Appends entries of 2 KiB without a valid signature to the store, until the log has `size` entries, and has the tree published. */
export async function fillUnsigned(folder: string, size: number): Promise<void> {
  const { storage } = readConfig(join(folder, "touchstone.toml"), context);
  const open = openForWriting(storage.database ?? "", { now: new Date() });
  // It is made anew for every run: a crash may lose it, and the indexes should stay in memory.
  open.database.pragma("synchronous = OFF");
  open.database.pragma("cache_size = -1000000");
  const store = {
    reader: new SqliteReader(open),
    writer: new SqliteWriter(open, { id: "bench", address: null }),
  };
  const make = unsignedMaker(keyOf(folder, "publisher").keyId);
  const tree = await GrowingTree.load(store.reader, await store.reader.head());
  while (tree.size < size) appendBatch(store.writer, tree, make, Math.min(BATCH, size - tree.size));
  store.writer.close();
  await withLog(folder, async (log) => {
    while (sizeOf(log) < size) await new Promise((resolve) => setTimeout(resolve, 10));
  });
}

function appendBatch(
  writer: SqliteWriter,
  tree: GrowingTree,
  make: ReturnType<typeof unsignedMaker>,
  count: number,
): void {
  const from = tree.size;
  const entries: NewEntry[] = [];
  for (let index = from; index < from + count; index++) {
    const { payload, leaf } = make(`fill/${index}`);
    tree.append(hashLeaf(leaf, nativeSha256));
    entries.push({
      index,
      leaf,
      payloadDigest: encodeHex(nativeSha256(payload)),
      kind: platform.kind,
      name: `bench/fill/${index}`,
      version: "1",
      signers: [],
      tokens: [],
      digests: digestsOf({ payload }).slice(0, 1),
    });
  }
  writer.append(from, {
    entries,
    attachments: [],
    tiles: tree.takeWrites(),
    head: { size: tree.size, root: tree.root() },
  });
}

export function sizeOf(log: Log): number {
  return log.read.published()?.checkpoint.size ?? 0;
}
