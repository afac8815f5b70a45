// The sequencer's work of its own, with everything around it played by the test: when a checkpoint is due, how long it pauses between
// attempts, and what it says of itself meanwhile.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LogBehindError } from "../../../src/log/checkpointing/cosigner.ts";
import { Publication, type Published } from "../../../src/log/checkpointing/publication.ts";
import { QuorumNotMetError } from "../../../src/log/checkpointing/quorum.ts";
import type { LogLimits } from "../../../src/log/config.ts";
import { LogUnavailableError, MarkMovedError } from "../../../src/log/errors.ts";
import { NO_OBSERVER } from "../../../src/log/observer.ts";
import { Sequencer, type SequencerConfig } from "../../../src/log/sequencing/sequencer.ts";
import { NOW } from "../../support/clock.ts";
import { FoundedLog } from "../../support/founded-log.ts";
import { ORIGIN } from "../../support/witnesses.ts";

const pauses: number[] = [];
/** Whether a pause ends with its signal alone. */
let isPaused = false;
vi.mock(import("node:timers/promises"), async (original) => ({
  ...(await original()),
  setTimeout: (async (ms: number, _value: unknown, { signal }: { signal?: AbortSignal }) => {
    pauses.push(ms);
    if (isPaused) await new Promise((_, reject) => signal?.addEventListener("abort", reject));
    await new Promise((resolve) => setImmediate(resolve));
  }) as never,
}));

const { inForce } = await FoundedLog.found();
const LIMITS = {
  publishWaitMs: 0,
  cosignTimeoutMs: 7777,
  retryMs: 500,
  renewAfterMs: 3_600_000,
  quorumLostMs: 60_000,
  maxPendingEntries: 10,
  maxPendingBytes: 1000,
} as unknown as LogLimits;
const later = (ms: number) => new Date(NOW.getTime() + ms);
const turns = async () => {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
};

/** What fails, one after the other, before a checkpoint is signed; "never" waits without end. */
type Failures = Array<Error | "never">;

function published(size: number, cosignedAt = NOW): Published {
  const checkpoint = { origin: ORIGIN, size, root: new Uint8Array(32) };
  return { checkpoint, note: "", cosignedAt, inForce, edge: {} as Published["edge"] };
}

function open(size: number, newest: Published | null, change: Partial<SequencerConfig> = {}) {
  const failures: Failures = [];
  const logger = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const writes = {
    mark: async (): Promise<void> => undefined,
    checkpoint: async (): Promise<void> => undefined,
  };
  const clock = { now: NOW };
  const count = { signs: 0, probes: 0, begins: 0 };
  const recorder = {
    state: { head: { size, root: new Uint8Array(32) }, inForce },
    edge: {},
    stopped: null as LogUnavailableError | null,
    failing: null as LogUnavailableError | null,
    stop: (reason: LogUnavailableError) => {
      recorder.stopped ??= reason;
    },
    probe: async () => void count.probes++,
    begin: async () => {
      count.begins++;
      throw new Error("nothing is recorded here");
    },
  };
  const checkpointer = {
    sign: async () => {
      count.signs++;
      const failure = failures.shift();
      if (failure === "never") await new Promise(() => undefined);
      if (failure instanceof Error) throw failure;
      return { checkpoint: { origin: ORIGIN, ...recorder.state.head }, note: "" };
    },
    mark: () => writes.mark(),
    cosign: async function* () {
      yield { size: recorder.state.head.size, cosignedAt: clock.now.getTime() / 1000, note: "cosigned" };
    },
  };
  const publication = new Publication(newest);
  const sequencer = new Sequencer({
    writer: { addCheckpoint: () => writes.checkpoint() },
    recorder,
    checkpointer,
    publication,
    issuer: null,
    clock: () => clock.now,
    limits: LIMITS,
    observer: { ...NO_OBSERVER, logger },
    ...change,
  } as unknown as SequencerConfig);
  return { sequencer, recorder, publication, failures, writes, clock, count, logger };
}

