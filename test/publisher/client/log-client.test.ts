// Publishing over a bad network: patient with what will pass, and clear about what will not.
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { readAs } from "../../../src/protocol/encoding/shape.ts";
import { askLog, callLog, textOf } from "../../../src/publisher/client/log-client.ts";
import type { Answer } from "../../../src/verifier/fetch-answer.ts";
import { RefusedError, UnreachableError } from "../../../src/verifier/service-errors.ts";
import {
  type Answer as Answering,
  fakeNetwork,
  problem,
  status,
  streamed,
  unreachable,
} from "../../support/fake-fetch.ts";

async function call(...answers: Answering[]) {
  const { fetch, asked } = fakeNetwork(...answers);
  const pauses: number[] = [];
  const reasons: string[] = [];
  const client = {
    url: "https://log.example/",
    fetch,
    sleep: async (milliseconds: number) => void pauses.push(milliseconds),
    onRetry: (reason: string) => void reasons.push(reason),
  };
  const result = await callLog(client, "/v1/entries", { method: "POST", body: "{}" }).catch((e: Error) => e);
  return { result, asked, pauses, reasons };
}

const good = status(200, {}, "done");

describe("a request", () => {
  it("is sent as it is, below the base URL, and answered", async () => {
    const sent: unknown[] = [];
    const { result, asked, pauses } = await call(({ init }) => {
      sent.push(init);
      return new Response("done");
    });
    expect(textOf(result as Answer)).toBe("done");
    expect(asked).toEqual(["https://log.example/v1/entries"]);
    expect(sent).toMatchObject([{ method: "POST", body: "{}", redirect: "manual" }]);
    expect(pauses).toEqual([]);
  });

  it.each([
    ["a network error", unreachable, "https://log.example/v1/entries: connect ECONNREFUSED 127.0.0.1:8080"],
    [
      "202, where the quorum is late",
      status(202),
      "https://log.example/v1/entries: durable, waiting for cosignatures",
    ],
    ["429", status(429), "answered 429"],
    ["503, where the queue is full", status(503), "answered 503"],
    [
      "503, which says what is waited for",
      problem(503, { code: "quorum-lost", detail: "the quorum q has not cosigned; missing: w1" }),
      "the log refuses it (503 quorum-lost): the quorum q has not cosigned; missing: w1",
    ],
    ["502, of a proxy whose log restarts", status(502), "answered 502"],
    ["504, of a proxy that waited too long", status(504), "answered 504"],
  ])("is repeated after %s, until it is answered", async (_, bad, reason) => {
    const { result, asked, reasons } = await call(bad, bad, good);
    expect(result).toMatchObject({ status: 200 });
    expect(asked).toHaveLength(3);
    expect(reasons).toEqual([reason, reason]);
  });

  it("waits as long as Retry-After says, and half a minute at most", async () => {
    const later = (value: string) => status(503, { "retry-after": value });
    const { pauses } = await call(later("2"), later("0"), later("86400"), good);
    expect(pauses).toEqual([2000, 0, 30_000]);
  });

  it("waits twice as long each time where nothing is said, or something that is no number of seconds", async () => {
    const date = status(503, { "retry-after": "Mon, 23 Nov 2026 12:00:00 GMT" });
    const { pauses } = await call(unreachable, date, status(503), good);
    expect(pauses).toEqual([250, 500, 1000]);
  });

  it("is given up after eight attempts, and it is said that repeating is safe", async () => {
    const { result, asked } = await call(unreachable);
    expect(asked).toHaveLength(8);
    expect(result).toBeInstanceOf(UnreachableError);
    expect((result as Error).message).toContain("gave up after 8 attempts, repeating the command is safe");
  });

  it("that the log has refused eight times is refused, not unanswered", async () => {
    const { result, asked } = await call(problem(503, { code: "queue-full", detail: "too much is waiting" }));
    expect(asked).toHaveLength(8);
    expect(result).toBeInstanceOf(RefusedError);
    expect(result).toMatchObject({ status: 503, code: "queue-full" });
    expect((result as Error).message).toBe(
      "the log refuses it (503 queue-full): too much is waiting; gave up after 8 attempts, repeating the command is safe",
    );
  });

  it("that is durable and not cosigned after eight attempts has not been answered", async () => {
    const { result } = await call(status(202));
    expect(result).toBeInstanceOf(UnreachableError);
    expect((result as Error).message).toContain("durable, waiting for cosignatures");
  });

  it("is given up where nothing is known of the error", async () => {
    const odd: Answering = () => Promise.reject("no error object");
    expect((await call(odd)).result).toMatchObject({ message: expect.stringContaining("no answer") });
    const plain: Answering = () => Promise.reject(new Error("plain"));
    expect((await call(plain)).result).toMatchObject({ message: expect.stringContaining("plain") });
  });
});

