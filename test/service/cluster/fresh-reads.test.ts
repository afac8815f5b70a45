// Clients read what they have written, whichever node answers, and are told where what is current cannot be known.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createApp } from "../../../src/service/app.ts";
import { lookingAgain } from "../../../src/service/cluster/fresh-reads.ts";
import { createService } from "../../../src/service/create-service.ts";
import { createMetrics } from "../../../src/service/metrics/metrics.ts";
import { intercept } from "../../support/intercept.ts";
import { refusalOf, ServiceHarness } from "../../support/service-harness.ts";

let service: ServiceHarness;
beforeEach(async () => {
  service = await ServiceHarness.start();
});
afterEach(() => service.stop());

describe("a read that found nothing", () => {
  const env = {} as never;
  const request = (method = "GET") => new Request("http://log.example/v1/entries/9", { method });

  /** A node that has nothing until it has looked. */
  function following(isNews: boolean) {
    const state = { asked: 0, looked: 0, note: "old" };
    const app = {
      fetch: () => {
        state.asked++;
        return new Response(state.note, { status: state.note === "new" ? 200 : 404 });
      },
    };
    const node = {
      read: { published: () => state.note as never },
      reach: async () => true,
      refresh: async () => {
        state.looked++;
        if (isNews) state.note = "new";
      },
    };
    return { state, fetch: (method?: string) => lookingAgain(app, node).fetch(request(method), env) };
  }

  it("is answered once more where there is something new, and once where there is not", async () => {
    const some = following(true);
    expect((await some.fetch()).status).toBe(200);
    expect((await some.fetch()).status).toBe(200);
    expect(some.state).toMatchObject({ asked: 3, looked: 1 });
    const none = following(false);
    expect((await none.fetch()).status).toBe(404);
    expect(none.state).toMatchObject({ asked: 1, looked: 1 });
  });

  it("is a read: what is to be published is not sent twice", async () => {
    const { state, fetch } = following(true);
    expect((await fetch("POST")).status).toBe(404);
    expect(state).toMatchObject({ asked: 1, looked: 0 });
  });
});

describe("a service of a cluster", () => {
  function cluster({ isBehind = false } = {}) {
    const reached: number[] = [];
    const node = {
      read: service.log.read,
      whereToWrite: async () => "here" as const,
      obstacle: null,
      notReached: () => undefined,
      refresh: async () => undefined,
      reach: async (size: number) => {
        reached.push(size);
        return size <= 2;
      },
    };
    const log = isBehind ? intercept(service.log, { isBehind: true as never }) : service.log;
    const {
      bundles: _b,
      entryBundles: _e,
      receipts: _r,
      ...rest
    } = service.service as never as Record<string, never>;
    const app = createApp(
      createService({
        ...(rest as never as typeof service.service),
        log,
        metrics: createMetrics(false),
        cluster: { node, forwarding: null },
      }),
    );
    const get = (path: string, size?: string) =>
      app.request(path, { headers: size === undefined ? {} : { "touchstone-min-size": size } });
    return { get, reached };
  }

  it("answers from no smaller tree than the client has seen", async () => {
    const { get, reached } = cluster();
    expect((await get("/checkpoint", "2")).status).toBe(200);
    expect((await get("/checkpoint", "0")).status).toBe(200);
    expect(await refusalOf(await get("/checkpoint", "3"))).toBe("503 behind");
    expect(await refusalOf(await get("/v1/entries/0", "3"))).toBe("503 behind");
    expect(await refusalOf(await get("/checkpoint", "3.5"))).toBe("400 invalid-parameter");
    expect((await get("/checkpoint")).status).toBe(200);
    expect(reached).toEqual([2, 3, 3]);
  });

  it("answers nothing as current while it has not heard of the log, and everything that carries its proof", async () => {
    await service.publishPolicy();
    expect((await cluster().get("/v1/policies/production")).status).toBe(200);
    const { get } = cluster({ isBehind: true });
    for (const path of ["/v1/policies/production", "/v1/status"])
      expect(await refusalOf(await get(path)), path).toBe("503 behind");
    for (const path of [
      "/checkpoint",
      "/tile/0/000.p/2",
      "/tile/entries/000.p/2",
      "/v1/entries/0",
      "/v1/entries/0/proof",
    ])
      expect((await get(path)).status, path).toBe(200);
  });
});
