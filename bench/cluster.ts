// What a log in PostgreSQL is like to those who write to it: publishing beside a log in a file, a follower beside its leader, and how long
// nobody leads after a leader was killed while another process waited.
import { once } from "node:events";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { schemaOf } from "../src/log/store/store-location.ts";
import { FAKE_S3, startFakeS3 } from "../test/support/fake-s3.ts";
import { TestPostgres, whyNoPostgres } from "../test/support/postgres.ts";
import { entryMaker } from "./entries.ts";
import { foundExampleLog, ORIGIN } from "./example-log.ts";
import { interleave, type Measurement, quantile, ratios, spreadOf, timed } from "./harness.ts";
import { type Load, LoadGenerator } from "./load.ts";
import { type Served, serveLog } from "./servers.ts";
import type { World } from "./world.ts";

const CLIENTS = 128;
const JSON_HEADERS = { "content-type": "application/json" };
/** Entries of one round, of which it is asked when a follower shows them. */
const FOLLOWED = 100;
const LEASE_S = 5;

export async function measureCluster(world: World): Promise<Measurement[]> {
  if (whyNoPostgres !== undefined) throw new Error(whyNoPostgres);
  const postgres = TestPostgres.start("fsync = on", "max_wal_size = 4GB");
  const s3 = await startFakeS3();
  Object.assign(process.env, {
    BENCH_DATABASE: postgres.url,
    BENCH_ACCESS: FAKE_S3.accessKey,
    BENCH_SECRET: FAKE_S3.secretKey,
    BENCH_CLUSTER: "0123456789abcdef0123456789abcdef",
  });
  try {
    const folder = join(world.folder, "on-postgres");
    await foundExampleLog(folder, { postgres: "env:BENCH_DATABASE" });
    const published = await measurePublishing(world, folder);
    return [published, ...(await measureNodes(world, folder, s3.endpoint, postgres))];
  } finally {
    await s3.close();
    postgres.remove();
  }
}

async function measurePublishing(world: World, folder: string): Promise<Measurement> {
  const besides = await world.newLog("beside-postgres");
  const [floor, figure] = [await serveLog(besides), await serveLog(folder)];
  const load = new LoadGenerator();
  const amount = world.amount(2000);
  const publishTo = (server: Served, log: string) => (round: number) =>
    load.run(
      server,
      {
        connections: CLIENTS,
        amount,
        headers: JSON_HEADERS,
        entries: { folder: log, label: "publish", from: round * 2 * amount },
      },
      201,
    );
  const samples = await interleave(world.rounds, {
    floor: publishTo(floor, besides),
    figure: publishTo(figure, folder),
  });
  load.close();
  await Promise.all([floor.stop(), figure.stop()]);
  const perSecond = (loads: readonly Load[]) => loads.map((one) => one.perSecond);
  const ratio = ratios(perSecond(samples.figure), perSecond(samples.floor));
  return {
    row: "cluster",
    what: "publish on PostgreSQL, one entry a request, 128 clients, 2 KiB, durable and cosigned",
    unit: "entries/s",
    floor: spreadOf(perSecond(samples.floor)),
    figure: spreadOf(perSecond(samples.figure)),
    ratio,
    target: "≥ 0.7",
    reached: ratio.median >= 0.7,
    note: "floor: the same service on a SQLite database; the database's server runs on the same cores",
  };
}

async function measureNodes(world: World, folder: string, endpoint: string, postgres: TestPostgres) {
  const nodes = await Nodes.start(folder, endpoint, postgres);
  try {
    return [await measureFollower(world, nodes), await measureTakeOver(world, nodes)];
  } finally {
    await nodes.stop();
  }
}

async function measureFollower(world: World, nodes: Nodes): Promise<Measurement> {
  const { leader, follower } = await nodes.roles();
  const seenAt = (shown: Served) => () => nodes.millisecondsUntilSeen(leader, shown, world.amount(FOLLOWED));
  const samples = await interleave(world.rounds, { floor: seenAt(leader), figure: seenAt(follower) });
  const at = (share: number, rounds: readonly number[][]) => rounds.map((all) => quantile(all, share));
  const p99 = spreadOf(at(0.99, samples.figure));
  const [p50, floorP50] = [at(0.5, samples.figure), at(0.5, samples.floor)];
  return {
    row: "cluster",
    what: "a follower, asked for a checkpoint that the leader has just answered with: 99th percentile of a round",
    unit: "ms",
    floor: spreadOf(at(0.99, samples.floor)),
    figure: p99,
    ratio: ratios(at(0.99, samples.floor), at(0.99, samples.figure)),
    target: "≤ 50 ms",
    reached: p99.median <= 50,
    note: `floor: the leader, asked the same, which reads from memory; p50 ${spreadOf(p50).median.toFixed(1)} ms, of the floor ${spreadOf(floorP50).median.toFixed(1)} ms`,
  };
}

