// Several visitors share one memory: none forgets what another saw, and a log that showed two trees of one size is found out for ever.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { VerificationError } from "../../../src/protocol/errors.ts";
import { fetchPolicy } from "../../../src/verifier/bundle/fetch-policy.ts";
import { LogForkedError } from "../../../src/verifier/bundle/forked-log.ts";
import { mergeStates } from "../../../src/verifier/bundle/merge-states.ts";
import {
  formatState,
  parseState,
  type RememberedState,
} from "../../../src/verifier/bundle/remembered-state.ts";
import {
  createBrowserStore,
  createMemoryStore,
  type Locks,
  type StateStore,
} from "../../../src/verifier/bundle/state-store.ts";
import { createFileStore } from "../../../src/verifier-node/file-state.ts";
import { NOW } from "../../support/clock.ts";
import { FoundedLog } from "../../support/founded-log.ts";
import { seenTree } from "../../support/remembered.ts";
import { bundleBytes } from "../../support/small-log.ts";
import { ORIGIN } from "../../support/witnesses.ts";

const KEY = `touchstone:${ORIGIN}`;
let state: RememberedState;
let forked: RememberedState;
beforeAll(async () => {
  state = {
    origin: ORIGIN,
    trustRootVersion: 1,
    statusSequence: 1,
    checkpoint: await seenTree(7),
    policies: { production: 1 },
    fork: null,
  };
  forked = { ...state, checkpoint: await seenTree(7, "another tree") };
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-shared-"));
});
afterEach(() => rmSync(folder, { recursive: true }));
const file = () => join(folder, "state.json");

/** localStorage as several tabs see it. `between` runs once, after the next read: another tab's turn. */
class FakeStorage {
  between: (() => void) | null = null;
  readonly #items = new Map<string, string>();

  getItem(key: string): string | null {
    const value = this.#items.get(key) ?? null;
    const { between } = this;
    this.between = null;
    between?.();
    return value;
  }

  setItem(key: string, value: string): void {
    this.#items.set(key, value);
  }
}

/** Web Locks: one at a time, in the order of asking. */
function fakeLocks(): Locks & { readonly asked: string[] } {
  let last: Promise<unknown> = Promise.resolve();
  const asked: string[] = [];
  return {
    asked,
    request<T>(name: string, work: () => Promise<T>): Promise<T> {
      asked.push(name);
      const mine = last.then(work);
      last = mine.catch(() => undefined);
      return mine;
    },
  };
}

describe("one file", () => {
  it("forgets no update of four processes that write it at once", async () => {
    const program = fileURLToPath(new URL("../../support/save-state.ts", import.meta.url));
    const processes = ["a", "b", "c", "d"].map((prefix) =>
      spawn(
        process.execPath,
        ["--experimental-strip-types", program, file(), formatState(state), prefix, "12"],
        { stdio: "inherit" },
      ),
    );
    const ends = await Promise.all(processes.map((child) => once(child, "exit")));
    expect(ends.map(([code]) => code)).toEqual([0, 0, 0, 0]);
    const { policies } = parseState(readFileSync(file(), "utf8"));
    expect(Object.keys(policies)).toHaveLength(48);
  }, 60_000);
});

describe("one localStorage of several tabs", () => {
  const policiesIn = (storage: FakeStorage) => parseState(storage.getItem(KEY) ?? "").policies;
  const seeing = (policy: string) => ({ ...state, policies: { [policy]: 1 } });

  it.each([
    ["with Web Locks", fakeLocks()],
    ["without them", undefined],
  ])("forgets no update of two stores that save at once, %s", async (_, locks) => {
    const storage = new FakeStorage();
    const [one, other] = [createBrowserStore(storage, locks), createBrowserStore(storage, locks)];
    await Promise.all([
      one.save(seeing("a"), null),
      other.save(seeing("b"), null),
      one.save(seeing("c"), null),
    ]);
    expect(policiesIn(storage)).toEqual({ a: 1, b: 1, c: 1 });
    if (locks !== undefined) expect(locks.asked).toEqual([KEY, KEY, KEY]);
  });

  it("does not write over what another tab wrote since it read", async () => {
    const storage = new FakeStorage();
    storage.between = () => storage.setItem(KEY, formatState(seeing("theirs")));
    await createBrowserStore(storage, undefined).save(seeing("ours"), null);
    expect(policiesIn(storage)).toEqual({ theirs: 1, ours: 1 });
  });

  it("writes again what another tab, which had read before, wrote over", async () => {
    const storage = new FakeStorage();
    const saved = createBrowserStore(storage, undefined).save(seeing("ours"), null);
    storage.setItem(KEY, formatState(seeing("theirs")));
    await saved;
    expect(policiesIn(storage)).toEqual({ theirs: 1, ours: 1 });
  });

  it("gives up on pages that never stop writing, after a hundred turns", async () => {
    const storage = new FakeStorage();
    let written = 0;
    const busy = {
      getItem: (key: string) => storage.getItem(key),
      setItem: () => {
        written++;
        storage.setItem(KEY, formatState(seeing("theirs")));
      },
    };
    await expect(createBrowserStore(busy, undefined).save(seeing("ours"), null)).rejects.toThrow(
      "keep writing",
    );
    expect(written).toBe(100);
  });

  it("is joined in browsers without locks", async () => {
    vi.spyOn(globalThis, "navigator", "get").mockReturnValue({} as Navigator);
    const storage = new FakeStorage();
    await createBrowserStore(storage).save(seeing("ours"), null);
    expect(policiesIn(storage)).toEqual({ ours: 1 });
  });
});

