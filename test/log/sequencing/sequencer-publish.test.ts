// The sequencer's stories of a request and of its batch, over a store in memory: what is answered, recorded, let in and left out, and what
// becomes of a checkpoint once its quorum is met.
import { createHash } from "node:crypto";
import { describe, expect, it, vi } from "vitest";
import { LogBehindError } from "../../../src/log/checkpointing/cosigner.ts";
import { Publication, type Published } from "../../../src/log/checkpointing/publication.ts";
import type { LogLimits } from "../../../src/log/config.ts";
import { LogUnavailableError } from "../../../src/log/errors.ts";
import { Recorder } from "../../../src/log/sequencing/recorder.ts";
import { Sequencer, type SequencerConfig } from "../../../src/log/sequencing/sequencer.ts";
import { recordOfLeaf, withSigners } from "../../../src/log/store/entry-record.ts";
import type { Append, LogStore, Lookup, PublishedCheckpoint } from "../../../src/log/store/log-store.ts";
import { GrowingTree } from "../../../src/log/tree/growing-tree.ts";
import type { Envelope } from "../../../src/protocol/envelope/dsse.ts";
import { hashLeaf } from "../../../src/protocol/merkle/hash.ts";
import { NOW } from "../../support/clock.ts";
import { statusPredicate } from "../../support/document-predicates.ts";
import { FoundedLog } from "../../support/founded-log.ts";
import { testKey } from "../../support/keys.ts";
import { kernelPredicate, platformPredicate } from "../../support/release-predicates.ts";
import { signPlatforms, signStatement } from "../../support/signing.ts";
import { trustRootPredicate } from "../../support/trust-root.ts";
import { ORIGIN } from "../../support/witnesses.ts";

const founded = await FoundedLog.found();
const { keys } = founded;
const [founding] = founded.envelopes as [Envelope];
const platforms = await signPlatforms(keys, "vm", 4);
const [first, second, third] = platforms as [Envelope, Envelope, Envelope];
const forbidden = await signStatement("platform", platformPredicate("forbidden"), [keys.policy]);
const nextRoot = async (change: Parameters<FoundedLog["nextRoot"]>[0] = {}) =>
  signStatement("trust-root", await founded.nextRoot(change), keys.root);
const hashOf = ({ leaf }: Envelope) => Buffer.from(hashLeaf(leaf));
const turns = async () => {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
};
/** A promise that the test resolves. */
function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** Holds the appends of a store up. `begun` resolves with the first of them, and `release` lets all of them go. */
function holdAppends(store: Pick<ReturnType<typeof memory>, "append">) {
  const { append } = store;
  const [asked, released] = [gate(), gate()];
  store.append = async (...call) => {
    asked.open();
    await released.opened;
    await append(...call);
  };
  return { begun: asked.opened, release: released.open };
}

/** A store in memory of a log that holds its first trust root. */
function memory() {
  const leaves = [founding.leaf];
  const appends: Append[] = [];
  const stored: PublishedCheckpoint[] = [];
  const records = () => leaves.map(recordOfLeaf);
  return {
    leaves,
    appends,
    stored,
    lookup: async ({ digests = [], identities = [] }: Partial<Lookup>) => ({
      entries: records().filter(({ digest }) => digests.includes(digest)),
      identities: records().filter(({ kind, name, version }) =>
        identities.some((asked) => asked.kind === kind && asked.name === name && asked.version === version),
      ),
      attachments: [],
      tokens: [],
    }),
    readLeaves: async (from: number, to: number) => leaves.slice(from, to),
    append: async (_size: number, append: Append) => {
      appends.push(append);
      leaves.push(...append.entries.map(({ leaf }) => leaf));
    },
    addCheckpoint: async (checkpoint: PublishedCheckpoint) => void stored.push(checkpoint),
    probe: async () => undefined,
    head: async () => ({ size: leaves.length, root: new Uint8Array(32) }),
  };
}

