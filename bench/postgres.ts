// What an append costs in PostgreSQL: beside COPY of the same rows into the same tables by the server itself, and beside SQLite.
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { digestPrefix } from "../src/log/store/digest-prefix.ts";
import type { Append, LogStore, NewEntry, TileWrite } from "../src/log/store/log-store.ts";
import { openStore } from "../src/log/store/open-store.ts";
import { prepareSchema } from "../src/log/store/postgres/open.ts";
import { GrowingTree } from "../src/log/tree/growing-tree.ts";
import { nativeSha256 } from "../src/node/sha256.ts";
import { encodeHex } from "../src/protocol/encoding/hex.ts";
import { hashLeaf } from "../src/protocol/merkle/hash.ts";
import { TestPostgres, whyNoPostgres } from "../test/support/postgres.ts";
import { unsignedMaker } from "./entries.ts";
import { interleave, type Measurement, ratios, spreadOf, timed } from "./harness.ts";
import type { World } from "./world.ts";

const BATCH = 256;
const SIGNER = "5".repeat(64);
const DIGESTS = 6;

/** Appends so many entries, none of which it has seen before, in so many appends. @returns entries in a second. */
type Subject = (appends: number, entries: number) => Promise<number>;

export async function measurePostgres({ rounds, folder, amount }: World): Promise<Measurement[]> {
  if (whyNoPostgres !== undefined) throw new Error(whyNoPostgres);
  const postgres = TestPostgres.start("fsync = on", "max_wal_size = 4GB");
  const sqlite = await openStore(join(folder, "append.db"), new Date());
  const store = await openStore(postgres.location(), new Date());
  const copying = await Copying.open(postgres);
  const subjects = {
    copy: copying.subject,
    sqlite: appending(sqlite, GrowingTree.empty()),
    postgres: appending(store, GrowingTree.empty()),
  };
  const each = (appends: number, entries: number) =>
    interleave<keyof typeof subjects, number>(rounds, {
      copy: () => subjects.copy(appends, entries),
      sqlite: () => subjects.sqlite(appends, entries),
      postgres: () => subjects.postgres(appends, entries),
    });
  try {
    const many = await each(amount(20), BATCH);
    const one = await each(amount(200), 1);
    return [
      describe(
        `appends of ${BATCH} entries of 2 KiB, durable`,
        "COPY of the same rows",
        many.copy,
        many.postgres,
        0.8,
      ),
      describe("the same", "the SQLite store", many.sqlite, many.postgres, 0.7),
      describe("appends of one entry", "the SQLite store", one.sqlite, one.postgres, 0.6),
    ];
  } finally {
    await copying.close();
    await store.close();
    await sqlite.close();
    postgres.remove();
  }
}

function describe(
  what: string,
  floorIs: string,
  floor: readonly number[],
  figure: readonly number[],
  target: number,
): Measurement {
  const ratio = ratios(figure, floor);
  return {
    row: "postgres",
    what,
    unit: "entries/s",
    floor: spreadOf(floor),
    figure: spreadOf(figure),
    ratio,
    target: `≥ ${target}`,
    reached: ratio.median >= target,
    note: `floor: ${floorIs}, on the same disk, with fsync`,
  };
}

const make = unsignedMaker(SIGNER);

function nextAppend(tree: GrowingTree, count: number): Append {
  const from = tree.size;
  const entries = Array.from({ length: count }, (_, i): NewEntry => {
    const index = from + i;
    const { payload, leaf } = make(`append/${index}`);
    tree.append(hashLeaf(leaf, nativeSha256));
    return {
      index,
      leaf,
      payloadDigest: encodeHex(nativeSha256(payload)),
      kind: "platform",
      name: `append/${index}`,
      version: "1",
      signers: [SIGNER],
      tokens: [],
      digests: Array.from({ length: DIGESTS }, () => randomBytes(32).toString("hex")),
    };
  });
  return { entries, attachments: [], tiles: tree.takeWrites(), head: { size: tree.size, root: tree.root() } };
}

function appending(store: LogStore, tree: GrowingTree): Subject {
  return async (appends, count) => {
    let ms = 0;
    for (let i = 0; i < appends; i++) {
      const from = tree.size;
      const append = nextAppend(tree, count);
      ms += await timed(() => store.append(from, append));
    }
    return (appends * count * 1000) / ms;
  };
}

/** The server reads the rows from files that were written before, in one transaction for each append. */
class Copying {
  readonly #client: pg.Client;
  readonly #folder: string;
  readonly #tree = GrowingTree.empty();

  private constructor(client: pg.Client, folder: string) {
    this.#client = client;
    this.#folder = folder;
  }

  static async open(postgres: TestPostgres): Promise<Copying> {
    const { url, schema, ...rest } = postgres.location();
    await prepareSchema({ url, schema, ...rest });
    const client = new pg.Client(url);
    await client.connect();
    await client.query(`SET search_path = ${schema}`);
    return new Copying(client, postgres.folder);
  }

  readonly subject: Subject = async (appends, count) => {
    let ms = 0;
    for (let i = 0; i < appends; i++) {
      const append = nextAppend(this.#tree, count);
      const copies = this.#write(append.entries);
      const tiles = append.tiles.map(tileStatement);
      const { size, root } = append.head;
      const head = `UPDATE tree_head SET size = ${size}, root = ${literal(root)}`;
      const statements = ["BEGIN", head, ...copies, ...tiles, "COMMIT"].join("; ");
      ms += await timed(() => this.#client.query(statements));
    }
    return (appends * count * 1000) / ms;
  };

  #write(entries: readonly NewEntry[]): string[] {
    const hex = (digest: string) => `\\\\x${digest}`;
    const rows = {
      entries: entries.map(({ index, leaf, payloadDigest, kind, name, version }) =>
        [index, hex(encodeHex(leaf)), hex(payloadDigest), kind, name, version].join("\t"),
      ),
      entry_signers: entries.flatMap(({ index, signers }) => signers.map((key) => `${hex(key)}\t${index}`)),
      entry_digests: entries.flatMap(({ index, digests }) =>
        digests.map((digest) => `${digestPrefix(digest)}\t${index}`),
      ),
    };
    return Object.entries(rows).map(([table, lines]) => {
      const file = join(this.#folder, `${table}.copy`);
      writeFileSync(file, `${lines.join("\n")}\n`);
      return `COPY ${table} FROM '${file}'`;
    });
  }

  close(): Promise<void> {
    return this.#client.end();
  }
}

const literal = (bytes: Uint8Array | null) => (bytes === null ? "NULL" : `'\\x${encodeHex(bytes)}'`);

function tileStatement({ level, index, hashes, inner }: TileWrite): string {
  return `INSERT INTO tiles VALUES (${level}, ${index}, ${literal(hashes)}, ${literal(inner)})
    ON CONFLICT (level, idx) DO UPDATE SET hashes = excluded.hashes, inner_nodes = excluded.inner_nodes`;
}
