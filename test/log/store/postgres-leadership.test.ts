// Who writes to PostgreSQL when the one who does is killed, stopped or cut off, and what becomes of what they still send: processes and a
// server of the test's own.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { openCluster } from "../../../src/log/store/open-store.ts";
import { PostgresCluster } from "../../../src/log/store/postgres/postgres-cluster.ts";
import type { PostgresLocation } from "../../../src/log/store/store-location.ts";
import { TestPostgres, whyNoPostgres } from "../../support/postgres.ts";
import { PostgresProxy } from "../../support/postgres-proxy.ts";
import { sha256Of } from "../../support/release-predicates.ts";
import { oneEntry } from "./entries.ts";

const CANDIDATE = join(import.meta.dirname, "../../support/postgres-candidate.ts");
const WORKER = join(import.meta.dirname, "../../support/postgres-worker.ts");
const ROUNDS = 9;
const never = () => new AbortController().signal;
const me = { id: "me", address: null };

/** A candidate in a process of its own. */
class Candidate {
  readonly process: ChildProcess;
  /** Everything that it has said. */
  readonly #lines: string[] = [];
  #heard: () => void = () => undefined;

  constructor(location: PostgresLocation, id: string, program: string = CANDIDATE) {
    const args = ["--experimental-strip-types", program, JSON.stringify(location), id];
    this.process = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
    createInterface({ input: this.process.stdout! }).on("line", (line) => {
      this.#lines.push(line);
      this.#heard();
    });
  }

