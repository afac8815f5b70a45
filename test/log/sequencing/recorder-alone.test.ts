// The recorder alone, over a store that fails as a test says: what is durable, what is not, and when it stops. Beside it what a start reads
// back: the signatures of entries, and what they put in force.
import { describe, expect, it, vi } from "vitest";
import { ConflictError, LogUnavailableError } from "../../../src/log/errors.ts";
import { NO_OBSERVER } from "../../../src/log/observer.ts";
import { loadInForce } from "../../../src/log/sequencing/load-in-force.ts";
import type { PendingBatch } from "../../../src/log/sequencing/pending-batch.ts";
import { Recorder } from "../../../src/log/sequencing/recorder.ts";
import { verifyBatch } from "../../../src/log/sequencing/verify-batch.ts";
import { withSigners } from "../../../src/log/store/entry-record.ts";
import type { Append, LogReader, LogStore, TreeHead } from "../../../src/log/store/log-store.ts";
import { GrowingTree } from "../../../src/log/tree/growing-tree.ts";
import { KeyRing } from "../../../src/protocol/cryptography/key-ring.ts";
import { makeEnvelope } from "../../../src/protocol/envelope/dsse.ts";
import { EMPTY_ROOT } from "../../../src/protocol/merkle/hash.ts";
import { NOTHING_IN_FORCE } from "../../../src/protocol/registration/in-force.ts";
import { NOW } from "../../support/clock.ts";
import { FoundedLog } from "../../support/founded-log.ts";
import { signPlatforms } from "../../support/signing.ts";

const log = await FoundedLog.found();
const platforms = await signPlatforms(log.keys, "vm", 3);
const [founding] = log.envelopes as [(typeof platforms)[number]];
const lines = [founding, ...platforms].map(withSigners);

/** A store in memory. What goes wrong with an append is up to a test. */
function memory() {
  const appends: Append[] = [];
  const tiles = new Map<string, Uint8Array>();
  let head: TreeHead = { size: 0, root: EMPTY_ROOT };
  let isFull = false;
  const store = {
    lookup: async () => ({ entries: [], identities: [], attachments: [], tokens: [] }),
    head: async () => head,
    readTile: async (level: number, index: number) => {
      const hashes = tiles.get(`${level}/${index}`);
      return hashes && { hashes, inner: null };
    },
    append: async (_size: number, append: Append) => {
      appends.push(append);
      head = append.head;
      for (const { level, index, hashes } of append.tiles) tiles.set(`${level}/${index}`, hashes.slice());
    },
    probe: async () => {
      if (isFull) throw new Error("disk full");
    },
  };
  const setHead = (changed: TreeHead) => {
    head = changed;
  };
  const fill = (full: boolean) => {
    isFull = full;
  };
  return { store, appends, setHead, fill };
}

function open() {
  const made = memory();
  const measured: string[] = [];
  const took: number[] = [];
  const observer = {
    ...NO_OBSERVER,
    measure: (what: string, value: number) => {
      measured.push(what === "batch-size" ? `${what} ${value}` : what);
      if (what === "commit-ms") took.push(value);
    },
  };
  const recorder = new Recorder({
    reader: made.store as unknown as LogStore,
    writer: made.store as unknown as LogStore,
    tree: GrowingTree.empty(),
    state: { head: { size: 0, root: EMPTY_ROOT }, inForce: NOTHING_IN_FORCE },
    observer,
    indexRoot: () => undefined,
  });
  const record = async (...places: readonly number[]) => {
    const envelopes = places.map((place) => lines[place]!);
    const batch = await recorder.begin(envelopes);
    batch.accept(envelopes, NOW);
    await recorder.record(batch);
  };
  return { ...made, recorder, measured, took, record };
}
const failing = (error: Error) => async () => {
  throw error;
};

describe("what is recorded", () => {
  it("is one append with the indexes, the tree head and what was measured", async () => {
    const { recorder, record, appends, measured } = open();
    await record(0);
    await record(1, 2);
    expect(appends.map(({ entries }) => entries.map(({ index }) => index))).toEqual([[0], [1, 2]]);
    expect(appends[1]?.entries[1]).toMatchObject({
      leaf: platforms[1]!.leaf,
      payloadDigest: platforms[1]!.payloadDigest,
      kind: "platform",
      name: "vm-1",
      version: "1",
      signers: [log.keys.publisher.keyId],
    });
    expect(appends[1]?.entries[1]?.digests).not.toEqual([]);
    expect(recorder.state.head).toEqual(appends[1]?.head);
    expect(recorder.state).toMatchObject({ head: { size: 3 }, inForce: { size: 3 } });
    expect(measured).toEqual(["commit-ms", "batch-size 1", "commit-ms", "batch-size 2"]);
  });

  it("has the documents of all its entries beside them", async () => {
    const { recorder, appends } = open();
    const documentOf = (byte: number) => ({ digest: `${byte}`, bytes: Uint8Array.of(byte) });
    const accepted = lines.slice(0, 2).map((envelope, i) => ({
      envelope,
      leafHash: new Uint8Array(32),
      attachments: [documentOf(2 * i), documentOf(2 * i + 1)],
    }));
    await recorder.record({ accepted, inForce: log.inForce } as unknown as PendingBatch);
    expect(appends[0]?.attachments).toEqual([0, 1, 2, 3].map(documentOf));
  });

  it("moves the edge of the durable tree along, and leaves the one before as it was", async () => {
    const { recorder, record } = open();
    await record(0);
    const before = recorder.edge;
    await record(1);
    expect(recorder.edge).not.toBe(before);
    expect(recorder.edge.edgeTile(0, 0)?.get(0, 1)).not.toEqual(before.edgeTile(0, 0)?.get(0, 1));
  });

  it("is measured by the time that the store took", async () => {
    const { recorder, took } = open();
    const batch = await recorder.begin([lines[0]!]);
    batch.accept([lines[0]!], NOW);
    const times = [100, 130];
    vi.spyOn(performance, "now").mockImplementation(() => times.shift() ?? 0);
    await recorder.record(batch);
    vi.restoreAllMocks();
    expect(took).toEqual([30]);
  });

  it("of a batch that adds nothing is nothing", async () => {
    const { recorder, appends, measured } = open();
    await recorder.record(await recorder.begin([]));
    expect([appends, measured]).toEqual([[], []]);
  });
});

