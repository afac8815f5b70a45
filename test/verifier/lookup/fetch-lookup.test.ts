import { beforeEach, describe, expect, it } from "vitest";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { MalformedError } from "../../../src/protocol/errors.ts";
import { formatLookupAnswer, type LookupAnswer } from "../../../src/protocol/lookup/lookup-answer.ts";
import { LogForkedError } from "../../../src/verifier/bundle/forked-log.ts";
import { treeOf } from "../../../src/verifier/bundle/merge-states.ts";
import { createMemoryStore, type StateStore } from "../../../src/verifier/bundle/state-store.ts";
import { fetchLookup } from "../../../src/verifier/lookup/fetch-lookup.ts";
import { NOW } from "../../support/clock.ts";
import { type Answer, fakeNetwork, problem, status, unreachable } from "../../support/fake-fetch.ts";
import type { FoundedLog } from "../../support/founded-log.ts";
import { answerLookup, indexedLog } from "../../support/lookups.ts";
import { platformPredicate } from "../../support/release-predicates.ts";
import { seenTree } from "../../support/remembered.ts";
import { ORIGIN } from "../../support/witnesses.ts";

const URL_BASE = "https://log.example";
let log: FoundedLog;
let store: StateStore;
beforeEach(async () => {
  log = await indexedLog();
  store = createMemoryStore();
});

/** The log as a service shows it. */
const shows =
  (change: Partial<LookupAnswer> = {}): Answer =>
  async ({ url }) => {
    const { pathname, searchParams } = new URL(url);
    const [type, value] = pathname.split("/").slice(-2).map(decodeURIComponent) as [string, string];
    const since = searchParams.get("since");
    const options = { change, since: since === null ? null : Number(since) };
    return new Response(
      utf8(formatLookupAnswer(await answerLookup(log, [type, value], options))) as BodyInit,
    );
  };

const ask = (fetch: typeof globalThis.fetch, type = "name", value = "platform/h100-vm") => {
  const pin = { origin: ORIGIN, version: 1, digest: log.envelopes[0]!.payloadDigest };
  return fetchLookup({ url: URL_BASE, type, value, pin, store, now: NOW, fetch });
};

describe("asking a log for the entries of a term", () => {
  it("verifies the answer and remembers what was seen; the next visit asks for the proof from there", async () => {
    const { fetch, asked } = fakeNetwork(shows());
    const first = await ask(fetch);
    expect(first.indices.length).toBe(1);
    expect(await store.load(ORIGIN)).toEqual(first.state);
    const { length } = log.envelopes;
    await log.publish("platform", platformPredicate("new"), [log.keys.publisher]);
    expect((await ask(fetch, "name", "platform/new")).indices).toEqual([]);
    expect(asked).toEqual([
      `${URL_BASE}/v1/lookup/name/platform%2Fh100-vm`,
      `${URL_BASE}/v1/lookup/name/platform%2Fnew?since=${length}`,
    ]);
    expect(treeOf((await store.load(ORIGIN))!).size).toBe(length + 1);
  });

  it("asks for nothing that no entry can have", async () => {
    const { fetch, asked } = fakeNetwork(shows());
    await expect(ask(fetch, "name", "../../etc/x?y#z")).rejects.toThrow(MalformedError);
    await expect(ask(fetch, "kind", "platform")).rejects.toThrow(MalformedError);
    expect(asked).toEqual([]);
  });

  it("remembers nothing of what does not verify", async () => {
    await expect(ask(fakeNetwork(shows({ indices: [] })).fetch)).rejects.toMatchObject({
      code: "lookup-proof",
    });
    expect(await store.load(ORIGIN)).toBeNull();
  });

  it("remembers that the log forked", async () => {
    const { state } = await ask(fakeNetwork(shows()).fetch);
    const other = await seenTree(log.envelopes.length, "another tree");
    store = createMemoryStore();
    await store.save({ ...state, checkpoint: other }, null);
    await expect(ask(fakeNetwork(shows()).fetch)).rejects.toMatchObject({ code: "log-forked" });
    await expect(store.load(ORIGIN)).rejects.toThrow(LogForkedError);
  });

  it("says why the log has no answer, and that it is not there", async () => {
    const refused = problem(404, { code: "index-not-kept", detail: "this log keeps no index" });
    await expect(ask(fakeNetwork(refused).fetch)).rejects.toThrow(
      `${URL_BASE}/v1/lookup/name/platform%2Fh100-vm: answered 404: this log keeps no index`,
    );
    await expect(ask(fakeNetwork(unreachable).fetch)).rejects.toMatchObject({ name: "UnreachableError" });
    const page = status(200, { "content-type": "text/html" }, "<p>log in</p>");
    await expect(ask(fakeNetwork(page).fetch)).rejects.toThrow("answered text/html, not a lookup answer");
  });
});
