// A fetch whose requests only an appraised machine can read: nothing is sent before the verdict, nothing but its own replies is believed, and
// a reply that was cut is an error.
import { beforeEach, describe, expect, test } from "vitest";
import { concatBytes } from "../../src/protocol/encoding/bytes.ts";
import { decodeUtf8, utf8 } from "../../src/protocol/encoding/text.ts";
import { createSealedFetch, GateError, type SealedFetchOptions } from "../../src/sealed/index.ts";
import { encodeKeyConfigurations } from "../../src/sealed/oblivious-http/key-configuration.ts";
import { SUITE } from "../../src/sealed/oblivious-http/suite.ts";
import type { MachineOptions } from "../../src/testing/index.ts";
import { createMemoryStore } from "../../src/verifier/index.ts";
import { LOG, MACHINE, SealedMachine, streaming } from "../support/sealed-machine.ts";

const GATEWAY = "/.well-known/ohttp-gateway";
const POSTS = `POST ${GATEWAY}`;
const EVIDENCE = "GET /.well-known/touchstone/evidence";
const POLICY = "GET /v1/policies/production";
const SECRET = "Am I ill?";
const ASK = {
  method: "POST",
  body: SECRET,
  headers: { authorization: "Bearer secret-key", "x-custom": "1" },
};

let machine: SealedMachine;
beforeEach(async () => {
  machine = await SealedMachine.start();
});

function sealed(change: Partial<SealedFetchOptions> = {}): typeof fetch {
  const { world, good } = machine;
  return createSealedFetch({
    to: MACHINE,
    log: LOG,
    policy: "production",
    pin: world.pin,
    store: createMemoryStore(),
    fetch: machine.fetch,
    now: () => machine.now,
    roots: good.roots,
    ...change,
  });
}

const ask = (fetch = sealed()) => fetch(`${MACHINE}/v1/chat?x=1`, ASK);

async function refusal(work: Promise<unknown>): Promise<GateError> {
  const error = await work.then(
    () => null,
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(GateError);
  return error as GateError;
}

/** What the machine answers to a request, with something done to the body. */
function changeReplies(
  change: (body: Uint8Array) => BodyInit | null,
  headers: Record<string, string> = {},
): void {
  machine.between = async (request, forward) => {
    const response = await forward();
    if (request.method !== "POST") return response;
    const body = change(new Uint8Array(await response.arrayBuffer()));
    return new Response(body, {
      status: response.status,
      headers: { ...Object.fromEntries(response.headers), ...headers },
    });
  };
}

function byteByByte(body: Uint8Array): ReadableStream {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at < body.length) controller.enqueue(body.slice(at, ++at));
      else controller.close();
    },
  });
}

