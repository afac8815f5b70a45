// A witness asked over HTTP: a small strict one (C2SP tlog-witness) stands behind the fetch that is passed in.
import { describe, expect, it } from "vitest";
import type { CosignRequest } from "../../../src/log/checkpointing/cosigner.ts";
import { HttpWitness } from "../../../src/log/checkpointing/http-witness.ts";
import { decodeBase64 } from "../../../src/protocol/encoding/base64.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { proveConsistency, verifyConsistency } from "../../../src/protocol/merkle/consistency.ts";
import { parseCheckpoint } from "../../../src/protocol/note/checkpoint.ts";
import { createCosigner } from "../../../src/protocol/note/cosignature.ts";
import { formatSignatureLine, parseNote } from "../../../src/protocol/note/signed-note.ts";
import { NOW } from "../../support/clock.ts";
import { logKey, signedCheckpoint, witnessKey } from "../../support/notes.ts";
import { makeTree } from "../../support/tree.ts";

const ORIGIN = "log.example";
const tree = makeTree(40);

async function requestFor(size: number): Promise<CosignRequest> {
  const checkpoint = { origin: ORIGIN, size, root: tree.roots[size]! };
  return {
    checkpoint,
    note: await signedCheckpoint(checkpoint, await logKey(ORIGIN)),
    consistencyFrom: async (from) => proveConsistency(from, size, tree.readNode),
  };
}

/** A witness that has seen `seen` entries, and checks what it is sent. */
async function witness(seen: number) {
  const state = { seen, requests: 0 };
  const signer = createCosigner(await witnessKey("w.example"), () => NOW);
  const answer = async (_url: unknown, init?: RequestInit): Promise<Response> => {
    state.requests++;
    const [head = "", ...rest] = String(init?.body).split("\n\n");
    const [old = "", ...proof] = head.split("\n");
    const note = parseNote(rest.join("\n\n"));
    const { size, root } = parseCheckpoint(note.text);
    if (Number(old.slice(4)) !== state.seen) return new Response(`${state.seen}\n`, { status: 409 });
    if (state.seen > 0) {
      verifyConsistency({
        fromSize: state.seen,
        fromRoot: tree.roots[state.seen]!,
        toSize: size,
        toRoot: root,
        proof: proof.map(decodeBase64),
      });
    }
    state.seen = size;
    const { name, keyId } = signer;
    return new Response(formatSignatureLine({ name, keyId, signature: await signer.sign(utf8(note.text)) }));
  };
  return { state, fetch: answer as typeof fetch };
}

const open = (fetch: typeof globalThis.fetch) =>
  new HttpWitness({ name: "w", url: "http://127.0.0.1:1/prefix/", fetch });
const signal = () => AbortSignal.timeout(5000);

