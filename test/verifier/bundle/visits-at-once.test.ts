// Visits that begin with one remembered state and end at once: as if one had come after the other, so that a log which shows a fork to each
// is found out, and an honest one that grows in between is not.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fetchPolicy } from "../../../src/verifier/bundle/fetch-policy.ts";
import { treeOf } from "../../../src/verifier/bundle/merge-states.ts";
import { repeatVisit, StateChangedError } from "../../../src/verifier/bundle/state-changed.ts";
import {
  createBrowserStore,
  createMemoryStore,
  type StateStore,
} from "../../../src/verifier/bundle/state-store.ts";
import type { VerifiedBundle } from "../../../src/verifier/bundle/verify-bundle.ts";
import { createFileStore } from "../../../src/verifier-node/file-state.ts";
import { NOW } from "../../support/clock.ts";
import { FoundedLog } from "../../support/founded-log.ts";
import { platformPredicate } from "../../support/release-predicates.ts";
import { bundleBytes } from "../../support/small-log.ts";
import { ORIGIN } from "../../support/witnesses.ts";

/** A log with a policy in force. Every one that is made is the same, byte for byte, until more is published. */
async function makeLog(): Promise<FoundedLog> {
  const log = await FoundedLog.found();
  await log.publishPolicy(await log.publishRelease());
  await log.publishStatus();
  return log;
}

async function grow(log: FoundedLog, ...names: string[]): Promise<FoundedLog> {
  for (const name of names) await log.publish("platform", platformPredicate(name), [log.keys.publisher]);
  return log;
}

/** Answers each visitor from a log of its own, the first time only when all of them have asked. */
function networkOf(logs: readonly FoundedLog[]) {
  let waiting = logs.length;
  let open: () => void;
  const allAsked = new Promise<void>((resolve) => {
    open = resolve;
  });
  const asked: string[] = [];
  const fetchFrom =
    (log: FoundedLog): typeof fetch =>
    async (url) => {
      const { search, searchParams } = new URL(String(url));
      asked.push(search);
      const since = searchParams.has("since") ? Number(searchParams.get("since")) : null;
      const proven = since !== null && since <= log.envelopes.length ? since : null;
      const bytes = bundleBytes(await log.bundle("production", {}, proven));
      if (--waiting === 0) open();
      await allAsked;
      return new Response(bytes as BodyInit);
    };
  return { asked, visitors: logs.map(fetchFrom) };
}

async function visitAll(store: StateStore, logs: readonly FoundedLog[]) {
  const pin = { origin: ORIGIN, version: 1, digest: logs[0]!.envelopes[0]!.payloadDigest };
  const { asked, visitors } = networkOf(logs);
  const visits = await Promise.allSettled(
    visitors.map((fetch) =>
      fetchPolicy({ url: "https://log.example", name: "production", pin, now: NOW, fetch, store }),
    ),
  );
  return { asked, visits, codes: visits.map(codeOf) };
}

function codeOf(visit: PromiseSettledResult<VerifiedBundle>): string {
  return visit.status === "fulfilled" ? "verified" : visit.reason.code;
}

const sizeIn = async (store: StateStore) => treeOf((await store.load(ORIGIN))!).size;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-at-once-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function fakeStorage(): Pick<Storage, "getItem" | "setItem"> {
  const items = new Map<string, string>();
  return { getItem: (key) => items.get(key) ?? null, setItem: (key, value) => void items.set(key, value) };
}

const STORES: ReadonlyArray<readonly [string, () => StateStore]> = [
  ["memory", createMemoryStore],
  ["a file", () => createFileStore(join(folder, "state.json"))],
  ["a browser's storage", () => createBrowserStore(fakeStorage(), undefined)],
];