describe("a request", () => {
  test("reaches a good machine whole, and nothing of it is on the network", async () => {
    const seen: Uint8Array[] = [];
    machine.between = async (request, forward) => {
      seen.push(
        utf8(`${request.url} ${JSON.stringify([...request.headers])}`),
        new Uint8Array(await request.clone().arrayBuffer()),
      );
      return forward();
    };
    const reply = await ask();
    expect(reply.status).toBe(200);
    expect(reply.headers.get("content-type")).toBe("text/event-stream");
    expect(await reply.text()).toBe("data: one\n\ndata: two\n\n");
    const [served] = machine.served;
    expect(served).toMatchObject({
      method: "POST",
      authority: "llm.example",
      path: "/v1/chat?x=1",
      content: utf8(SECRET),
    });
    expect(served?.fields).toContainEqual(["authorization", "Bearer secret-key"]);
    expect(served?.fields).toContainEqual(["date", machine.now.toUTCString()]);
    const network = new TextDecoder("latin1").decode(concatBytes(...seen));
    for (const word of [SECRET, "Bearer", "/v1/chat", "x-custom"]) expect(network).not.toContain(word);
  });

  test("asks for policy, keys and evidence once, for all that wait", async () => {
    const fetch = sealed();
    const replies = await Promise.all(Array.from({ length: 20 }, () => ask(fetch)));
    expect(replies.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect([machine.count(POLICY), machine.count(EVIDENCE), machine.count(POSTS)]).toEqual([1, 1, 20]);
  });

  test("takes a URL, a Request and a stream, and an answer without content", async () => {
    const fetch = sealed();
    machine.answering = async () => ({ ...streaming(), status: 204 });
    expect((await fetch(new URL(`${MACHINE}/a`))).status).toBe(204);
    expect((await fetch(new Request(`${MACHINE}/b`, { method: "DELETE" }))).body).toBeNull();
    const body = new Blob(["from a ", "stream"]).stream();
    await fetch(`${MACHINE}/c`, { method: "PUT", body, duplex: "half" } as RequestInit);
    expect(machine.served.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "GET /a",
      "DELETE /b",
      "PUT /c",
    ]);
    expect(decodeUtf8(machine.served[2]!.content)).toBe("from a stream");
  });

  test("of 8 MiB is sent, and one of more than 16 is not", async () => {
    const fetch = sealed();
    await (await fetch(MACHINE, { method: "POST", body: new Uint8Array(8 << 20) })).text();
    expect(machine.served[0]?.content.length).toBe(8 << 20);
    const error = await refusal(fetch(MACHINE, { method: "POST", body: new Uint8Array((16 << 20) + 1) }));
    expect(error.sent).toBe(false);
    expect(machine.count(POSTS)).toBe(1);
  });

  test("follows no redirect, whoever answers with one", async () => {
    const headers = [["location", "http://evil.example/"]] as const;
    machine.answering = async () => ({ ...streaming(), status: 307, fields: headers });
    expect((await ask()).status).toBe(307);
    expect(new Set(machine.asked)).toEqual(new Set([POLICY, EVIDENCE, POSTS, `GET ${GATEWAY}`]));
  });
});

describe("nothing is sent", () => {
  async function expectNothingSent(code: string, fetch = sealed()): Promise<GateError> {
    let read = false;
    const body = new ReadableStream(
      {
        pull: () => {
          read = true;
        },
      },
      { highWaterMark: 0 },
    );
    const init = { ...ASK, body, duplex: "half" } as RequestInit;
    const error = await refusal(fetch(`${MACHINE}/v1/chat`, init));
    expect(error).toMatchObject({ code, sent: false });
    expect(read).toBe(false);
    expect(machine.count(POSTS)).toBe(0);
    return error;
  }

  test.each<[string, Partial<MachineOptions>, string]>([
    ["another image", { tdx: { body: { rtmr1: new Uint8Array(48) } } }, "tuple.rtmr1"],
    ["a GPU that is not in confidential mode", { claims: { ccMode: "off" } }, "gpu.cc-mode"],
    ["evidence of another nonce", { nonce: new Uint8Array(32) }, "binding.report-data"],
  ])("to a machine with %s", async (_, shown, code) => {
    machine.shown = shown;
    const { verdict } = await expectNothingSent(code);
    expect(verdict?.verdict).toBe("rejected");
  });

  test("where somebody between shows keys of his own with the machine's evidence", async () => {
    const publicKey = await SUITE.SerializePublicKey((await SUITE.GenerateKeyPair()).publicKey);
    const [current] = machine.keys.published;
    machine.between = async (request, forward) => {
      const { pathname, searchParams } = new URL(request.url);
      if (pathname === GATEWAY)
        return new Response(encodeKeyConfigurations([{ id: 0, publicKey }]).slice(), {
          headers: { "content-type": "application/ohttp-keys" },
        });
      const nonce = searchParams.get("nonce");
      if (nonce === null || current === undefined) return forward();
      return new Response(
        (await machine.evidence(Uint8Array.from(Buffer.from(nonce, "hex")), current.publicKey)).slice(),
      );
    };
    const { message } = await expectNothingSent("binding.report-data");
    expect(message).toContain("evidence of another key");
  });

  test.each<[string, string, () => Response, string]>([
    ["503 in place of evidence", EVIDENCE, () => new Response("", { status: 503 }), "evidence.unavailable"],
    ["204 in place of evidence", EVIDENCE, () => new Response(null, { status: 204 }), "evidence.unavailable"],
    ["an empty object as evidence", EVIDENCE, () => new Response("{}"), "evidence.format"],
    [
      "more than 4 MiB of evidence",
      EVIDENCE,
      () => new Response(new Uint8Array((4 << 20) + 1)),
      "evidence.format",
    ],
    [
      "keys that are none",
      `GET ${GATEWAY}`,
      () => new Response("<html>", { headers: { "content-type": "application/ohttp-keys" } }),
      "keys",
    ],
    [
      "no keys",
      `GET ${GATEWAY}`,
      () => new Response("", { headers: { "content-type": "application/ohttp-keys" } }),
      "keys",
    ],
    [
      "a page in place of keys",
      `GET ${GATEWAY}`,
      () => new Response("<html>", { headers: { "content-type": "text/html" } }),
      "keys",
    ],
    ["a page in place of the policy", POLICY, () => new Response("<html>"), "bundle"],
    ["a policy that is not acceptable", POLICY, () => new Response("{}", { status: 409 }), "bundle"],
    ["a log that is broken", POLICY, () => new Response("", { status: 502 }), "unreachable"],
  ])("with %s", async (_, asked, answer, code) => {
    machine.between = async (request, forward) =>
      `${request.method} ${new URL(request.url).pathname}` === asked ? answer() : forward();
    await expectNothingSent(code);
  });

  test("where nobody answers", async () => {
    machine.between = async () => {
      throw new TypeError("fetch failed");
    };
    await expectNothingSent("unreachable");
  });

  test("to another origin, or by http", async () => {
    const fetch = sealed();
    for (const url of [
      "https://evil.example/",
      `${MACHINE}:8443/`,
      "http://llm.example/",
      "http://127.0.0.1/",
    ])
      expect(await refusal(fetch(url))).toMatchObject({ code: "origin", sent: false });
    expect(machine.asked).toEqual([]);
    for (const to of ["http://llm.example", `${MACHINE}/v1`, "ftp://llm.example"])
      expect(() => sealed({ to })).toThrow(TypeError);
    expect(() => sealed({ to: "http://127.0.0.1:8080" })).not.toThrow();
  });

  test("once more within five seconds of a refusal, and then it asks again", async () => {
    machine.shown = { claims: { ccMode: "off" } };
    const fetch = sealed();
    await refusal(ask(fetch));
    const errors = await Promise.all(Array.from({ length: 10 }, () => refusal(ask(fetch))));
    expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(["gpu.cc-mode"]));
    expect(machine.count(EVIDENCE)).toBe(1);
    machine.shown = {};
    machine.now = new Date(machine.now.getTime() + 5000);
    expect((await ask(fetch)).status).toBe(200);
  });
});