async function measureTakeOver(world: World, nodes: Nodes): Promise<Measurement> {
  const { figure } = await interleave(world.rounds, { figure: () => nodes.millisecondsWithoutLeader() });
  const found = spreadOf(figure);
  return {
    row: "cluster",
    what: "from kill -9 of the leader until another process, which waited, has answered with 201",
    unit: "ms",
    floor: null,
    figure: found,
    ratio: null,
    target: "≤ 1,000 ms",
    reached: found.median <= 1000,
    note: `worst ${Math.max(...figure).toFixed(0)} ms, with a lease of ${LEASE_S} s`,
  };
}

const IDS = ["a", "b"] as const;

/** Two processes of one log, either of which may lead. */
class Nodes {
  readonly #folder: string;
  readonly #postgres: TestPostgres;
  readonly #bodyOf: (name: string) => Buffer;
  readonly #serving = new Map<string, Served>();
  #sent = 0;

  private constructor(folder: string, postgres: TestPostgres, bodyOf: (name: string) => Buffer) {
    this.#folder = folder;
    this.#postgres = postgres;
    this.#bodyOf = bodyOf;
  }

  static async start(folder: string, endpoint: string, postgres: TestPostgres): Promise<Nodes> {
    const nodes = new Nodes(folder, postgres, await entryMaker(folder));
    for (const id of IDS) {
      configure(folder, id, endpoint, await freePort());
      await nodes.#serve(id);
    }
    return nodes;
  }

  async roles(): Promise<{ readonly leader: Served; readonly follower: Served; readonly id: string }> {
    const holder = "SELECT holder FROM tree_head WHERE lease_until > clock_timestamp()";
    for (;;) {
      const id = this.#postgres.sql(holder, schemaOf(ORIGIN));
      const leader = this.#serving.get(id);
      const follower = [...this.#serving.values()].find((served) => served !== leader);
      if (leader !== undefined && follower !== undefined) return { leader, follower, id };
      await sleep(100);
    }
  }

  /** Publishes at one of them, one entry after the other, and asks the other. @returns milliseconds since the answer, of each. */
  async millisecondsUntilSeen(leader: Served, shown: Served, count: number): Promise<number[]> {
    const all: number[] = [];
    for (let i = 0; i < count; i++) {
      const { index } = JSON.parse((await this.#publish(leader, this.#next())).text) as { index: number };
      const headers = { "touchstone-min-size": `${index + 1}` };
      all.push(
        await timed(async () => {
          const response = await fetch(`${shown.url}/checkpoint`, { headers });
          await response.text();
          if (response.status !== 200) throw new Error(`the checkpoint was answered with ${response.status}`);
        }),
      );
    }
    return all;
  }

  async millisecondsWithoutLeader(): Promise<number> {
    const { leader, follower, id } = await this.roles();
    const body = this.#next();
    process.kill(leader.pid, "SIGKILL");
    const ms = await timed(async () => {
      while ((await this.#publish(follower, body)).status !== 201) await sleep(10);
    });
    await leader.stop();
    await this.#serve(id);
    return ms;
  }

  async stop(): Promise<void> {
    for (const served of this.#serving.values()) await served.stop();
  }

  async #serve(id: string): Promise<void> {
    this.#serving.set(id, await serveLog(`${this.#folder}-${id}`));
  }

  async #publish({ url }: Served, body: Buffer): Promise<{ readonly status: number; readonly text: string }> {
    const response = await fetch(`${url}/v1/entries`, {
      method: "POST",
      headers: JSON_HEADERS,
      body: new Uint8Array(body),
    });
    return { status: response.status, text: await response.text() };
  }

  #next(): Buffer {
    return this.#bodyOf(`cluster/${this.#sent++}`);
  }
}

/** A copy of the log's folder for one process, with the mark where both see it. */
function configure(folder: string, id: string, endpoint: string, port: number): void {
  const copy = `${folder}-${id}`;
  cpSync(folder, copy, { recursive: true });
  const file = join(copy, "touchstone.toml");
  const marks = 'highWater = ["s3:high-water", "high-water"]';
  const config = readFileSync(file, "utf8").replace(/^highWater = .*$/m, marks);
  const { bucket, region } = FAKE_S3;
  const sections = `
[storage.objects]
endpoint = "${endpoint}"
bucket = "${bucket}"
region = "${region}"
accessKey = "env:BENCH_ACCESS"
secretKey = "env:BENCH_SECRET"

[cluster]
id = "${id}"
advertise = "http://127.0.0.1:${port}"
listen = { port = ${port} }
secret = "env:BENCH_CLUSTER"
lease = ${LEASE_S}
`;
  writeFileSync(file, `${config}${sections}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
