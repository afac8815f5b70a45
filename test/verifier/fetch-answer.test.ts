// Every request has a deadline: a server that is silent, or drips, holds nobody up.
import { describe, expect, it } from "vitest";
import { type AskOptions, fetchAnswer } from "../../src/verifier/fetch-answer.ts";
import { RefusedError, UnreachableError } from "../../src/verifier/service-errors.ts";
import { type Answer, fakeNetwork, status, unreachable } from "../support/fake-fetch.ts";

const URL_ASKED = "https://log.example/v1/policies/prod";

function ask(answer: Answer, change: Partial<AskOptions> = {}) {
  const tooLong = () => new Error("longer than any");
  return fetchAnswer(URL_ASKED, { fetch: fakeNetwork(answer).fetch, limit: 100, tooLong, ...change }).catch(
    (error: Error) => error,
  );
}

/** A body that sends a byte every few milliseconds, for ever. */
function dripping(): Response {
  let timer: ReturnType<typeof setInterval>;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      timer = setInterval(() => controller.enqueue(Uint8Array.of(46)), 5);
    },
    cancel: () => clearInterval(timer),
  });
  return new Response(body);
}

const silent: Answer = () => new Promise<Response>(() => undefined);
const stopped: Answer = () => new Response(new ReadableStream<Uint8Array>({}));

describe("a server that holds on", () => {
  it("without any answer is given up", async () => {
    const error = await ask(silent, { deadline: { wholeMs: 20, idleMs: 10 } });
    expect(error).toBeInstanceOf(UnreachableError);
    expect(error).toMatchObject({ message: `${URL_ASKED}: no whole answer within 20 ms` });
  });

  it("by dripping bytes is given up: each piece is in time, the whole is not", async () => {
    const error = await ask(() => dripping(), { deadline: { wholeMs: 60, idleMs: 50 }, limit: 1_000_000 });
    expect(error).toMatchObject({ message: `${URL_ASKED}: no whole answer within 60 ms` });
  });

  it("after its header is given up earlier", async () => {
    const error = await ask(stopped, { deadline: { wholeMs: 10_000, idleMs: 20 } });
    expect(error).toMatchObject({
      message: `${URL_ASKED}: the answer stopped: nothing more came within 20 ms`,
    });
  });

  it("is told by its signal, so that the connection ends", async () => {
    const signals: AbortSignal[] = [];
    await ask(
      ({ init }) => {
        signals.push(init!.signal!);
        return silent({ url: "", init });
      },
      { deadline: { wholeMs: 20, idleMs: 10 } },
    );
    expect(signals[0]?.aborted).toBe(true);
  });

  it("gets more time for what is uploaded to it", async () => {
    const init = { method: "POST", body: "x".repeat(64 * 30) };
    const error = await ask(silent, { init, deadline: { wholeMs: 20, idleMs: 10 } });
    expect(error).toMatchObject({ message: expect.stringContaining("within 50 ms") });
  });
});

describe("what is asked", () => {
  it("is refused, unshown, when its URL has a password in it", async () => {
    const { fetch, asked } = fakeNetwork(status(200));
    const promise = fetchAnswer("https://user:hunter2@log.example/", {
      fetch,
      limit: 1,
      tooLong: () => new Error(),
    });
    await expect(promise).rejects.toThrow("the URL of log.example has a user name or a password in it");
    await expect(promise).rejects.not.toThrow("hunter2");
    expect(asked).toEqual([]);
  });

  it("may be a path of the page's own server", async () => {
    const { fetch, asked } = fakeNetwork(status(200));
    await fetchAnswer("/v1/policies/prod", { fetch, limit: 1, tooLong: () => new Error() });
    expect(asked).toEqual(["/v1/policies/prod"]);
  });

  it("with a GET may be elsewhere; with anything else the new address is named", async () => {
    const seen: unknown[] = [];
    const answer: Answer = ({ init }) => {
      seen.push(init?.redirect);
      return init?.method === "POST"
        ? new Response(null, { status: 301, headers: { location: "https://new.example/" } })
        : new Response("there");
    };
    expect(await ask(answer)).toMatchObject({ status: 200 });
    const error = await ask(answer, { init: { method: "POST" } });
    expect(error).toBeInstanceOf(RefusedError);
    expect(error).toMatchObject({ status: 301, code: "moved" });
    expect(seen).toEqual(["follow", "manual"]);
  });

  it("in a browser, which does not show where to, is refused all the same", async () => {
    const opaque = Object.defineProperty(Response.error(), "type", { value: "opaqueredirect" });
    expect(await ask(() => opaque, { init: { method: "POST" } })).toMatchObject({
      message: expect.stringContaining("it moved to elsewhere"),
    });
  });

  it("is answered with the cause, where nobody answers", async () => {
    expect(await ask(unreachable)).toMatchObject({
      message: `${URL_ASKED}: connect ECONNREFUSED 127.0.0.1:8080`,
    });
    const both = new AggregateError([new Error("connect ECONNREFUSED ::1:1"), new Error("and 127.0.0.1:1")]);
    const refused: Answer = () => Promise.reject(new TypeError("fetch failed", { cause: both }));
    expect(await ask(refused)).toMatchObject({
      message: `${URL_ASKED}: connect ECONNREFUSED ::1:1; and 127.0.0.1:1`,
    });
  });

  it("is answered by more than is wanted: the caller's own error", async () => {
    expect(await ask(status(200, {}, "x".repeat(101)))).toMatchObject({ message: "longer than any" });
  });
});