describe("an append that failed", () => {
  const lost = new Error("disk full");

  it("and did not happen leaves everything as it was, and the next one works", async () => {
    const { store, recorder, record, appends } = open();
    await record(0);
    const { append } = store;
    const { state, edge } = recorder;
    store.append = failing(lost);
    await expect(record(1)).rejects.toMatchObject({
      code: "storage-failed",
      message: "the entries could not be stored; nothing was added",
      cause: lost,
    });
    expect(recorder).toMatchObject({ state, edge, stopped: null, failing: { code: "storage-failed" } });
    store.append = append;
    await record(2);
    expect(recorder.failing).toBeNull();
    expect(appends.at(-1)).toMatchObject({ entries: [{ index: 1, name: "vm-1" }], head: { size: 2 } });
  });

  it("and did happen is no failure", async () => {
    const { store, recorder, record } = open();
    const { append } = store;
    store.append = async (...call) => {
      await append(...call);
      throw lost;
    };
    await record(0);
    expect(recorder).toMatchObject({ state: { head: { size: 1 } }, stopped: null, failing: null });
  });

  it.each<[string, Error, TreeHead | null]>([
    ["somebody else appended", new ConflictError("the tree has 1 entries"), null],
    ["a tree of another size is there", lost, { size: 2, root: EMPTY_ROOT }],
    ["another tree of that size is there", lost, { size: 1, root: EMPTY_ROOT }],
  ])("while %s stops it for good", async (_what, error, head) => {
    const { store, recorder, record, setHead } = open();
    store.append = async () => {
      if (head !== null) setHead(head);
      throw error;
    };
    const message = expect.stringContaining("send the entries again");
    await expect(record(0)).rejects.toMatchObject({ code: "no-leader", message, cause: error });
    expect(recorder.failing).toBeNull();
    await expect(recorder.begin([])).rejects.toBe(recorder.stopped);
  });

  it("stops it where the store does not say what it has", async () => {
    const { store, recorder, record } = open();
    store.append = failing(lost);
    const unreadable = new Error("input/output error");
    store.head = failing(unreadable);
    await expect(record(0)).rejects.toMatchObject({ code: "no-leader", cause: unreadable });
    expect(recorder.stopped).not.toBeNull();
  });
});

describe("a recorder", () => {
  it("is stopped once: the first reason stays", async () => {
    const { recorder } = open();
    const [first, second] = ["first", "second"].map((text) => new LogUnavailableError("log-stopped", text));
    recorder.stop(first!);
    recorder.stop(second!);
    expect(recorder.stopped).toBe(first);
    expect(recorder.over.reason).toBe(first);
  });

  it("asks whether writing works again only where it did not, until it does", async () => {
    const { store, recorder, record, fill } = open();
    let probes = 0;
    const { probe } = store;
    store.probe = () => {
      probes++;
      return probe();
    };
    await recorder.probe();
    expect(probes).toBe(0);
    store.append = failing(new Error("disk full"));
    await expect(record(0)).rejects.toMatchObject({ code: "storage-failed" });
    fill(true);
    await recorder.probe();
    expect(recorder.failing?.code).toBe("storage-failed");
    fill(false);
    await recorder.probe();
    await recorder.probe();
    expect([probes, recorder.failing]).toEqual([2, null]);
  });
});

describe("what is read back", () => {
  it("puts in force what the entries that determine it say, at a size", async () => {
    const asked: unknown[] = [];
    const reader = {
      entriesInForce: async (size: number) => {
        asked.push(size);
        return [0];
      },
      readEntries: async (indexes: readonly number[]) => {
        asked.push(indexes);
        return [founding.leaf];
      },
    };
    const loaded = await loadInForce(reader as unknown as LogReader, 9);
    expect(loaded).toEqual({ ...log.inForce, size: 9 });
    expect(asked).toEqual([9, [0]]);
  });

  const nobody = new KeyRing();
  const forged = makeEnvelope(
    platforms[1]!.payload,
    platforms[1]!.signatures.map(({ keyId }) => ({ keyId, signature: new Uint8Array(64).fill(1) })),
  );

  it("is verified with the keys of the trust roots among it, from there on", async () => {
    const verified = await verifyBatch([founding, ...platforms], nobody);
    expect(verified.map(({ signers }) => [...signers].sort())).toEqual([
      log.keys.root.map(({ keyId }) => keyId).sort(),
      ...platforms.map(() => [log.keys.publisher.keyId]),
    ]);
    await expect(verifyBatch([platforms[0]!, founding], nobody)).rejects.toMatchObject({ position: 0 });
  });

  it("is refused by the first that fails, and an entry alone as it is", async () => {
    await expect(verifyBatch([founding, platforms[0]!, forged, forged], nobody)).rejects.toMatchObject({
      name: "BatchRefusedError",
      position: 2,
    });
    await expect(verifyBatch([forged], nobody)).rejects.toMatchObject({ name: "VerificationError" });
  });
});
