// What is to be published goes to the node that leads, once, and as it came.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LogUnavailableError } from "../../../src/log/errors.ts";
import { envelopeToJson } from "../../../src/protocol/envelope/dsse.ts";
import { answerProblem } from "../../../src/service/answer-problem.ts";
import type { LeadingNode } from "../../../src/service/cluster/ask-leader.ts";
import { forwardWrites } from "../../../src/service/cluster/forward-writes.ts";
import {
  createForwardedApp,
  FORWARDED_BY,
  FORWARDED_ORIGIN,
} from "../../../src/service/cluster/forwarded-app.ts";
import { createApi } from "../../../src/service/openapi.ts";
import { refusalOf, ServiceHarness } from "../../support/service-harness.ts";
import { signPlatforms } from "../../support/signing.ts";
import { ORIGIN } from "../../support/witnesses.ts";

const SECRET = "s".repeat(32);
const LONG = "x".repeat(200_000);

let service: ServiceHarness;
beforeEach(async () => {
  service = await ServiceHarness.start();
});
afterEach(() => service.stop());

interface Sent {
  readonly url: string;
  readonly body: string;
  readonly headers: Headers;
}
type Answer = (sent: Sent, signal: AbortSignal) => Promise<Response>;
const says =
  (status: number, body = "", headers = {}): Answer =>
  async () =>
    new Response(body, { status, headers });
const noLeader = says(503, JSON.stringify({ code: "no-leader" }));
const nobody: Answer = async () => {
  throw new TypeError("fetch failed");
};

/** A node that knows these places one after the other, and what answers there in turn. */
function node(places: ReadonlyArray<"here" | LeadingNode | null>, ...answers: Answer[]) {
  let obstacle: LogUnavailableError | null = null;
  const sent: Sent[] = [];
  const left = [...places];
  let notReached = 0;
  const api = createApi();
  api.onError((error, c) => answerProblem(service.service, c, error));
  api.use(
    forwardWrites({
      node: {
        whereToWrite: async () => left.shift() ?? null,
        notReached: () => notReached++,
        get obstacle() {
          return obstacle;
        },
      },
      origin: "log.example/ä b",
      prefix: "",
      id: "b",
      secret: SECRET,
      requestTimeout: 5,
      fetch: (async (url: string, init: RequestInit) => {
        const body = await new Response(init.body as BodyInit).text();
        const one = { url, body, headers: new Headers(init.headers) };
        sent.push(one);
        return answers.shift()!(one, init.signal!);
      }) as typeof fetch,
    }),
  );
  api.post("/v1/entries", async (c) => c.text(`here: ${await c.req.text()}`));
  api.get("/v1/entries", (c) => c.text("read"));
  const post = (body: string, headers: Record<string, string> = {}) =>
    api.request("/v1/entries", {
      method: "POST",
      body,
      headers: { "content-type": "application/json", "content-length": `${body.length}`, ...headers },
    });
  const hinder = (why: string) => {
    obstacle = new LogUnavailableError("log-stopped", why);
  };
  return { api, post, sent, reached: () => notReached, hinder };
}

const leading = (id: string, over = new AbortController().signal): LeadingNode => ({
  address: `https://${id}.example/`,
  over,
});