describe("an HTTP witness", () => {
  it("is asked from nothing, then from what it cosigned last, and again for the same size", async () => {
    const { state, fetch } = await witness(0);
    const cosigner = open(fetch);
    for (const size of [5, 17, 17, 40]) {
      const lines = await cosigner.gather(await requestFor(size), signal());
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatch(/^— w\.example /);
    }
    expect(state).toEqual({ seen: 40, requests: 4 });
  });

  it("tells us what it saw when we do not know, and gets the proof from there", async () => {
    const { state, fetch } = await witness(9);
    expect(await open(fetch).gather(await requestFor(30), signal())).toHaveLength(1);
    expect(state).toEqual({ seen: 30, requests: 2 });
  });

  it("gives nothing when it claims to have seen more than the log has", async () => {
    const { fetch } = await witness(39);
    await expect(open(fetch).gather(await requestFor(30), signal())).rejects.toThrow(
      /claims to have seen size 39/,
    );
  });

  it.each([
    ["refuses the log", () => new Response("unknown origin", { status: 404 })],
    ["answers without end", () => new Response("x".repeat(70_000))],
    ["answers a conflict that is no size", () => new Response("lots\n", { status: 409 })],
    [
      "changes its mind about what it saw",
      () => new Response(`${Math.ceil(Math.random() * 20)}\n`, { status: 409 }),
    ],
  ])("gives nothing when it %s", async (_what, answer) => {
    await expect(
      open((async () => answer()) as typeof fetch).gather(await requestFor(30), signal()),
    ).rejects.toThrow();
  });

  it("is asked one thing at a time, and of what waited meanwhile only the last", async () => {
    let release: (() => void) | undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { state, fetch } = await witness(0);
    const running = { now: 0, most: 0 };
    const cosigner = open((async (...call: Parameters<typeof fetch>) => {
      running.most = Math.max(running.most, ++running.now);
      await held;
      const answer = await fetch(...call);
      running.now--;
      return answer;
    }) as typeof globalThis.fetch);
    const first = cosigner.gather(await requestFor(5), signal());
    const overtaken = cosigner.gather(await requestFor(6), signal());
    const last = cosigner.gather(await requestFor(7), signal());
    release?.();
    expect([await first, await overtaken, await last].map(({ length }) => length)).toEqual([1, 0, 1]);
    expect(state).toEqual({ seen: 7, requests: 2 });
    expect(running.most).toBe(1);
  });

  it("blinds the log to it by no size that it made up: it is asked from nothing again", async () => {
    const { state, fetch } = await witness(0);
    const lies = [() => new Response("39\n", { status: 409 }), () => new Response("lots\n", { status: 409 })];
    for (const lie of lies) {
      let isLying = true;
      const cosigner = open(((...call: Parameters<typeof fetch>) =>
        isLying ? Promise.resolve(lie()) : fetch(...call)) as typeof globalThis.fetch);
      await expect(cosigner.gather(await requestFor(30), signal())).rejects.toThrow();
      isLying = false;
      expect(await cosigner.gather(await requestFor(30), signal())).toHaveLength(1);
    }
    expect(state.seen).toBe(30);
  });

  it("is asked from nothing again after it forgot what it saw, and after a proof that it refused", async () => {
    const { state, fetch } = await witness(0);
    let isRefusing = false;
    const cosigner = open(((...call: Parameters<typeof fetch>) =>
      isRefusing
        ? Promise.resolve(new Response("bad proof", { status: 422 }))
        : fetch(...call)) as typeof globalThis.fetch);
    expect(await cosigner.gather(await requestFor(20), signal())).toHaveLength(1);
    state.seen = 0;
    expect(await cosigner.gather(await requestFor(21), signal())).toHaveLength(1);
    isRefusing = true;
    await expect(cosigner.gather(await requestFor(22), signal())).rejects.toThrow();
    isRefusing = false;
    state.seen = 9;
    expect(await cosigner.gather(await requestFor(23), signal())).toHaveLength(1);
  });

  const refusal = async (status: number, body: string, headers: Record<string, string> = {}) => {
    const answer = new Response(body, { status, headers });
    const refused = open((async () => answer) as typeof fetch).gather(await requestFor(30), signal());
    return refused.then(
      () => "",
      (error: Error) => error.message,
    );
  };

  it.each([
    [
      404,
      "unknown origin",
      /answered 404: it does not know the log's origin.*ask its operator.*"unknown origin"$/,
    ],
    [422, "proof failed", /answered 422: it saw another tree.*"proof failed"$/],
    [403, "no signature", /answered 403: it knows the origin, but no key.*"no signature"$/],
    [400, "old size", /answered 400: it cannot read the request.*"old size"$/],
    [409, "0\n", /answered 409: it saw another tree of this size.*"0"$/],
    [502, "bad gateway", /answered 502: "bad gateway"$/],
    [500, "", /answered 500$/],
  ])("says what its answer %i means, and keeps its words", async (status, body, message) => {
    expect(await refusal(status, body)).toMatch(message);
  });

  it("is not followed to where it moved, and its words fit a terminal", async () => {
    const moved = await refusal(301, "", { location: "https://elsewhere.example/" });
    expect(moved).toMatch(/answered 301: it moved to https:\/\/elsewhere\.example\/; configure that URL$/);
    const hostile = await refusal(404, `\u001b[2J\u202e${"x".repeat(60_000)}`);
    expect(hostile).not.toMatch(/\p{Control}|\p{Bidi_Control}/u);
    expect(hostile.length).toBeLessThan(600);
  });
});