describe("a reply", () => {
  test("that was cut is an error wherever the cut is, never a shorter answer", async () => {
    machine.answering = async () => streaming("The dose is 10 mg. ", "Never more.");
    const fetch = sealed();
    let length = Number.POSITIVE_INFINITY;
    let whole = 0;
    changeReplies((body) => {
      whole = body.length;
      return body.slice(0, length);
    });
    expect(await (await ask(fetch)).text()).toBe("The dose is 10 mg. Never more.");
    for (length = 0; length < whole; length++) {
      const error = await refusal(ask(fetch).then((reply) => reply.text()));
      expect(error, `${length}`).toMatchObject({ code: "reply.broken", sent: true });
    }
  });

  test("in pieces of one byte is whole, and each token is there before the next one is sent", async () => {
    changeReplies((body) => byteByByte(body));
    expect(await (await ask()).text()).toBe("data: one\n\ndata: two\n\n");

    machine.between = (_, forward) => forward();
    let release: () => void = () => undefined;
    const waiting = new Promise<void>((resolve) => {
      release = resolve;
    });
    machine.answering = async () => ({
      ...streaming(),
      content: (async function* () {
        yield utf8("one");
        await waiting;
        yield utf8("two");
      })(),
    });
    const reader = (await ask()).body!.getReader();
    expect(decodeUtf8((await reader.read()).value!)).toBe("one");
    release();
    expect(decodeUtf8((await reader.read()).value!)).toBe("two");
    expect((await reader.read()).done).toBe(true);
  });

  test("that is not sealed is never taken for the machine's", async () => {
    const fetch = sealed();
    changeReplies(() => "I am your doctor.", { "content-type": "text/event-stream" });
    expect(await refusal(ask(fetch))).toMatchObject({ code: "reply.plain", sent: true });
    changeReplies(() => "I am your doctor.");
    expect(await refusal(ask(sealed()))).toMatchObject({ code: "reply.broken", sent: true });
    changeReplies((body) => body.slice(), { "content-type": "message/ohttp-res" });
    expect(await refusal(ask(sealed()))).toMatchObject({ code: "reply.plain", sent: true });
  });

  test("with something changed in it is an error", async () => {
    const fetch = sealed();
    changeReplies((body) => body.map((byte, i) => (i === body.length - 20 ? byte ^ 1 : byte)));
    expect(await refusal(ask(fetch).then((reply) => reply.text()))).toMatchObject({ code: "reply.broken" });
    changeReplies((body) => concatBytes(body, utf8("and one more thing")).slice());
    expect(await refusal(ask(fetch).then((reply) => reply.text()))).toMatchObject({ code: "reply.broken" });
  });

  test("of a service that breaks off is an error", async () => {
    machine.answering = async () => ({
      ...streaming(),
      content: (async function* () {
        yield utf8("The dose is 10 mg. ");
        throw new Error("out of memory");
      })(),
    });
    const reply = await ask();
    const error = await refusal(reply.text());
    expect(error).toMatchObject({ code: "reply.broken", sent: true });
  });

  test("that nobody waits for any more is not made any more", async () => {
    let stopped = false;
    machine.answering = async (_, signal) => {
      signal.addEventListener("abort", () => {
        stopped = true;
      });
      return {
        ...streaming(),
        content: (async function* () {
          for (;;) yield utf8("on and on");
        })(),
      };
    };
    const abort = new AbortController();
    const fetch = sealed();
    const reply = await fetch(MACHINE, { signal: abort.signal });
    const reader = reply.body!.getReader();
    await reader.read();
    await reader.cancel();
    await expect.poll(() => stopped).toBe(true);
    expect(machine.gateway.underWay).toBe(0);

    const other = await fetch(MACHINE, { signal: abort.signal });
    abort.abort();
    await expect(other.text()).rejects.toMatchObject({ name: "AbortError" });
    await expect(fetch(MACHINE, { signal: abort.signal })).rejects.toMatchObject({ name: "AbortError" });
  });
});