/** How cosigners answer: what each value of the generator says, and what holds it up. */
type Answers = (signed: number, signal: AbortSignal) => AsyncGenerator<string, void>;
const atOnce: Answers = async function* () {
  yield "cosigned";
};
const never: Answers = async function* () {
  await new Promise(() => undefined);
};

function published(size: number): Published {
  const checkpoint = { origin: ORIGIN, size, root: new Uint8Array(32) };
  const { inForce } = founded;
  return { checkpoint, note: "before", cosignedAt: NOW, inForce, edge: {} as Published["edge"] };
}

/** A log that holds its first trust root, with that published. */
async function open(
  change: Partial<Omit<SequencerConfig, "limits">> & {
    answers?: Answers;
    limits?: Partial<LogLimits>;
    status?: Envelope;
  } = {},
) {
  const { answers = atOnce, limits, status, ...config } = change;
  const store = memory();
  const clock = { now: NOW };
  if (status !== undefined) store.leaves.push(status.leaf);
  const newest = status && {
    index: 1,
    digest: status.payloadDigest,
    sequence: 1,
    treeSize: 1,
    indexRoot: null,
  };
  const logger = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const measured: Array<[string, number]> = [];
  const observer = { logger, measure: (what: string, value: number) => void measured.push([what, value]) };
  const tree = GrowingTree.empty();
  tree.append(hashLeaf(founding.leaf));
  const head = { size: 1, root: tree.root() };
  const recorder = new Recorder({
    reader: store as unknown as LogStore,
    writer: store as unknown as LogStore,
    tree,
    state: { head, inForce: { ...founded.inForce, status: newest ?? null } },
    observer,
    indexRoot: () => undefined,
  });
  const checkpointer = {
    sign: async (state: Recorder["state"]) => {
      expect(state).toEqual(recorder.state);
      return { checkpoint: { origin: ORIGIN, ...state.head }, note: "signed" };
    },
    mark: async () => undefined,
    cosign: async function* (
      signed: { checkpoint: { size: number } },
      _inForce: unknown,
      signal: AbortSignal,
    ) {
      const { size } = signed.checkpoint;
      for await (const note of answers(size, signal))
        yield { size, cosignedAt: clock.now.getTime() / 1000, note };
    },
  };
  const publication = new Publication(published(1));
  const sequencer = new Sequencer({
    reader: store,
    writer: store,
    recorder,
    checkpointer,
    publication,
    issuer: null,
    clock: () => clock.now,
    observer,
    limits: {
      publishWaitMs: 60_000,
      cosignTimeoutMs: 60_000,
      retryMs: 500,
      renewAfterMs: 3_600_000,
      quorumLostMs: 60_000,
      maxPendingEntries: 3,
      maxPendingBytes: 1_000_000,
      ...limits,
    },
    ...config,
  } as unknown as SequencerConfig);
  await sequencer.resume();
  return { sequencer, store, recorder, publication, logger, measured, clock };
}
const kindsOf = ({ appends }: ReturnType<typeof memory>) =>
  appends.map(({ entries }) => entries.map(({ kind }) => kind));
async function* arriving(...lines: readonly Envelope[]) {
  yield* lines;
}