const STORES: ReadonlyArray<readonly [string, () => () => StateStore, () => string]> = [
  ["a file", () => () => createFileStore(file()), file],
  [
    "a browser's storage",
    () => {
      const storage = new FakeStorage();
      return () => createBrowserStore(storage, undefined);
    },
    () => KEY,
  ],
  [
    "memory",
    () => {
      const store = createMemoryStore();
      return () => store;
    },
    () => "memory",
  ],
];

describe.each(STORES)("two roots of one size, remembered in %s", (_, make, place) => {
  it("are kept, both, and named by every visit for ever after", async () => {
    const open = make();
    await open().save(state, null);
    await expect(open().save(forked, null)).rejects.toMatchObject({ code: "log-forked" });
    for (const visit of [
      () => open().load(ORIGIN),
      () => open().save(state, null),
      () => open().save(forked, null),
      () => open().load(ORIGIN),
    ]) {
      const error = await visit().then(
        () => new Error("accepted"),
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(LogForkedError);
      expect(error).toBeInstanceOf(VerificationError);
      expect((error as Error).message).toMatch(/^step 6 \(remembered state\): /);
      expect((error as Error).message).toContain(`kept in ${place()}`);
      const notes = [state.checkpoint.note, forked.checkpoint.note].sort();
      expect((error as LogForkedError).state.fork).toEqual(notes);
    }
  });
});

describe("a fork", () => {
  it("is met in whatever order the visits end, and is not lost by more of them", () => {
    const merged = mergeStates(state, forked, null);
    expect(merged.fork).toEqual([state.checkpoint.note, forked.checkpoint.note].sort());
    expect(mergeStates(forked, state, null)).toEqual(merged);
    expect(mergeStates(merged, state, null)).toEqual(merged);
    expect(mergeStates(state, merged, null)).toEqual(merged);
    expect(parseState(formatState(merged))).toEqual(merged);
  });

  it("that two visits were shown at once is found by the second, and by every visit after it", async () => {
    const log = await FoundedLog.found();
    await log.publishPolicy(await log.publishRelease());
    await log.publishStatus();
    const pin = { origin: ORIGIN, version: 1, digest: log.envelopes[0]!.payloadDigest };
    const bytes = bundleBytes(await log.bundle("production"));
    const network = async () => new Response(bytes as BodyInit);
    const options = { url: "https://log.example", name: "production", pin, now: NOW, fetch: network };
    const shown = { ...state, checkpoint: await seenTree(log.envelopes.length) };
    const atOnce: StateStore = {
      ...createFileStore(file()),
      load: async () => null,
    };
    await createFileStore(file()).save(shown, null);
    await expect(fetchPolicy({ ...options, store: atOnce })).rejects.toMatchObject({ code: "log-forked" });
    await expect(fetchPolicy({ ...options, store: createFileStore(file()) })).rejects.toThrow(file());
  });

  it("that one visit is shown after the other is kept by the visit that meets it", async () => {
    const log = await FoundedLog.found();
    await log.publishPolicy(await log.publishRelease());
    await log.publishStatus();
    const pin = { origin: ORIGIN, version: 1, digest: log.envelopes[0]!.payloadDigest };
    const bundle = await log.bundle("production");
    const network = async () => new Response(bundleBytes(bundle) as BodyInit);
    const store = createFileStore(file());
    await store.save({ ...state, checkpoint: await seenTree(log.envelopes.length) }, null);
    const visit = () =>
      fetchPolicy({ url: "https://log.example", name: "production", pin, now: NOW, fetch: network, store });
    await expect(visit()).rejects.toThrow(`kept in ${file()}`);
    expect(parseState(readFileSync(file(), "utf8")).fork).toContain(bundle.checkpoint);
    await expect(visit()).rejects.toMatchObject({ code: "log-forked" });
  });
});
