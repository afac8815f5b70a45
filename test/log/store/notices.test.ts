// Whoever waits for what is new in a log on PostgreSQL is told of it, and asks no more often than that takes.
import { describe, expect, it } from "vitest";
import type { Seen } from "../../../src/log/store/log-store.ts";
import { LogNotices, ReplicaNotices } from "../../../src/log/store/postgres/notices.ts";

const seen: Seen = { size: 1, cosignedAt: 10 };
const never = () => new AbortController().signal;
/** For what is told, at once; and for what is not, for as long as it takes to see that. */
const [LONG, SHORT] = [60_000, 50];

function notices(look: () => Promise<Seen>): LogNotices {
  return new LogNotices("schema", { look, onWait: () => undefined, onClose: () => undefined });
}

/** Whether it is told before its time is over. */
async function isTold(log: LogNotices, ms = SHORT): Promise<boolean> {
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), ms);
  await log.changed(seen, LONG, over.signal);
  clearTimeout(timer);
  return !over.signal.aborted;
}

describe("notices of a log", () => {
  it("come of what was there before anybody listened, once that is looked up", async () => {
    const log = notices(async () => ({ size: 2, cosignedAt: 10 }));
    expect(await isTold(log)).toBe(false);
    log.begin();
    expect(await isTold(log, LONG)).toBe(true);
  });

  it("are not undone by what was looked up before they came", async () => {
    let answer: (seen: Seen) => void = () => undefined;
    const log = notices(() => new Promise((resolve) => (answer = resolve)));
    log.begin();
    log.hear({ size: 2, cosignedAt: 0 });
    answer({ size: 1, cosignedAt: 10 });
    await isTold(log, LONG);
    expect(await isTold(log, LONG)).toBe(true);
    // A look of a session that is over says nothing any more.
    log.end();
    log.begin();
    const late = answer;
    log.end();
    log.begin();
    answer({ size: 1, cosignedAt: 10 });
    await isTold(log, LONG);
    late({ size: 9, cosignedAt: 90 });
    await isTold(log, LONG);
    expect(await isTold(log)).toBe(false);
  });

  it("come though what was there cannot be looked up", async () => {
    const log = notices(() => Promise.reject(new Error("no answer")));
    log.begin();
    const told = isTold(log, LONG);
    log.hear({ size: 2, cosignedAt: 0 });
    expect(await told).toBe(true);
  });

  it("are forgotten when they end, since a server that takes the place of another may have less", async () => {
    const log = notices(() => Promise.reject(new Error("no answer")));
    log.hear({ size: 2, cosignedAt: 0 });
    log.hear({ size: 2, cosignedAt: 20 });
    expect(await isTold(log)).toBe(true);
    log.end();
    expect(await isTold(log)).toBe(false);
  });

  it("end when the log is closed", async () => {
    const log = notices(async () => seen);
    const waiting = log.changed(seen, LONG, never());
    log.close();
    await waiting;
  });
});

describe("notices of a log on a replica", () => {
  it("have it looked at once while the primary tells of nothing", async () => {
    let looks = 0;
    const primary = notices(async () => seen);
    const replica = new ReplicaNotices(primary, async () => {
      looks++;
      return seen;
    });
    await replica.changed(seen, SHORT, never());
    expect(looks).toBe(1);
  });

  it("have it looked at until it shows what the primary has told of", async () => {
    const shown = [seen, seen, seen, { size: 2, cosignedAt: 10 }];
    const primary = notices(async () => seen);
    const replica = new ReplicaNotices(primary, async () => shown.shift() ?? seen);
    const told = replica.changed(seen, LONG, never());
    primary.hear({ size: 2, cosignedAt: 0 });
    await told;
    expect(shown).toEqual([]);
  });
});