describe("a verdict", () => {
  const later = (ms: number) => {
    machine.now = new Date(machine.now.getTime() + ms);
  };

  test("is told, and counts for as long as it may", async () => {
    const told: string[] = [];
    const fetch = sealed({ onVerdict: ({ verdict }) => told.push(verdict), maxVerdictAge: 90_000 });
    await ask(fetch);
    later(50_000);
    await ask(fetch);
    expect([told, machine.count(EVIDENCE)]).toEqual([["trusted"], 1]);
    later(40_000);
    await ask(fetch);
    expect(machine.count(EVIDENCE)).toBe(2);
    // Nobody knows how old it is where the clock was turned back.
    later(-60_000);
    await ask(fetch);
    expect(machine.count(EVIDENCE)).toBe(3);
  });

  test("outlives a log that cannot be reached, and not one that says no", async () => {
    const fetch = sealed();
    await ask(fetch);
    let answer = () => new Response("{}", { status: 503 });
    machine.between = async (request, forward) => (request.url.startsWith(LOG) ? answer() : forward());
    later(61_000);
    expect((await ask(fetch)).status).toBe(200);
    expect(machine.count(POLICY)).toBe(2);
    answer = () =>
      Response.json(
        { code: "not-found" },
        { status: 404, headers: { "content-type": "application/problem+json" } },
      );
    later(61_000);
    expect(await refusal(ask(fetch))).toMatchObject({ sent: false });
    expect(machine.served.length).toBe(2);
  });

  test("ends with the status that it rests on, however young the evidence is", async () => {
    const fetch = sealed({ maxVerdictAge: 30 * 86_400_000 });
    await ask(fetch);
    machine.between = async (request, forward) =>
      request.url.startsWith(LOG) ? new Response("", { status: 503 }) : forward();
    const { expires } = machine.world.verified.status;
    machine.now = new Date(Date.parse(expires) - 1000);
    machine.shown = { at: machine.now };
    expect((await ask(fetch)).status).toBe(200);
    later(1000);
    expect(await refusal(ask(fetch))).toMatchObject({ sent: false });
    expect(machine.served.length).toBe(2);
  });

  test.each<[string, () => unknown]>([
    ["a bundle that revokes", () => machine.revokeImage()],
    [
      "the service's word that there is no bundle any more",
      () => {
        machine.bundleRefused = true;
      },
    ],
  ])("ends with %s: the next request is refused, and a reply in flight is cut", async (_, revoke) => {
    const statusMaxAge = 30;
    const fetch = sealed({ statusMaxAge });
    let cut = false;
    machine.answering = async (_, signal) => {
      signal.addEventListener("abort", () => {
        cut = true;
      });
      return {
        ...streaming(),
        content: (async function* () {
          yield utf8("one");
          await new Promise(() => undefined);
        })(),
      };
    };
    const reader = (await ask(fetch)).body!.getReader();
    expect(decodeUtf8((await reader.read()).value!)).toBe("one");

    await revoke();
    machine.now = new Date(machine.now.getTime() + 1000);

    await expect(reader.read()).rejects.toMatchObject({ code: "revoked", sent: true });
    await expect.poll(() => cut).toBe(true);
    expect(await refusal(ask(fetch))).toMatchObject({ sent: false });
    expect(machine.served.length).toBe(1);
  });
});