describe("an entry", () => {
  it("that is new is answered with its index and hash once it is published", async () => {
    const { sequencer, publication, store } = await open();
    expect(await sequencer.publish([first])).toEqual([
      { outcome: "new", index: 1, leaf: first.leaf, leafHash: hashOf(first), state: "published" },
    ]);
    expect(publication.newest).toMatchObject({ checkpoint: { size: 2 }, note: "cosigned" });
    expect(store.stored).toMatchObject([{ size: 2, note: "cosigned" }]);
  });

  it("that is known is answered as it was logged, and nothing is recorded", async () => {
    const { sequencer, store } = await open();
    await sequencer.publish([first]);
    const again = await signStatement("platform", platformPredicate("vm-0"), [keys.policy]);
    expect(await sequencer.publish([again])).toEqual([
      { outcome: "known", index: 1, leaf: first.leaf, leafHash: hashOf(first), state: "published" },
    ]);
    expect(kindsOf(store)).toEqual([["platform"]]);
  });

  it("has its own outcome beside others, and all wait for the last of them", async () => {
    let isLate = false;
    const answers: Answers = (...asked) => (isLate ? never : atOnce)(...asked);
    const { sequencer } = await open({ answers, limits: { publishWaitMs: 0 } });
    await sequencer.publish([first]);
    await turns();
    isLate = true;
    const outcomes = await sequencer.publish([second, first]);
    expect(outcomes.map(({ outcome, index, leaf, state }) => [outcome, index, leaf, state])).toEqual([
      ["new", 2, second.leaf, "awaiting-cosignature"],
      ["known", 1, first.leaf, "awaiting-cosignature"],
    ]);
    expect(await sequencer.publish([first])).toMatchObject([{ state: "published" }]);
  });

  it("that is refused when its batch is decided is refused alone", async () => {
    const { sequencer, store } = await open();
    const other = { ...platformPredicate("vm-0"), svn: 9 };
    const results = await Promise.allSettled([
      sequencer.publish([first]),
      sequencer.publish([await signStatement("platform", other, [keys.publisher])]),
      sequencer.publish([second]),
    ]);
    expect(results).toMatchObject([
      { status: "fulfilled" },
      { status: "rejected", reason: { position: 0, cause: { code: "identity-taken" } } },
      { status: "fulfilled" },
    ]);
    expect(store.leaves).toHaveLength(3);
  });

  it("is refused where the store cannot take it, and its batch with it", async () => {
    const { sequencer, store } = await open();
    store.append = async () => {
      throw new Error("disk full");
    };
    store.head = async () => ({ size: 7, root: new Uint8Array(32) });
    await expect(sequencer.publish([first, second])).rejects.toMatchObject({ code: "no-leader" });
  });

  it("may come with a document that it names, which is stored with it", async () => {
    const document = new TextEncoder().encode("the list");
    const digest = createHash("sha256").update(document).digest("hex");
    const { patches, ...predicate } = kernelPredicate("linux-cc");
    const attachment = { digest, size: document.length, mediaType: "application/json" as const };
    const listed = { ...predicate, patches: { ...patches, count: 1, inline: null, attachment } };
    const entry = await signStatement("kernel-patch-set", listed, [keys.publisher]);
    const { sequencer, store } = await open();
    await sequencer.publish([entry, document]);
    expect(store.appends).toMatchObject([{ attachments: [{ digest, bytes: document }] }]);
  });
});

describe("what is under way", () => {
  it("is bounded from the first line on, and has room again once it is recorded or refused", async () => {
    const { sequencer, store } = await open({ answers: never });
    const { release } = holdAppends(store);
    const waiting = [sequencer.publish([first, second]), sequencer.publish([third])];
    for (const request of waiting) request.catch(() => undefined);
    expect(sequencer.pending).toBe(3);
    await expect(sequencer.publish([platforms[3]!])).rejects.toMatchObject({ code: "queue-full" });
    await expect(sequencer.publish(arriving(platforms[3]!))).rejects.toMatchObject({ code: "queue-full" });
    release();
    await expect.poll(() => [sequencer.pending, store.leaves.length]).toEqual([0, 4]);
    await expect(sequencer.publish([forbidden])).rejects.toMatchObject({ name: "BatchRefusedError" });
    expect(sequencer.pending).toBe(0);
  });

  it("does not count what still arrives until all of it is good", async () => {
    const { sequencer } = await open();
    const { opened, open: release } = gate();
    const lines = async function* () {
      yield first;
      await opened;
      yield second;
    };
    const publishing = sequencer.publish(lines());
    await turns();
    expect(sequencer.pending).toBe(0);
    release();
    expect(await publishing).toMatchObject([{ index: 1 }, { index: 2 }]);
    await expect(sequencer.publish(arriving(forbidden))).rejects.toMatchObject({ name: "BatchRefusedError" });
  });

  it("is taken up by the batch after the one that is being recorded", async () => {
    const { sequencer, store } = await open();
    const { begun, release } = holdAppends(store);
    const early = sequencer.publish([first]);
    await begun;
    const late = sequencer.publish([second]);
    release();
    expect(await Promise.all([early, late])).toMatchObject([[{ index: 1 }], [{ index: 2 }]]);
    expect(kindsOf(store)).toEqual([["platform"], ["platform"]]);
  });

  it("is finished and published when the log closes", async () => {
    const { sequencer, store } = await open();
    const { begun, release } = holdAppends(store);
    const publishing = sequencer.publish([first]);
    await begun;
    const closing = sequencer.close();
    await turns();
    release();
    await closing;
    expect(await publishing).toMatchObject([{ index: 1, state: "published" }]);
  });
});