describe("an entry that is sent to a node which follows", () => {
  it("is forwarded as it came, and answered as the leader answers it", async () => {
    const { post, sent } = node(
      [leading("a")],
      says(201, '{"index":7}', {
        location: "/v1/entries/7",
        server: "a",
        "content-type": "application/json",
      }),
    );
    const response = await post('{"payload": "…"}', {
      accept: "text/plain",
      authorization: "Bearer mine",
      cookie: "c=1",
    });
    expect([response.status, await response.text(), Object.fromEntries(response.headers)]).toEqual([
      201,
      '{"index":7}',
      { location: "/v1/entries/7", "content-type": "application/json" },
    ]);
    const [{ url, body, headers }] = sent as [Sent];
    expect([url, body]).toEqual(["https://a.example/v1/entries", '{"payload": "…"}']);
    expect(Object.fromEntries(headers)).toEqual({
      accept: "text/plain",
      authorization: `Bearer ${SECRET}`,
      "content-type": "application/json",
      [FORWARDED_BY]: "b",
      [FORWARDED_ORIGIN]: "log.example%2F%C3%A4%20b",
    });
  });

  it("goes no further where another node has forwarded it, whatever port that has sent it to", async () => {
    const { post, sent } = node([leading("a")], says(201));
    const answer = await post("body", { [FORWARDED_BY]: "c" });
    expect([answer.status, sent]).toEqual([503, []]);
    const { post: postHere } = node(["here"]);
    expect((await postHere("body", { [FORWARDED_BY]: "c" })).status).toBe(200);
  });

  it("is answered with what keeps it from the leader, where waiting does not mend that", async () => {
    for (const headers of [{}, { [FORWARDED_BY]: "c" }] as Record<string, string>[]) {
      const { post, sent, hinder } = node([null]);
      hinder("somebody else has this address");
      const answer = await post("body", headers);
      const problem = { code: "log-stopped", detail: "somebody else has this address" };
      expect([answer.status, await answer.json(), sent]).toEqual([503, expect.objectContaining(problem), []]);
    }
  });

  it("is taken here where this node leads, and reads go no further than here", async () => {
    const { api, post, sent } = node(["here"]);
    expect(await (await post("body")).text()).toBe("here: body");
    expect(await (await api.request("/v1/entries")).text()).toBe("read");
    expect(sent).toEqual([]);
  });

  it.each<[string, Answer]>([
    ["is not there", nobody],
    ["does not lead any more", noLeader],
    ["serves another log", says(421, "{}")],
  ])("goes to the next leader where the first one %s", async (_what, answer) => {
    const { post, sent, reached } = node([leading("a"), leading("b")], answer, says(201, "b"));
    expect(await (await post("body")).text()).toBe("b");
    expect(sent.map(({ url, body }) => `${url} ${body}`)).toEqual([
      "https://a.example/v1/entries body",
      "https://b.example/v1/entries body",
    ]);
    expect(reached()).toBe(1);
  });

  it("does not wait for a leader that is none any more", async () => {
    const over = new AbortController();
    const sleeping: Answer = (_sent, signal) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
        over.abort();
      });
    const { post } = node([leading("a", over.signal), leading("b")], sleeping, says(201, "b"));
    expect(await (await post("body")).text()).toBe("b");
  });

  it("is taken here with all of its body where this node leads by then", async () => {
    const { post } = node([leading("a"), "here"], nobody);
    expect(await (await post("body")).text()).toBe("here: body");
  });

  it("is told apart from one that the leader cannot take", async () => {
    const full = JSON.stringify({ code: "queue-full" });
    const { post } = node([leading("a")], says(503, full, { "retry-after": "1" }));
    const response = await post("body");
    expect([response.status, await response.text(), response.headers.get("retry-after")]).toEqual([
      503,
      full,
      "1",
    ]);
  });

  it.each<[string, Array<LeadingNode | null>, Answer[], string]>([
    ["nobody leads", [null], [], "short"],
    ["nobody comes to", [leading("a"), null], [nobody], "short"],
    ["it was passed on as it came, and is gone", [leading("a"), leading("b")], [nobody], LONG],
    [
      "three in turn do not lead",
      [leading("a"), leading("b"), leading("c"), leading("d")],
      [noLeader, noLeader, noLeader],
      "short",
    ],
  ])("is to be sent again where %s", async (_what, places, answers, body) => {
    const response = await node(places, ...answers).post(body);
    expect(response.headers.get("retry-after")).toBe("2");
    expect(await refusalOf(response)).toBe("503 no-leader");
  });

  it("is passed on while it arrives where it is long, or does not say how long it is", async () => {
    const { post, sent } = node([leading("a")], says(201));
    expect((await post(LONG)).status).toBe(201);
    expect(sent[0]?.body).toBe(LONG);
  });
});

describe("the port for what others forward", () => {
  const authorized = {
    authorization: `Bearer ${SECRET}`,
    [FORWARDED_BY]: "b",
    [FORWARDED_ORIGIN]: encodeURIComponent(ORIGIN),
    "content-type": "application/json",
  };

  it("publishes for who knows the secret, and tells everybody else nothing", async () => {
    const app = createForwardedApp(service.service, SECRET);
    const [entry] = await signPlatforms(service.keys, "vm", 1);
    const body = JSON.stringify(envelopeToJson(entry!));
    const post = (headers: Record<string, string>) =>
      app.request("/v1/entries", { method: "POST", headers, body });
    const { [FORWARDED_BY]: _by, ...withoutHop } = authorized;
    for (const headers of [
      {},
      { "content-type": "application/json" },
      withoutHop,
      { ...authorized, authorization: `Bearer ${SECRET}x` },
      { ...authorized, authorization: SECRET },
    ])
      expect(await refusalOf(await post(headers))).toBe("404 not-found");
    expect((await post(authorized)).status).toBe(201);
  });

  it("takes nothing that is for another log, or for none that is named, from one who knows the secret", async () => {
    const app = createForwardedApp(service.service, SECRET);
    const [entry] = await signPlatforms(service.keys, "vm", 1);
    const body = JSON.stringify(envelopeToJson(entry!));
    const { [FORWARDED_ORIGIN]: own, ...unnamed } = authorized;
    const size = () => service.log.read.published()?.checkpoint.size;
    const before = size();
    for (const headers of [
      unnamed,
      { ...unnamed, [FORWARDED_ORIGIN]: encodeURIComponent("another.example/log") },
      { ...unnamed, [FORWARDED_ORIGIN]: ORIGIN.toUpperCase() },
      { ...unnamed, [FORWARDED_ORIGIN]: `${own}, ${own}` },
    ]) {
      const answer = await app.request("/v1/entries", { method: "POST", headers, body });
      expect(await refusalOf(answer)).toBe("421 misdirected");
    }
    expect(size()).toBe(before);
  });

  it("is for publishing, and for what the receipt key signs", async () => {
    const app = createForwardedApp(service.service, SECRET);
    for (const path of ["/checkpoint", "/v1/entries/0", "/healthz", "/metrics"])
      expect(await refusalOf(await app.request(path, { headers: authorized }))).toBe("404 not-found");
  });
});
