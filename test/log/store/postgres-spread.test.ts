// Several processes that serve the same logs each lead their share of them, whichever began first.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { ClusterStore } from "../../../src/log/store/leadership.ts";
import type { LogWriter } from "../../../src/log/store/log-store.ts";
import { openCluster } from "../../../src/log/store/open-store.ts";
import { rankOf } from "../../../src/log/store/postgres/preference.ts";
import { SharedSessions } from "../../../src/log/store/shared-sessions.ts";
import type { PostgresLocation } from "../../../src/log/store/store-location.ts";
import { TestPostgres, whyNoPostgres } from "../../support/postgres.ts";

const LOGS = 12;
/** Of ranks: candidates that are further apart than this come in their order, though a machine is busy. */
const CLEAR = 0.5;

const ranked = ({ schema }: PostgresLocation, ids: readonly string[]) =>
  ids
    .map((id) => ({ id, rank: rankOf(schema, `touchstone ${id}`) }))
    .toSorted((one, other) => one.rank - other.rank);
const preferredOf = (location: PostgresLocation, ids: readonly string[]) => ranked(location, ids)[0]?.id;

/** What a process has that serves many logs. */
class Campaigner {
  readonly id: string;
  readonly #sessions = new SharedSessions();
  readonly #stopping = new AbortController();
  readonly #stores: ClusterStore[] = [];
  readonly #writers: LogWriter[] = [];

  constructor(id: string) {
    this.id = id;
  }

  async open(locations: readonly PostgresLocation[]): Promise<void> {
    for (const location of locations)
      this.#stores.push(await openCluster(location, () => new Date(), this.#sessions));
  }

  /** For all of its logs at one time. */
  campaign(): void {
    for (const { leadership } of this.#stores)
      leadership.campaign({ id: this.id, address: null }, this.#stopping.signal).then(
        (writer) => this.#writers.push(writer),
        () => undefined,
      );
  }

  async leaders(): Promise<Array<string | undefined>> {
    return Promise.all(this.#stores.map(async ({ leadership: asked }) => (await asked.leader())?.id));
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    for (const writer of this.#writers.splice(0)) await writer.close();
    for (const store of this.#stores.splice(0)) await store.close();
  }
}

describe.skipIf(whyNoPostgres !== undefined)(
  `leading many logs on PostgreSQL${whyNoPostgres === undefined ? "" : ` (skipped: ${whyNoPostgres})`}`,
  () => {
    let postgres: TestPostgres;
    const campaigners: Campaigner[] = [];
    const campaigner = (id: string) => {
      const one = new Campaigner(id);
      campaigners.push(one);
      return one;
    };
    const waiting = () =>
      Number(postgres.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"));
    async function untilLed(observer: Campaigner): Promise<Array<string | undefined>> {
      for (;;) {
        const leaders = await observer.leaders();
        if (!leaders.includes(undefined)) return leaders;
        await sleep(50);
      }
    }

    beforeAll(() => {
      postgres = TestPostgres.start();
    });
    afterEach(async () => {
      await Promise.all(campaigners.splice(0).map((one) => one.close()));
    });
    afterAll(() => postgres.remove());

    it("spreads over three who begin at one time, as nobody had to say", async () => {
      const ids = ["a", "b", "c"];
      const locations: PostgresLocation[] = [];
      while (locations.length < LOGS) {
        const location = postgres.location();
        const [first, second] = ranked(location, ids);
        if ((second?.rank ?? 0) - (first?.rank ?? 0) > CLEAR) locations.push(location);
      }
      const all = ids.map(campaigner);
      for (const one of all) await one.open(locations);
      for (const one of all) one.campaign();
      const leaders = await untilLed(all[0] as Campaigner);
      expect(leaders).toEqual(locations.map((location) => preferredOf(location, ids)));
      expect(new Set(leaders)).toEqual(new Set(ids));
    });

    it("spreads over those who wait when the one who led everything is gone, in whatever order they came", async () => {
      const locations = Array.from({ length: LOGS }, () => postgres.location({ lease: 60 }));
      const [first, b, c] = [campaigner("first"), campaigner("b"), campaigner("c")];
      await first.open(locations);
      first.campaign();
      expect(new Set(await untilLed(first))).toEqual(new Set(["first"]));
      for (const [i, late] of [c, b].entries()) {
        await late.open(locations);
        late.campaign();
        while (waiting() < (i + 1) * LOGS) await sleep(20);
      }
      await first.close();
      const leaders = await untilLed(b);
      expect(leaders).toEqual(locations.map((location) => preferredOf(location, ["b", "c"])));
      expect(new Set(leaders)).toEqual(new Set(["b", "c"]));
    });
  },
);