describe("a log that takes no entries", () => {
  it("because its quorum is lost takes the trust root that may end that, and nothing else", async () => {
    const { sequencer, clock } = await open({ answers: never, limits: { publishWaitMs: 0 } });
    await sequencer.publish([first]);
    clock.now = new Date(NOW.getTime() + 60_001);
    await expect(sequencer.publish([second])).rejects.toMatchObject({ code: "quorum-lost" });
    expect(await sequencer.publish([await nextRoot()])).toMatchObject([{ index: 2 }]);
  });

  it("because it stopped takes no trust root either, and answers what is known", async () => {
    const { sequencer, recorder } = await open();
    await sequencer.publish([first]);
    recorder.stop(new LogUnavailableError("log-stopped", "for a test"));
    await expect(sequencer.publish([await nextRoot()])).rejects.toMatchObject({ code: "log-stopped" });
    expect(await sequencer.publish([first])).toMatchObject([{ outcome: "known", index: 1 }]);
  });
});

describe("a trust root", () => {
  it("brings keys that sign what is published after it", async () => {
    const { sequencer } = await open();
    const newcomer = await testKey("newcomer");
    const predicate = await trustRootPredicate(
      { ...keys, publisher: newcomer },
      { version: 2, previous: founding.payloadDigest },
    );
    const entry = await signStatement("platform", platformPredicate(), [newcomer]);
    await expect(sequencer.publish([entry])).rejects.toThrow();
    await sequencer.publish([await signStatement("trust-root", predicate, keys.root)]);
    expect(await sequencer.publish([entry])).toMatchObject([{ index: 2 }]);
  });
});

/** An issuer whose next status the test gives. */
function issuing(next: (changed: number) => Promise<unknown>) {
  const observed: string[] = [];
  const issuer = {
    next: ({ size }: { size: number }) => next(size),
    isDue: () => true,
    observe: ({ kind }: { kind: string }) => void observed.push(kind),
  };
  return { observed, issuer: issuer as unknown as SequencerConfig["issuer"] };
}

describe("a status", () => {
  const status = async () =>
    withSigners(await signStatement("status", statusPredicate(founded.inForce), [keys.status]));

  it("is recorded with the batch that it follows, and both are observed", async () => {
    const { issuer, observed } = issuing(async (size) => (size === 2 ? status() : null));
    const { sequencer, store } = await open({ issuer });
    await sequencer.publish([first]);
    await sequencer.publish([second]);
    expect(kindsOf(store)).toEqual([["platform", "status"], ["platform"]]);
    expect(observed).toEqual(["platform", "status", "platform"]);
  });

  it("that cannot be issued keeps no entry out, and is said", async () => {
    const failure = new Error("the key is locked");
    const { issuer } = issuing(async () => {
      throw failure;
    });
    const { sequencer, store, logger } = await open({ issuer });
    await sequencer.publish([first]);
    expect(kindsOf(store)).toEqual([["platform"]]);
    expect(logger.error.mock.calls).toEqual([[{ err: failure }, expect.any(String)]]);
  });

  it("that becomes due while a batch is recorded is made by the next", async () => {
    let isDue = false;
    const { issuer } = issuing(async () => (isDue ? status() : null));
    const { sequencer, store } = await open({ issuer });
    const { begun, release } = holdAppends(store);
    const publishing = sequencer.publish([first]);
    await begun;
    isDue = true;
    sequencer.runDueWork();
    release();
    await publishing;
    await expect.poll(() => kindsOf(store)).toEqual([["platform"], ["status"]]);
  });

  it("that is the newest of the log is observed by a start", async () => {
    const { issuer, observed } = issuing(async () => null);
    await open({ issuer });
    expect(observed).toEqual([]);
    await open({ issuer, status: await status() });
    expect(observed).toEqual(["status"]);
  });
});

