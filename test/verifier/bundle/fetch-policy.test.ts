// The one call that most verifiers make, against every way in which a network or a service lets it down.
import { beforeEach, describe, expect, it } from "vitest";
import { MAX_BUNDLE_BYTES } from "../../../src/protocol/bundle/policy-bundle.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { MalformedError } from "../../../src/protocol/errors.ts";
import { fetchBundle, fetchPolicy } from "../../../src/verifier/bundle/fetch-policy.ts";
import { treeOf } from "../../../src/verifier/bundle/merge-states.ts";
import { createMemoryStore, type StateStore } from "../../../src/verifier/bundle/state-store.ts";
import type { TrustPin } from "../../../src/verifier/bundle/trust-pin.ts";
import { RefusedError, UnreachableError } from "../../../src/verifier/service-errors.ts";
import { NOW } from "../../support/clock.ts";
import { policyPredicate } from "../../support/document-predicates.ts";
import {
  type Answer,
  fakeNetwork,
  problem,
  status,
  streamed,
  unreachable,
} from "../../support/fake-fetch.ts";
import { FoundedLog } from "../../support/founded-log.ts";
import { platformPredicate } from "../../support/release-predicates.ts";
import { bundleBytes } from "../../support/small-log.ts";
import { ORIGIN } from "../../support/witnesses.ts";

const URL_BASE = "https://log.example";
let log: FoundedLog;
let pin: TrustPin;
let store: StateStore;
beforeEach(async () => {
  log = await FoundedLog.found();
  const set = await log.publishRelease();
  await log.publishPolicy(set);
  await log.publish("policy", policyPredicate(set, { name: "staging" }), [log.keys.policy]);
  await log.publishStatus();
  pin = { origin: ORIGIN, version: 1, digest: log.envelopes[0]!.payloadDigest };
  store = createMemoryStore();
});

/** The log as an honest service shows it. */
const honest: Answer = async ({ url }) => {
  const { pathname, searchParams } = new URL(url);
  const since = searchParams.get("since");
  const name = decodeURIComponent(pathname.split("/").at(-1)!);
  return new Response(
    bundleBytes(await log.bundle(name, {}, since === null ? null : Number(since))) as BodyInit,
  );
};

const fetchWith = (fetch: typeof globalThis.fetch, change: Partial<Parameters<typeof fetchPolicy>[0]> = {}) =>
  fetchPolicy({ url: URL_BASE, name: "production", pin, store, now: NOW, fetch, ...change });

describe("fetching a policy", () => {
  it("verifies it and remembers what was seen; the next visit asks for the proof from there", async () => {
    const { fetch, asked } = fakeNetwork(honest);
    const first = await fetchWith(fetch);
    expect(first.policy.name).toBe("production");
    expect(await store.load(ORIGIN)).toEqual(first.state);
    await log.publish("platform", platformPredicate("new"), [log.keys.publisher]);
    await fetchWith(fetch);
    expect(asked).toEqual([
      `${URL_BASE}/v1/policies/production`,
      `${URL_BASE}/v1/policies/production?since=10`,
    ]);
    expect(treeOf((await store.load(ORIGIN))!).size).toBe(11);
  });

  it("remembers every policy by itself", async () => {
    const { fetch } = fakeNetwork(honest);
    await fetchWith(fetch);
    await fetchWith(fetch, { name: "staging" });
    expect((await store.load(ORIGIN))?.policies).toEqual({ production: 1, staging: 1 });
  });

  it("asks below the base URL, however it ends, and never outside of the policies", async () => {
    const { fetch, asked } = fakeNetwork(status(404));
    for (const url of [URL_BASE, `${URL_BASE}/`, `${URL_BASE}/prefix//`])
      await expect(fetchBundle({ url, name: "../../etc/x?y#z", fetch })).rejects.toThrow(RefusedError);
    const path = "/v1/policies/..%2F..%2Fetc%2Fx%3Fy%23z";
    expect(asked).toEqual([URL_BASE + path, URL_BASE + path, `${URL_BASE}/prefix${path}`]);
  });

  it("refuses the bundle of another policy, though it is true, and does not remember it", async () => {
    const other: Answer = async () => new Response(bundleBytes(await log.bundle("staging")) as BodyInit);
    const promise = fetchWith(fakeNetwork(other).fetch);
    await expect(promise).rejects.toThrow("asked for policy production, got staging");
    expect(await store.load(ORIGIN)).toBeNull();
  });

  it("refuses what does not verify, and does not remember it", async () => {
    const { fetch } = fakeNetwork(honest);
    const elsewhere = { ...pin, digest: "0".repeat(64) };
    await expect(fetchWith(fetch, { pin: elsewhere })).rejects.toMatchObject({ code: "trust-root-pin" });
    expect(await store.load(ORIGIN)).toBeNull();
  });

  it("refuses when its state cannot be read: that is not a first visit", async () => {
    const { fetch, asked } = fakeNetwork(honest);
    const broken = { ...store, load: async () => Promise.reject(new Error("disk")) };
    await expect(fetchWith(fetch, { store: broken })).rejects.toThrow("disk");
    expect(asked).toEqual([]);
  });

  it("gives no result when its state cannot be saved", async () => {
    const broken = { ...store, save: async () => Promise.reject(new Error("disk full")) };
    await expect(fetchWith(fakeNetwork(honest).fetch, { store: broken })).rejects.toThrow("disk full");
  });

  it("refuses an older log than was remembered", async () => {
    await fetchWith(fakeNetwork(honest).fetch);
    const seen = (await store.load(ORIGIN))!;
    await store.save({ ...seen, statusSequence: 9 }, seen);
    await expect(fetchWith(fakeNetwork(honest).fetch)).rejects.toMatchObject({ code: "status-rolled-back" });
  });
});