  /** Waits until it has said this. */
  async says(pattern: RegExp): Promise<string> {
    for (;;) {
      const line = this.#lines.find((said) => pattern.test(said));
      if (line !== undefined) return line;
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
  }

  get said(): readonly string[] {
    return this.#lines;
  }

  append(size: number): void {
    this.process.stdin?.write(`${size}\n`);
  }

  kill(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }
}

describe.skipIf(whyNoPostgres !== undefined)(
  `leading a log on PostgreSQL${whyNoPostgres === undefined ? "" : ` (skipped: ${whyNoPostgres})`}`,
  () => {
    let postgres: TestPostgres;
    const candidates: Candidate[] = [];
    const candidate = (location: PostgresLocation, id: string) => {
      candidates.push(new Candidate(location, id));
      return candidates.at(-1)!;
    };

    /** Holds the row that every append changes first. */
    async function holdHead(location: PostgresLocation): Promise<pg.Client> {
      const client = new pg.Client(location.url);
      await client.connect();
      await client.query(`BEGIN; SELECT FROM ${location.schema}.tree_head FOR UPDATE`);
      return client;
    }
    async function waitsFor(event: string): Promise<void> {
      const waiting = `SELECT count(*) FROM pg_stat_activity WHERE application_name = 'touchstone me' AND wait_event_type = '${event}'`;
      while (postgres.sql(waiting) === "0") await sleep(20);
    }
    const endSession = (id: string) =>
      postgres.sql(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'touchstone ${id}'`,
      );

    beforeAll(() => {
      postgres = TestPostgres.start();
    });
    afterEach(() => {
      for (const each of candidates.splice(0)) each.kill("SIGKILL");
    });
    afterAll(() => postgres.remove());

    it("the next leads when the one who does is killed, without waiting for its lease", async () => {
      const location = postgres.location({ lease: 60 });
      const first = candidate(location, "first");
      await first.says(/^leading 1$/);
      const second = candidate(location, "second");
      await second.says(/^waiting$/);
      first.append(0);
      await first.says(/^0 done$/);
      first.kill("SIGKILL");
      await second.says(/^leading 2$/);
      second.append(1);
      await second.says(/^1 done$/);
      expect(postgres.sql("SELECT size, epoch, holder FROM tree_head", location.schema)).toBe("2|2|second");
    });

    it("the next leads at once when the one who does closes its store", async () => {
      const location = postgres.location({ lease: 60 });
      const cluster = await PostgresCluster.open(location);
      const writer = await cluster.leadership.campaign(me, never());
      const waiting = cluster.leadership.campaign({ id: "next", address: "there" }, never());
      await writer.append(0, oneEntry(0));
      await writer.close();
      const next = await waiting;
      expect(await cluster.leadership.leader()).toEqual({ id: "next", address: "there", epoch: 2 });
      await next.close();
      await cluster.close();
    });

    it("one who is stopped is ended once its lease is over, and what it sends when it wakes is refused", async () => {
      const location = postgres.location({ lease: 2 });
      const first = candidate(location, "first");
      await first.says(/^leading 1$/);
      const second = candidate(location, "second");
      first.append(0);
      await first.says(/^0 done$/);
      first.kill("SIGSTOP");
      first.append(1);
      await second.says(/^leading 2$/);
      second.append(1);
      await second.says(/^1 done$/);
      first.kill("SIGCONT");
      await first.says(/^lost$/);
      await first.says(/^1 LeadershipLostError$/);
      second.append(2);
      await second.says(/^2 done$/);
      expect(postgres.sql("SELECT count(*), max(idx) FROM entries", location.schema)).toBe("3|2");
    });

    it("one who is cut off gives up, another leads, and what arrives late is refused", async () => {
      const proxy = await PostgresProxy.start(postgres);
      const location = postgres.location({ lease: 2 });
      const cut = await PostgresCluster.open({ ...location, url: proxy.url });
      const writer = await cut.leadership.campaign(me, never());
      await writer.append(0, oneEntry(0));
      proxy.cut();
      const late = writer.append(1, oneEntry(1));
      late.catch(() => undefined);
      const other = await openCluster(location, () => new Date());
      const next = await other.leadership.campaign({ id: "next", address: null }, never());
      await next.append(1, oneEntry(1, { payloadDigest: sha256Of("other"), name: "other" }));
      if (!writer.lost.aborted)
        await new Promise((resolve) => writer.lost.addEventListener("abort", resolve, { once: true }));
      expect(writer.lost.reason).toMatchObject({ name: "LeadershipLostError" });
      proxy.heal();
      await expect(late).rejects.toMatchObject({ name: "LeadershipLostError" });
      expect((await other.reader.head()).size).toBe(2);
      await next.close();
      await Promise.all([writer.close(), cut.close(), other.close()]);
      proxy.close();
    });

    it("one whose session the server ends has lost, and finds out that its append was not written", async () => {
      const location = postgres.location({ lease: 60 });
      const cluster = await PostgresCluster.open(location);
      const writer = await cluster.leadership.campaign(me, never());
      await writer.append(0, oneEntry(0));
      const holder = await holdHead(location);
      const append = writer.append(1, oneEntry(1));
      append.catch(() => undefined);
      await waitsFor("Lock");
      endSession("me");
      await holder.end();
      await expect(append).rejects.toMatchObject({ name: "LeadershipLostError" });
      expect(writer.lost.reason).toMatchObject({ name: "LeadershipLostError" });
      await expect(writer.append(1, oneEntry(1))).rejects.toMatchObject({ name: "LeadershipLostError" });
      const next = await cluster.leadership.campaign(me, never());
      expect(next.epoch).toBeGreaterThan(writer.epoch + 1);
      await next.append(1, oneEntry(1));
      await next.close();
      await cluster.close();
    });

    it("one whose entries were sent to the next as well, in another order, does not take those for its own", async () => {
      const location = postgres.location({ lease: 60 });
      const cluster = await PostgresCluster.open(location);
      const writer = await cluster.leadership.campaign(me, never());
      await writer.append(0, oneEntry(0));
      const holder = await holdHead(location);
      const both = oneEntry(2);
      const append = writer.append(1, { ...both, entries: [...oneEntry(1).entries, ...both.entries] });
      append.catch(() => undefined);
      await waitsFor("Lock");
      endSession("me");
      // What the next who leads commits: another entry at index 1, and the same at index 2.
      await holder.query(`SET search_path TO ${location.schema};
        INSERT INTO entries VALUES (1, 'another', sha256('another'), 'platform', 'another', '1');
        INSERT INTO entries VALUES (2, 'leaf', '\\x${both.entries[0]?.payloadDigest}', 'platform', 'vm-2', '1');
        UPDATE tree_head SET size = 3, epoch = epoch + 1;
        COMMIT`);
      await holder.end();
      await expect(append).rejects.toMatchObject({ name: "LeadershipLostError" });
      await writer.close();
      await cluster.close();
    });

    it("one who waits behind a connection pooler is told that it is refused, and does not wait for ever", async () => {
      const proxy = await PostgresProxy.start(postgres, { asPooler: true });
      const cluster = await PostgresCluster.open({ ...postgres.location(), url: proxy.url });
      await expect(cluster.leadership.campaign(me, AbortSignal.timeout(5_000))).rejects.toMatchObject({
        code: "storage-unsafe",
        message: expect.stringContaining("connection pooler"),
      });
      await cluster.close();
      proxy.close();
    });

    it("whatever happens to three of them in turn, nothing that was acknowledged is lost or changed", async () => {
      const location = postgres.location({ lease: 2 });
      const all: Candidate[] = [];
      const start = (number: number) => {
        const worker = new Candidate(location, `w${number}-${all.length}`, WORKER);
        all.push(worker);
        candidates.push(worker);
        return worker;
      };
      const acknowledged = () => all.flatMap(({ said }) => said).filter((line) => line.startsWith("ack "));
      const workers = [0, 1, 2].map(start);
      for (let round = 0; round < ROUNDS; round++) {
        const before = acknowledged().length;
        while (acknowledged().length < before + 5) await sleep(20);
        const leader = postgres.sql("SELECT holder FROM tree_head", location.schema);
        const number = Math.max(0, Number(/^w(\d)/.exec(leader)?.[1] ?? 0));
        const worker = workers[number] as Candidate;
        if (round % 3 === 0) {
          worker.kill("SIGKILL");
          workers[number] = start(number);
        } else if (round % 3 === 1) {
          worker.kill("SIGSTOP");
          const since = acknowledged().length;
          while (acknowledged().length < since + 5) await sleep(20);
          worker.kill("SIGCONT");
        } else endSession(leader);
      }
      for (const worker of workers) worker.kill("SIGKILL");
      await Promise.all(
        workers.map(({ process: { exitCode, signalCode }, process }) =>
          exitCode === null && signalCode === null ? once(process, "exit") : null,
        ),
      );
      const stored = new Set(
        postgres.sql("SELECT 'ack ' || idx || ' ' || name FROM entries", location.schema).split("\n"),
      );
      expect(acknowledged().filter((line) => !stored.has(line))).toEqual([]);
      expect(
        postgres.sql(
          "SELECT max(idx) + 1 = count(*) AND count(*) = (SELECT size FROM tree_head) FROM entries",
          location.schema,
        ),
      ).toBe("t");
      expect(new Set(acknowledged()).size).toBeGreaterThanOrEqual(ROUNDS * 5);
    }, 180_000);

    it("who stops waiting leaves no session behind that could still win", async () => {
      const location = postgres.location({ lease: 60 });
      const cluster = await PostgresCluster.open(location);
      const writer = await cluster.leadership.campaign(me, never());
      const giveUp = new AbortController();
      const waiting = cluster.leadership.campaign({ id: "impatient", address: null }, giveUp.signal);
      const reason = new Error("enough");
      setTimeout(() => giveUp.abort(reason), 100);
      await expect(waiting).rejects.toBe(reason);
      // Also where that is said while the session is being opened.
      const hasty = new AbortController();
      const opening = cluster.leadership.campaign({ id: "impatient", address: null }, hasty.signal);
      hasty.abort(reason);
      await expect(opening).rejects.toBe(reason);
      const left = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'touchstone impatient'";
      while (postgres.sql(left) !== "0") await sleep(50);
      await writer.close();
      await cluster.close();
    });
  },
);