describe("cosignatures that come after the quorum", () => {
  it("are added to the checkpoint that is shown, and kept", async () => {
    const late = gate();
    const answers: Answers = async function* () {
      yield "cosigned";
      await late.opened;
      yield "cosigned by more";
    };
    const { sequencer, publication, store } = await open({ answers });
    await sequencer.publish([first]);
    expect(publication.newest?.note).toBe("cosigned");
    late.open();
    await expect.poll(() => publication.newest?.note).toBe("cosigned by more");
    expect(publication.size).toBe(2);
    expect(store.stored.map(({ note }) => note)).toEqual(["cosigned", "cosigned by more"]);
  });

  it("are dropped once a newer checkpoint is stored", async () => {
    const late = gate();
    const answers: Answers = async function* (size) {
      yield `cosigned ${size}`;
      if (size === 2) await late.opened;
      if (size === 2) yield "too late";
    };
    const { sequencer, publication, store } = await open({ answers });
    await sequencer.publish([first]);
    await sequencer.publish([second]);
    late.open();
    await turns();
    expect(publication.newest?.note).toBe("cosigned 3");
    expect(store.stored.map(({ note }) => note)).toEqual(["cosigned 2", "cosigned 3"]);
  });

  it("do not take the place of a checkpoint that was published while they were written", async () => {
    const answers: Answers = async function* () {
      yield "cosigned";
      yield "cosigned by more";
    };
    const { sequencer, publication, store } = await open({ answers });
    const { addCheckpoint } = store;
    store.addCheckpoint = async (checkpoint) => {
      await addCheckpoint(checkpoint);
      if (checkpoint.note === "cosigned by more") publication.publish(published(9));
    };
    await sequencer.publish([first]);
    await expect.poll(() => publication.size).toBe(9);
    await turns();
    expect(publication.size).toBe(9);
  });

  it.each([
    [
      "stop the log where they show that it signed more",
      new LogBehindError("size 9 was cosigned"),
      "log-stopped",
    ],
    ["stop nothing where they fail in another way", new Error("disk full"), undefined],
  ])("%s", async (_what, error, stopped) => {
    const answers: Answers = async function* () {
      yield "cosigned";
      throw error;
    };
    const { sequencer, recorder, logger } = await open({ answers });
    await sequencer.publish([first]);
    await turns();
    expect(recorder.stopped?.code).toBe(stopped);
    const said = stopped === undefined ? logger.warn : logger.error;
    expect(said.mock.calls).toEqual([[{ err: error }, expect.any(String)]]);
    expect(logger.warn.mock.calls.length + logger.error.mock.calls.length).toBe(1);
  });

  it("are waited for no longer when the log closes", async () => {
    let answered = 0;
    const answers: Answers = async function* (_size, signal) {
      if (answered++ === 0) throw new Error("no witness");
      yield "cosigned";
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    };
    const { sequencer, publication } = await open({ answers, limits: { publishWaitMs: 0, retryMs: 60_000 } });
    await sequencer.publish([first]);
    await turns();
    await sequencer.close();
    expect([answered, publication.size]).toEqual([2, 2]);
  });
});

it("what signing and cosigning took is measured", async () => {
  const { sequencer, measured, clock } = await open();
  clock.now = new Date(NOW.getTime() + 3_600_000);
  const times = [100, 130, 200, 270];
  vi.spyOn(performance, "now").mockImplementation(() => times.shift() ?? 0);
  sequencer.runDueWork();
  await turns();
  vi.restoreAllMocks();
  expect(measured).toEqual([
    ["sign-ms", 30],
    ["cosign-ms", 70],
  ]);
});