describe("a service that lets a verifier down", () => {
  const failure = (answer: Answer, signal?: AbortSignal) =>
    fetchBundle({ url: URL_BASE, name: "production", fetch: fakeNetwork(answer).fetch, signal }).then(
      () => new Error("it was accepted"),
      (error: Error) => error,
    );

  it("is not there", async () => {
    expect(await failure(unreachable)).toBeInstanceOf(UnreachableError);
    expect((await failure(unreachable)).message).toContain("connect ECONNREFUSED");
    const odd: Answer = () => Promise.reject("no error object");
    expect((await failure(odd)).message).toContain("no answer");
  });

  it.each([400, 404, 410, 429, 500, 502, 503])(
    "answers %i, and the reason of its problem document is shown",
    async (code) => {
      const error = await failure(problem(code, { code: "policy-revoked", detail: "because of this" }));
      expect(error).toBeInstanceOf(RefusedError);
      expect(error).toMatchObject({ status: code, code: "policy-revoked" });
      expect(error.message).toBe(`${URL_BASE}/v1/policies/production: answered ${code}: because of this`);
    },
  );

  it("answers an error that explains nothing, or with something to smuggle into a terminal", async () => {
    for (const body of ["", "<html>", "null", "1", '{"detail":{},"code":7}', "{}"]) {
      const error = await failure(status(502, {}, body));
      expect(error.message).toMatch(/answered 502$/);
      expect(error).toMatchObject({ name: "RefusedError", status: 502, code: "http-502" });
    }
    const long = await failure(problem(500, { detail: "x".repeat(5000) }));
    expect(long.message.length).toBeLessThan(500);
    const colours = await failure(problem(500, { detail: "\u001b[2Jgone" }));
    expect(colours.message).not.toContain("\u001b");
  });

  it("sends without end: the reading stops at 8 MiB", async () => {
    let pulled = 0;
    const piece = new Uint8Array(1024 * 1024);
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled++;
        controller.enqueue(piece);
      },
    });
    const error = await failure(() => new Response(endless));
    expect(error).toBeInstanceOf(MalformedError);
    expect(error.message).toContain(`${MAX_BUNDLE_BYTES} bytes`);
    expect(pulled).toBeLessThan(12);
  });

  it("breaks off in the middle", async () => {
    const error = await failure(() => streamed([utf8('{"format"')], new Error("socket hang up")));
    expect(error).toBeInstanceOf(UnreachableError);
    expect(error.message).toContain("broke off");
  });

  it("sends nothing, or something else than a bundle: the verifier refuses it", async () => {
    for (const body of ["", "<html>", "{}", "null"]) {
      const promise = fetchWith(fakeNetwork(status(200, {}, body)).fetch);
      await expect(promise).rejects.toBeInstanceOf(MalformedError);
    }
    const bodiless: Answer = () => new Response(null, { status: 200 });
    await expect(fetchWith(fakeNetwork(bodiless).fetch)).rejects.toBeInstanceOf(MalformedError);
  });

  it("sends a page of its own: what came is named, and space in front of a bundle is none of its faults", async () => {
    const failed = (body: BodyInit | null, headers: Record<string, string> = {}) =>
      failure(() => {
        const response = new Response(body, { status: 200, headers });
        if (headers["content-type"] === undefined) response.headers.delete("content-type");
        return response;
      });
    const page = await failed("<html>", { "content-type": "text/html; charset=utf-8" });
    expect(page).toBeInstanceOf(MalformedError);
    expect(page.message).toContain("answered text/html, not a policy bundle");
    expect((await failed("[]")).message).toContain("answered something else,");
    expect((await failed(null)).message).toContain("answered nothing,");
    for (const space of [" ", "\t", "\n", "\r", "\r\n \t"]) {
      const { fetch } = fakeNetwork(status(200, {}, `${space}{}`));
      const bytes = await fetchBundle({ url: URL_BASE, name: "production", fetch });
      expect(bytes).toEqual(utf8(`${space}{}`));
    }
  });

  it("never answers: the caller's signal ends the waiting, before and during the body", async () => {
    const waiting: Answer = ({ init }) =>
      new Promise((_, reject) => init?.signal?.addEventListener("abort", () => reject(new Error("aborted"))));
    expect(await failure(waiting, AbortSignal.timeout(10))).toBeInstanceOf(UnreachableError);
    const slowBody: Answer = ({ init }) =>
      new Response(
        new ReadableStream<Uint8Array>({
          start: (controller) =>
            init?.signal?.addEventListener("abort", () => controller.error(new Error("aborted"))),
        }),
      );
    expect((await failure(slowBody, AbortSignal.timeout(10))).message).toContain("broke off");
  });
});