describe("a log that moved", () => {
  it.each([301, 302, 303, 307, 308])("is named, and its POST does not become a GET: %i", async (code) => {
    const moved = status(code, { location: "https://new.example/" });
    const { result, asked } = await call(moved, good);
    expect(result).toMatchObject({ name: "RefusedError", status: code, code: "moved" });
    expect((result as Error).message).toContain("it moved to https://new.example/: use that address");
    expect(asked).toHaveLength(1);
  });
});

describe("a refusal", () => {
  it("is not repeated; its code and reason reach the caller", async () => {
    const answer = problem(409, { code: "identity-taken", title: "Taken", detail: "entry 7 has it" });
    const { result, asked } = await call(answer, good);
    expect(asked).toHaveLength(1);
    expect(result).toBeInstanceOf(RefusedError);
    expect(result).toMatchObject({ status: 409, code: "identity-taken" });
    expect((result as Error).message).toBe("the log refuses it (409 identity-taken): entry 7 has it");
  });

  it.each(["log-closed", "log-stopped"])(
    "of a log that says %s is final, though it comes with 503",
    async (code) => {
      const answer = problem(503, { code, detail: "publish to next.example" }, { "retry-after": "86400" });
      const { result, asked, pauses } = await call(answer, good);
      expect(result).toMatchObject({ code, message: expect.stringContaining("publish to next.example") });
      expect([asked.length, pauses]).toEqual([1, []]);
    },
  );

  it("may have only a title, or nothing but a code", async () => {
    expect((await call(problem(400, { code: "malformed", title: "Bad" }))).result).toMatchObject({
      message: "the log refuses it (400 malformed): Bad",
    });
    expect((await call(problem(400, { code: "malformed" }))).result).toMatchObject({ code: "malformed" });
  });

  it("that is no problem document is a refusal all the same: a proxy's, perhaps", async () => {
    for (const body of ["", "<html>502</html>", "[]", '{"detail":"x"}', "x".repeat(100_000)]) {
      const { result, asked } = await call(status(403, {}, body));
      expect(result).toBeInstanceOf(RefusedError);
      expect(result).toMatchObject({ status: 403, code: "http-403" });
      expect((result as Error).message).toBe("https://log.example/v1/entries: answered 403");
      expect(asked).toHaveLength(1);
    }
  });

  it("cannot move the cursor of a terminal", async () => {
    const { result } = await call(problem(400, { code: "\u001b[2J", detail: "\u001b]0;title\u0007" }));
    expect((result as Error).message).not.toMatch(/\p{Cc}/u);
  });
});

describe("an answer", () => {
  const ask = (answer: Answering) => {
    const { fetch } = fakeNetwork(answer);
    const client = { url: "https://log.example", fetch, sleep: async () => undefined };
    return askLog(client, "/v1/trust-root", (json) => readAs(z.object({ index: z.int() }), json, "entry"));
  };

  it("is read", async () => {
    expect(await ask(status(200, {}, '{"index":7,"more":1}'))).toEqual({ index: 7 });
  });

  it.each(["<html>", "", "{}", '{"index":"7"}'])("that is none is the log's fault: %s", async (body) => {
    await expect(ask(status(200, {}, body))).rejects.toMatchObject({
      name: "VerificationError",
      code: "answer",
      message: expect.stringContaining("/v1/trust-root: the log's answer is not one"),
    });
  });

  it("that breaks off is none", async () => {
    const torn: Answering = () => streamed([new TextEncoder().encode('{"ind')], new Error("socket hang up"));
    await expect(ask(torn)).rejects.toThrow(UnreachableError);
    await expect(ask(torn)).rejects.toThrow(
      "https://log.example/v1/trust-root: the answer broke off: socket hang up",
    );
  });
});