describe.each(STORES)("two visits at once that share %s", (_, make) => {
  describe.each([
    ["the first of all", false],
    ["with a state remembered", true],
  ])("%s", (_name, remembers) => {
    const begin = async (): Promise<StateStore> => {
      const store = make();
      if (remembers) await visitAll(store, [await makeLog()]);
      return store;
    };

    it("do not both succeed on forks of different sizes, and the larger one does not win", async () => {
      const store = await begin();
      const forks = [await grow(await makeLog(), "one"), await grow(await makeLog(), "other", "more")];
      const { codes, visits } = await visitAll(store, forks);
      expect(codes.filter((code) => code === "verified")).toHaveLength(1);
      expect(codes).toContainEqual(expect.stringMatching(/^(consistency-broken|checkpoint-rolled-back)$/));
      const won = visits.find((visit) => visit.status === "fulfilled");
      expect(await sizeIn(store)).toBe(won?.value.checkpoint.size);
    });

    it("find out forks of one size, and keep them", async () => {
      const store = await begin();
      const forks = [await grow(await makeLog(), "one"), await grow(await makeLog(), "other")];
      const { codes } = await visitAll(store, forks);
      expect(codes).toContain("log-forked");
      await expect(store.load(ORIGIN)).rejects.toMatchObject({ code: "log-forked" });
    });

    it("both succeed where an honest log grew in between: the one that ends last compares the two", async () => {
      const store = await begin();
      const log = await grow(await makeLog(), "one");
      const later = await grow(await makeLog(), "one", "two");
      // Whoever asks again is answered from the log as it is then.
      const old = await log.bundle("production", {}, remembers ? log.envelopes.length - 1 : null);
      let first = true;
      log.bundle = async (...args) => {
        if (!first) return later.bundle(...args);
        first = false;
        return old;
      };
      const { codes } = await visitAll(store, [log, later]);
      expect(codes).toEqual(["verified", "verified"]);
      expect(await sizeIn(store)).toBe(later.envelopes.length);
    });

    it("both succeed on one tree, and neither asks twice", async () => {
      const store = await begin();
      const { codes, asked } = await visitAll(store, [
        await grow(await makeLog(), "one"),
        await grow(await makeLog(), "one"),
      ]);
      expect(codes).toEqual(["verified", "verified"]);
      expect(asked).toHaveLength(2);
    });
  });

  it("save nothing of a tree that was never compared with the stored one, larger or smaller", async () => {
    const store = make();
    const states = [];
    for (const names of [[], ["a"], ["a", "b"]]) {
      const alone = createMemoryStore();
      await visitAll(alone, [await grow(await makeLog(), ...names)]);
      states.push((await alone.load(ORIGIN))!);
    }
    const [small, middle, large] = states as [(typeof states)[0], (typeof states)[0], (typeof states)[0]];
    await store.save(middle, null);
    for (const [state, since] of [
      [large, null],
      [large, small],
      [small, null],
      [small, large],
    ] as const)
      await expect(store.save(state, since)).rejects.toBeInstanceOf(StateChangedError);
    expect(await store.load(ORIGIN)).toEqual(middle);
    await store.save(large, middle);
    expect(await store.load(ORIGIN)).toEqual(large);
  });
});

describe("a visit that is made again", () => {
  it("ends when nobody came between, with what it saw then", async () => {
    let left = 5;
    expect(
      await repeatVisit(async () => (left-- > 0 ? Promise.reject(new StateChangedError(ORIGIN)) : "seen")),
    ).toBe("seen");
  });

  it("is given up after 20 times, and after one for every other reason", async () => {
    let visits = 0;
    const busy = async () => {
      visits++;
      throw new StateChangedError(ORIGIN);
    };
    await expect(repeatVisit(busy)).rejects.toMatchObject({ code: "state-changed", name: "PolicyError" });
    expect(visits).toBe(20);
    visits = 0;
    const broken = async () => {
      visits++;
      throw new Error("disk full");
    };
    await expect(repeatVisit(broken)).rejects.toThrow("disk full");
    expect(visits).toBe(1);
  });
});
