// What a verifier remembers: never lost without a word, never going down, one log at a time.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { mergeStates, treeOf } from "../../../src/verifier/bundle/merge-states.ts";
import {
  formatState,
  parseState,
  type RememberedState,
} from "../../../src/verifier/bundle/remembered-state.ts";
import {
  createBrowserStore,
  createMemoryStore,
  type StateStore,
} from "../../../src/verifier/bundle/state-store.ts";
import { createFileStore } from "../../../src/verifier-node/file-state.ts";
import { NOW } from "../../support/clock.ts";
import { malformedOf } from "../../support/refusals.ts";
import { sha256Of } from "../../support/release-predicates.ts";
import { seenTree } from "../../support/remembered.ts";
import { ORIGIN } from "../../support/witnesses.ts";

let trees: RememberedState["checkpoint"][];
let elsewhere: RememberedState["checkpoint"];
let elsewhereToo: RememberedState["checkpoint"];
let empty: RememberedState["checkpoint"];
beforeAll(async () => {
  trees = await Promise.all(Array.from({ length: 10 }, (_, i) => seenTree(i + 1)));
  elsewhere = await seenTree(1, "tree", NOW, "other.example");
  elsewhereToo = await seenTree(1, "another tree", NOW, "other.example");
  empty = await seenTree(0);
});
const otherLog = (change: Partial<RememberedState> = {}) =>
  state({ origin: "other.example", checkpoint: elsewhere, ...change });

const state = (change: Partial<RememberedState> = {}): RememberedState => ({
  origin: ORIGIN,
  trustRootVersion: 2,
  statusSequence: 7,
  checkpoint: trees[4]!,
  policies: { production: 3 },
  fork: null,
  ...change,
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-state-"));
});
afterEach(() => rmSync(folder, { recursive: true }));
const file = () => join(folder, "below", "state.json");

function fakeStorage(): Pick<Storage, "getItem" | "setItem"> {
  const items = new Map<string, string>();
  return { getItem: (key) => items.get(key) ?? null, setItem: (key, value) => void items.set(key, value) };
}

const STORES: ReadonlyArray<readonly [string, () => StateStore]> = [
  ["memory", createMemoryStore],
  ["the browser's storage", () => createBrowserStore(fakeStorage())],
  ["a file", () => createFileStore(file())],
];

describe.each(STORES)("a store in %s", (_, make) => {
  it("remembers nothing at first, then the last state", async () => {
    const store = make();
    expect(await store.load(ORIGIN)).toBeNull();
    await store.save(state(), null);
    expect(await store.load(ORIGIN)).toEqual(state());
    await store.save(state({ statusSequence: 8 }), null);
    expect(await store.load(ORIGIN)).toEqual(state({ statusSequence: 8 }));
  });

  it("forgets nothing when two visits begin at the same state and end one after the other", async () => {
    const store = make();
    await store.save(state(), null);
    await store.save(state({ statusSequence: 9, policies: { production: 4 } }), null);
    await store.save(state({ statusSequence: 8, policies: { production: 3, other: 1 } }), null);
    expect(await store.load(ORIGIN)).toEqual(
      state({ statusSequence: 9, policies: { production: 4, other: 1 } }),
    );
  });
});

describe.each(STORES.slice(0, 2))("a store in %s", (_, make) => {
  it("keeps logs apart", async () => {
    const store = make();
    await store.save(state(), null);
    expect(await store.load("other.example")).toBeNull();
    await store.save(otherLog({ statusSequence: 1 }), null);
    expect(await store.load(ORIGIN)).toEqual(state());
  });
});