beforeEach(() => {
  pauses.length = 0;
  isPaused = false;
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe("a checkpoint is due", () => {
  it.each<[string, number, Published | null, number, number]>([
    ["not in a log without entries", 0, null, 0, 0],
    ["for the first entry", 1, null, 0, 1],
    ["for an entry that is not published", 6, published(5), 0, 1],
    ["not where all is published and its cosignatures are young", 5, published(5), 3_599_999, 0],
    ["where its cosignatures are as old as they may be", 5, published(5), 3_600_000, 1],
    ["not where they are ahead by what clocks differ", 5, published(5), -300_000, 0],
    ["where they are ahead by more", 5, published(5), -300_001, 1],
  ])("%s", async (_when, size, newest, age, signs) => {
    const { sequencer, clock, count } = open(size, newest);
    clock.now = later(age);
    sequencer.runDueWork();
    await turns();
    expect(count.signs).toBe(signs);
  });

  it.each([
    [86_400_000 / 4 - 1, 0],
    [86_400_000 / 4, 1],
  ])(
    "a quarter of the age that the trust root allows after it, whatever is configured: %i ms",
    (age, signs) => {
      const { sequencer, clock, count } = open(5, published(5), {
        limits: { ...LIMITS, renewAfterMs: 1e12 },
      });
      clock.now = later(age);
      sequencer.runDueWork();
      expect(count.signs).toBe(signs);
    },
  );

  it("and is published with the tree that was signed, as of its quorum", async () => {
    const { sequencer, publication } = open(6, published(5));
    sequencer.runDueWork();
    await turns();
    expect(publication.newest).toMatchObject({
      checkpoint: { size: 6 },
      note: "cosigned",
      cosignedAt: NOW,
      inForce,
    });
  });
});

describe("an attempt at a checkpoint that failed", () => {
  const failed = new Error("no witness");

  it("is made again after pauses that double from 50 ms up to the limit, and from 50 ms the next time", async () => {
    const { sequencer, recorder, failures, count, logger } = open(1, null);
    failures.push(...Array.from({ length: 6 }, () => failed));
    sequencer.runDueWork();
    await turns();
    expect(pauses).toEqual([50, 100, 200, 400, 500, 500]);
    expect(count.signs).toBe(7);
    expect(logger.warn.mock.calls).toEqual(Array(6).fill([{ err: failed }, expect.any(String)]));
    recorder.state.head.size = 2;
    failures.push(failed);
    sequencer.runDueWork();
    await turns();
    expect(pauses.slice(6)).toEqual([50]);
  });

  it("has as long for its cosignatures as is configured", async () => {
    const timeout = vi.spyOn(AbortSignal, "timeout");
    open(1, null).sequencer.runDueWork();
    await turns();
    expect(timeout.mock.calls).toEqual([[7777]]);
  });

  it("stops the log where it shows that more was signed, and is not made again", async () => {
    const { sequencer, recorder, failures, count, logger } = open(1, null);
    failures.push(new LogBehindError("size 9 was cosigned"));
    sequencer.runDueWork();
    await turns();
    const cause = logger.error.mock.calls[0]?.[0].err;
    expect(recorder.stopped).toMatchObject({ code: "log-stopped", message: "size 9 was cosigned", cause });
    expect(cause).toBeInstanceOf(LogBehindError);
    expect(sequencer.unavailable).toBe(recorder.stopped);
    expect([count.signs, pauses]).toEqual([1, []]);
  });

  it("stops the log where another process leads it, which is no fault of this one", async () => {
    const { sequencer, recorder, failures, count, logger } = open(1, null);
    const cause = new MarkMovedError("another process has signed 7 entries");
    failures.push(cause);
    sequencer.runDueWork();
    await turns();
    const message = `another process leads the log: ${cause.message}`;
    expect(recorder.stopped).toMatchObject({ code: "no-leader", message, cause });
    expect([count.signs, pauses]).toEqual([1, []]);
    for (const said of Object.values(logger)) expect(said).not.toHaveBeenCalled();
  });

  it("is not made again, and nothing is said of its failure, where the log has stopped meanwhile", async () => {
    const { sequencer, recorder, writes, count, logger } = open(1, null);
    writes.mark = async () => {
      recorder.stop(new LogUnavailableError("no-leader", "for a test"));
      throw new Error("the connection is closed");
    };
    sequencer.runDueWork();
    await turns();
    expect([count.signs, pauses]).toEqual([1, []]);
    expect(logger.warn).not.toHaveBeenCalled();
  });

  it.each(["mark", "checkpoint"] as const)(
    "because its %s was not written is said until one is",
    async (what) => {
      const { sequencer, writes, failures, recorder } = open(1, null);
      const cause = new Error("disk full");
      writes[what] = async () => {
        writes[what] = async () => undefined;
        failures.push("never");
        throw cause;
      };
      sequencer.runDueWork();
      await turns();
      const text = {
        mark: "the high-water mark could not be written",
        checkpoint: "the checkpoint could not be written",
      };
      expect(sequencer.impediment).toMatchObject({ code: "storage-failed", message: text[what], cause });
      expect(sequencer.unavailable).toBeNull();
      recorder.failing = new LogUnavailableError("storage-failed", "the entries");
      expect(sequencer.impediment).toBe(recorder.failing);
    },
  );

  it("because of a write is forgotten with the next that succeeds", async () => {
    const { sequencer, writes } = open(1, null);
    writes.mark = async () => {
      writes.mark = async () => undefined;
      throw new Error("disk full");
    };
    sequencer.runDueWork();
    await turns();
    expect([pauses, sequencer.impediment]).toEqual([[50], null]);
  });
});

describe("a log whose quorum is late", () => {
  it("takes entries for as long as is configured after the oldest that waits, and says what is lacking", async () => {
    const { sequencer, clock, failures } = open(6, published(5));
    failures.push("never");
    sequencer.runDueWork();
    clock.now = later(30_000);
    sequencer.runDueWork();
    clock.now = later(60_000);
    expect(sequencer.unavailable).toBeNull();
    clock.now = later(60_001);
    expect(sequencer.unavailable).toMatchObject({
      code: "quorum-lost",
      message: expect.stringMatching(/^too few witnesses have cosigned, so no entries are taken/),
    });
    expect(sequencer.impediment?.code).toBe("quorum-lost");
  });

  it("says who is missing, once it knows", async () => {
    const { sequencer, clock, failures } = open(6, published(5));
    failures.push(new QuorumNotMetError("missing: w1"), new Error("something else"), "never");
    sequencer.runDueWork();
    await turns();
    clock.now = later(60_001);
    expect(sequencer.unavailable?.message).toMatch(/^missing: w1, so no entries/);
  });

  it("does not wait where nothing is pending: renewals that fail keep no entry out", async () => {
    const { sequencer, clock, failures } = open(5, published(5));
    clock.now = later(3_600_000);
    failures.push("never");
    sequencer.runDueWork();
    clock.now = later(9_000_000);
    expect(sequencer.unavailable).toBeNull();
  });

  it("has its time anew after a checkpoint that did not cover all", async () => {
    const { sequencer, recorder, clock, failures, writes } = open(6, published(5));
    writes.checkpoint = async () => {
      writes.checkpoint = async () => undefined;
      clock.now = later(50_000);
      recorder.state = { ...recorder.state, head: { ...recorder.state.head, size: 7 } };
      failures.push("never");
    };
    sequencer.runDueWork();
    await turns();
    clock.now = later(110_000);
    expect(sequencer.unavailable).toBeNull();
    clock.now = later(110_001);
    expect(sequencer.unavailable?.code).toBe("quorum-lost");
  });
});

describe("due work", () => {
  const issuer = (isDue: boolean) => ({
    issuer: { isDue: () => isDue } as unknown as SequencerConfig["issuer"],
  });

  it.each([
    [true, 1],
    [false, 0],
  ])("makes a batch for a status, where one is due: %s", async (isDue, begins) => {
    const { sequencer, count } = open(5, published(5), issuer(isDue));
    sequencer.runDueWork();
    await turns();
    expect(count).toEqual({ signs: 0, probes: 1, begins });
  });

  it("has the root of the index drawn for the status, over what is durable", async () => {
    const index = { rootWith: vi.fn(async () => null), reach: vi.fn(), wake: vi.fn() };
    const next = async (_inForce: unknown, draw: () => Promise<unknown>) => {
      expect(await draw()).toBeNull();
      return null;
    };
    const change = { issuer: { isDue: () => true, next }, index } as unknown as Partial<SequencerConfig>;
    const { sequencer, recorder } = open(5, published(5), change);
    Object.assign(recorder, {
      begin: async () => ({ accepted: [], inForce }),
      record: async () => undefined,
    });
    sequencer.runDueWork();
    await turns();
    expect(index.rootWith).toHaveBeenCalledExactlyOnceWith(5, []);
  });

  it("publishes nothing of a log that has stopped", async () => {
    const { sequencer, recorder, count } = open(6, published(5));
    recorder.stop(new LogUnavailableError("log-stopped", "for a test"));
    sequencer.runDueWork();
    await turns();
    expect(count.signs).toBe(0);
  });

  it("makes none in a log that has stopped", async () => {
    const { sequencer, recorder, count } = open(5, published(5), issuer(true));
    recorder.stop(new LogUnavailableError("log-stopped", "for a test"));
    sequencer.runDueWork();
    await turns();
    expect(count.begins).toBe(0);
  });
});

describe("closing", () => {
  it("publishes what is durable with one attempt; who waits is answered when nobody else publishes either", async () => {
    const { sequencer, publication, failures, count } = open(6, published(5));
    const waiting = publication.covers(6, 3_600_000);
    failures.push(new Error("no witness"));
    await sequencer.close();
    publication.close();
    expect(await waiting).toBe(false);
    expect([count.signs, publication.size]).toEqual([1, 5]);
  });

  it("does not wait for the end of a pause", async () => {
    const { sequencer, failures, count } = open(6, published(5));
    isPaused = true;
    failures.push(new Error("no witness"));
    sequencer.runDueWork();
    await turns();
    await sequencer.close();
    expect([pauses, count.signs]).toEqual([[50], 2]);
  });

  it("publishes nothing of a log that has stopped: another process may have it", async () => {
    const { sequencer, recorder, count } = open(6, published(5));
    recorder.stop(new LogUnavailableError("no-leader", "for a test"));
    await sequencer.close();
    expect(count.signs).toBe(0);
  });

  it("publishes nothing where nothing waits, and nothing is due after it", async () => {
    const { sequencer, recorder, count } = open(5, published(5));
    await sequencer.close();
    recorder.state.head.size = 6;
    sequencer.runDueWork();
    await turns();
    expect(count.signs).toBe(0);
  });
});