describe("what is sent to an HTTP witness", () => {
  /** Answers in turn, and keeps what was asked. */
  function scripted(...answers: readonly Response[]) {
    const asked: Array<{ url: string; init: RequestInit }> = [];
    const fetch = (async (url: unknown, init: RequestInit) => {
      asked.push({ url: String(url), init });
      return answers[asked.length - 1]!;
    }) as unknown as typeof globalThis.fetch;
    return { asked, fetch, bodies: () => asked.map(({ init }) => String(init.body)) };
  }
  const conflict = (size: number | string) => new Response(`${size}\n`, { status: 409 });
  const proofLines = (from: number, size: number) =>
    proveConsistency(from, size, tree.readNode)
      .map((hash) => `${Buffer.from(hash).toString("base64")}\n`)
      .join("");

  it.each(["https://w.example/p", "https://w.example/p/", "https://w.example/p///"])(
    "goes to add-checkpoint below %s, by POST, with the signal, and follows nowhere",
    async (url) => {
      const { asked, fetch } = scripted(new Response("x\n"));
      const until = signal();
      await new HttpWitness({ name: "w", url, fetch }).gather(await requestFor(3), until);
      expect(asked).toMatchObject([
        { url: "https://w.example/p/add-checkpoint", init: { method: "POST", redirect: "manual" } },
      ]);
      expect(asked[0]?.init.signal).toBe(until);
    },
  );

  it("is the size that it saw, the proof from there, an empty line and the checkpoint", async () => {
    const { bodies, fetch } = scripted(new Response("x\n"), new Response("x\n"));
    const cosigner = open(fetch);
    const [first, second] = [await requestFor(5), await requestFor(17)];
    await cosigner.gather(first, signal());
    await cosigner.gather(second, signal());
    expect(bodies()).toEqual([`old 0\n\n${first.note}`, `old 5\n${proofLines(5, 17)}\n${second.note}`]);
  });

  it("begins at the size that it says, also that of the checkpoint itself", async () => {
    const { bodies, fetch } = scripted(conflict(30), new Response("x\n"));
    const request = await requestFor(30);
    expect(await open(fetch).gather(request, signal())).toEqual(["x\n"]);
    expect(bodies()[1]).toBe(`old 30\n\n${request.note}`);
  });

  it("is sent twice and no more to a witness that names another size each time, then from nothing", async () => {
    const { bodies, fetch } = scripted(conflict(9), conflict(10), new Response("x\n"));
    const cosigner = open(fetch);
    await expect(cosigner.gather(await requestFor(30), signal())).rejects.toThrow(
      "witness w: it says of two sizes in turn that it saw them last",
    );
    await cosigner.gather(await requestFor(30), signal());
    expect(bodies().map((body) => body.split("\n")[0])).toEqual(["old 0", "old 9", "old 0"]);
  });

  it("is not sent again where it names the size that was sent", async () => {
    const { asked, fetch } = scripted(conflict(0), conflict(0));
    await expect(open(fetch).gather(await requestFor(30), signal())).rejects.toThrow(/answered 409/);
    expect(asked).toHaveLength(1);
  });

  it("is a conflict only with status 409: a size that comes with another one is none", async () => {
    const { asked, fetch } = scripted(new Response("9\n", { status: 404 }), new Response("x\n"));
    await expect(open(fetch).gather(await requestFor(30), signal())).rejects.toThrow(/answered 404/);
    expect(asked).toHaveLength(1);
  });

  it("is nothing when the time is up already, and the next call asks", async () => {
    const { asked, fetch } = scripted(new Response("x\n"));
    const cosigner = open(fetch);
    expect(await cosigner.gather(await requestFor(5), AbortSignal.abort())).toEqual([]);
    expect(asked).toEqual([]);
    expect(await cosigner.gather(await requestFor(5), signal())).toEqual(["x\n"]);
  });

  it("is sent again after a connection that failed", async () => {
    let isDown = true;
    const { fetch } = scripted(new Response("x\n"));
    const cosigner = open(((...call: Parameters<typeof fetch>) =>
      isDown ? Promise.reject(new TypeError("fetch failed")) : fetch(...call)) as typeof globalThis.fetch);
    await expect(cosigner.gather(await requestFor(5), signal())).rejects.toThrow("fetch failed");
    isDown = false;
    expect(await cosigner.gather(await requestFor(5), signal())).toEqual(["x\n"]);
  });
});

describe("the answer of an HTTP witness", () => {
  const answered = async (body: BodyInit, init: ResponseInit = {}) =>
    open((async () => new Response(body, init)) as typeof fetch).gather(await requestFor(30), signal());

  it("is its lines, each with its end", async () => {
    expect(await answered("— a x\n— b y\n")).toEqual(["— a x\n", "— b y\n"]);
  });

  it("has at most 65,536 bytes", async () => {
    expect(await answered("x".repeat(65_536))).toHaveLength(1);
    await expect(answered("x".repeat(65_537))).rejects.toMatchObject({
      message: "a witness answered more than 65536 bytes",
    });
  });

  it("is UTF-8", async () => {
    await expect(answered(Uint8Array.of(0xff, 0x0a))).rejects.toThrow();
  });

  it.each([201, 202, 206, 299])("is none with status %i", async (status) => {
    await expect(answered("— a x\n", { status })).rejects.toThrow(
      `witness w: it answered ${status}: "— a x"`,
    );
  });

  it("is quoted with 300 characters where it refuses", async () => {
    const words = `${"x".repeat(299)}yz`;
    await expect(answered(words, { status: 500 })).rejects.toThrow(
      new Error(`witness w: it answered 500: "${words.slice(0, 300)}"`),
    );
  });

  it.each([
    [300, true],
    [399, true],
    [299, false],
    [400, false],
  ])("with status %i and a location says that it moved: %s", async (status, hasMoved) => {
    const refusal = answered("", { status, headers: { location: "https://b.example/" } });
    const message = await refusal.catch((error: Error) => error.message);
    expect(String(message).includes("it moved to https://b.example/; configure that URL")).toBe(hasMoved);
  });

  it("has its meaning and its words apart, on one line", async () => {
    await expect(answered("who\n", { status: 301, headers: { location: "/b" } })).rejects.toThrow(
      new Error('witness w: it answered 301: it moved to /b; configure that URL; "who"'),
    );
  });

  it("says nothing of a move where it names no place", async () => {
    await expect(answered("", { status: 302 })).rejects.toThrow(new Error("witness w: it answered 302"));
  });
});