describe("a state that cannot be read is no first visit", () => {
  const but = (change: object) => JSON.stringify({ ...state(), ...change });
  const DAMAGED: ReadonlyArray<readonly [string, () => string]> = [
    ["nothing, as a crash may leave it", () => ""],
    ["zeros, as a crash may leave them", () => "\0".repeat(200)],
    ["half of it", () => formatState(state()).slice(0, 80)],
    ["something else", () => "hello"],
    ["null", () => "null"],
    ["a member less", () => but({ policies: undefined })],
    ["a member more", () => but({ extra: 1 })],
    ["a checkpoint that is none", () => but({ checkpoint: { ...trees[4], note: "five" } })],
    ["a checkpoint of another log", () => but({ checkpoint: elsewhere })],
    [
      "a time that does not exist",
      () => but({ checkpoint: { ...trees[4], cosignedAt: "2026-02-30T00:00:00Z" } }),
    ],
    ["a fork of another log", () => but({ fork: [elsewhere.note, elsewhereToo.note] })],
    ["an empty tree", () => but({ checkpoint: empty })],
    ["a fork that is none", () => but({ fork: [trees[4]!.note, trees[4]!.note] })],
    ["a sequence that is not exact", () => but({ statusSequence: 2 ** 53 })],
    ["a policy of a name that there cannot be", () => but({ policies: { "A B": 1 } })],
    ["a member twice", () => `{"statusSequence":1,${formatState(state()).slice(1)}`],
    [
      "the form before this one",
      () => but({ checkpoint: { size: 40, root: sha256Of("root") }, fork: undefined }),
    ],
  ];

  it.each(DAMAGED)("%s", async (_, make) => {
    const text = make();
    expect(await malformedOf(() => parseState(text))).toBeDefined();
    const storage = fakeStorage();
    storage.setItem(`touchstone:${ORIGIN}`, text);
    await expect(createBrowserStore(storage).load(ORIGIN)).rejects.toThrow();
    writeFileSync(join(folder, "state.json"), text);
    await expect(createFileStore(join(folder, "state.json")).load(ORIGIN)).rejects.toThrow();
  });

  it("says where it is wrong", async () => {
    const at = async (change: object) => (await malformedOf(() => parseState(but(change))))?.at;
    expect(await at({ checkpoint: elsewhere })).toBe("/checkpoint/note");
    expect(await at({ fork: [trees[4]!.note, trees[4]!.note] })).toBe("/fork");
    expect(await at({ checkpoint: { size: 40, root: sha256Of("root") } })).toBe("/checkpoint");
  });

  it("is read up to 512 KiB, with notes of up to 65,536 characters", () => {
    const text = formatState(state());
    expect(parseState(text.padEnd(512 * 1024))).toEqual(state());
    expect(() => parseState(text.padEnd(512 * 1024 + 1))).toThrow();
    const [head, ...lines] = trees[4]!.note.split("\n\n");
    const line = lines.join("").split("\n")[0]!;
    const padded = (length: number) => {
      const name = "n".repeat(length - trees[4]!.note.length - line.length + line.split(" ")[1]!.length - 1);
      const extra = line.replace(line.split(" ")[1]!, name);
      return { ...trees[4]!, note: `${head}\n\n${lines.join("")}${extra}\n` };
    };
    expect(parseState(but({ checkpoint: padded(65_536) })).checkpoint.note).toHaveLength(65_536);
    expect(() => parseState(but({ checkpoint: padded(65_537) }))).toThrow();
  });

  it("of the earlier form says what to do with it", async () => {
    const { fork: _, ...rest } = state();
    const old = { ...rest, checkpoint: { size: 40, root: sha256Of("root") } };
    const error = await malformedOf(() => parseState(JSON.stringify(old)));
    expect(error?.message).toMatch(/^remembered state: /);
    expect(error?.message).toContain("remove it, and verify again");
  });

  it("a file of another log", async () => {
    await createFileStore(file()).save(otherLog(), null);
    await expect(createFileStore(file()).load(ORIGIN)).rejects.toThrow("remembers other.example");
  });

  it("a folder where the file should be", async () => {
    await expect(createFileStore(folder).load(ORIGIN)).rejects.toThrow("EISDIR");
  });
});

describe("the file", () => {
  it("is only its owner's, and nothing is left beside it but its lock", async () => {
    await createFileStore(file()).save(state(), null);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(folder, "below"))).toEqual(["state.json", "state.json.lock"]);
  });

  it("stays as it was when it cannot be replaced", async () => {
    const store = createFileStore(file());
    await store.save(state(), null);
    // A crash between writing and renaming leaves the half-written one beside it, and the old one in place. No later writer takes that
    // name for its own: it may be of another process, in another container, that is still writing.
    writeFileSync(`${file()}.0123456789ab.tmp`, '{"half":');
    expect(await store.load(ORIGIN)).toEqual(state());
    await store.save(state({ statusSequence: 8 }), null);
    expect(await store.load(ORIGIN)).toEqual(state({ statusSequence: 8 }));
    expect(readdirSync(join(folder, "below"))).toEqual([
      "state.json",
      "state.json.0123456789ab.tmp",
      "state.json.lock",
    ]);
  });

  it("says so when it cannot be written, and keeps the old state", async () => {
    const store = createFileStore(file());
    await store.save(state(), null);
    const blocked = createFileStore(join(file(), "below-a-file"));
    await expect(blocked.save(state(), null)).rejects.toThrow();
    expect(parseState(readFileSync(file(), "utf8"))).toEqual(state());
  });
});

describe("joining what was remembered with what was just seen", () => {
  const states = fc.record({
    origin: fc.constant(ORIGIN),
    trustRootVersion: fc.integer({ min: 1, max: 9 }),
    statusSequence: fc.integer({ min: 1, max: 9 }),
    checkpoint: fc.integer({ min: 1, max: 9 }).map((size) => trees[size]!),
    policies: fc.dictionary(fc.constantFrom("a", "b", "c"), fc.nat(9)),
    fork: fc.constant(null),
  });

  it("takes a first visit as it is", () => {
    expect(mergeStates(null, state(), null)).toEqual(state());
  });

  it("remembers a policy whose name every object has already", () => {
    const merged = mergeStates(state(), state({ policies: { constructor: 1 } }), null);
    expect(parseState(formatState(merged)).policies).toEqual({ production: 3, constructor: 1 });
  });

  it("keeps of two checkpoints of one tree the one that was cosigned later", async () => {
    const later = await seenTree(5, "tree", new Date(NOW.getTime() + 60_000));
    for (const [a, b] of [
      [state(), state({ checkpoint: later })],
      [state({ checkpoint: later }), state()],
    ] as const)
      expect(mergeStates(a, b, a)).toEqual(state({ checkpoint: later }));
  });

  it("never lets anything go down or be forgotten, in whatever order visits end", () => {
    fc.assert(
      fc.property(states, states, (a, b) => {
        const merged = mergeStates(a, b, a);
        expect(merged).toEqual(mergeStates(b, a, b));
        for (const one of [a, b]) {
          expect(merged.trustRootVersion).toBeGreaterThanOrEqual(one.trustRootVersion);
          expect(merged.statusSequence).toBeGreaterThanOrEqual(one.statusSequence);
          expect(treeOf(merged).size).toBeGreaterThanOrEqual(treeOf(one).size);
          for (const [name, version] of Object.entries(one.policies))
            expect(merged.policies[name]).toBeGreaterThanOrEqual(version);
        }
        expect(mergeStates(merged, a, merged)).toEqual(merged);
      }),
    );
  });
});