describe("a request that takes its time", () => {
  test("is not sent by a verdict that ended while its body was read", async () => {
    const fetch = sealed();
    const body = new ReadableStream(
      {
        pull(controller) {
          machine.now = new Date(machine.now.getTime() + 601_000);
          machine.shown = { ...machine.shown, claims: { ccMode: "off" } };
          controller.enqueue(utf8(SECRET));
          controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    const sending = fetch(MACHINE, { method: "POST", body, duplex: "half" } as RequestInit);
    expect(await refusal(sending)).toMatchObject({ code: "gpu.cc-mode", sent: false });
    expect(machine.count(POSTS)).toBe(0);
  });

  test("ends at once when its caller goes, wherever it is", async () => {
    for (const stuck of [POLICY, `GET ${GATEWAY}`, EVIDENCE, POSTS]) {
      machine.between = async (request, forward) =>
        `${request.method} ${new URL(request.url).pathname}` === stuck
          ? new Promise(() => undefined)
          : forward();
      const abort = new AbortController();
      const sending = sealed()(MACHINE, { signal: abort.signal });
      await expect.poll(() => machine.asked.at(-1)).toBeDefined();
      abort.abort();
      await expect(sending, stuck).rejects.toMatchObject({ name: "AbortError" });
    }
  });
});

describe("a key that was replaced", () => {
  test("is let go of when the machine says so, and the request goes to the new one, once", async () => {
    const fetch = sealed();
    await ask(fetch);
    await machine.restart();
    expect((await ask(fetch)).status).toBe(200);
    expect([machine.count(EVIDENCE), machine.count(POSTS), machine.served.length]).toEqual([2, 3, 2]);
  });

  test("is let go of whatever somebody between makes of the machine's word", async () => {
    const fetch = sealed();
    await ask(fetch);
    await machine.restart();
    machine.between = async (_, forward) => {
      const response = await forward();
      return response.status === 400 ? new Response('{"error":"upstream"}', { status: 502 }) : response;
    };
    expect((await ask(fetch)).status).toBe(200);
    expect(machine.count(EVIDENCE)).toBe(2);
  });

  test("is not looked for on and on", async () => {
    const fetch = sealed();
    await ask(fetch);
    machine.between = async (request, forward) =>
      request.method === "POST" ? new Response("", { status: 502 }) : forward();
    expect(await refusal(ask(fetch))).toMatchObject({ code: "reply.plain", sent: true });
    expect(machine.count(POSTS)).toBe(3);
    // The key is new then, and nothing says that it does not open.
    expect(await refusal(ask(fetch))).toMatchObject({ code: "reply.plain" });
    expect(machine.count(POSTS)).toBe(4);
  });

  test("is not sealed to when its replacement is of a bad machine", async () => {
    const fetch = sealed();
    await ask(fetch);
    await machine.restart();
    machine.shown = { claims: { ccMode: "off" } };
    expect(await refusal(ask(fetch))).toMatchObject({ code: "gpu.cc-mode" });
    expect(machine.served.length).toBe(1);
  });
});
