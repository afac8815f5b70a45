// Answers what is for no log of a process that serves several: a load balancer's questions, and the metrics of all of them. Whoever asks for
// something else under a wrong name is not told which logs there are.
import { answerProblem } from "../answer-problem.ts";
import { BASE_HEADERS, NO_STORE } from "../http/headers.ts";
import { joinMetrics } from "../metrics/joined-metrics.ts";
import { createProcessMetrics } from "../metrics/metrics.ts";
import { registerStartedGauge } from "../metrics/started-gauge.ts";
import { type Api, createApi } from "../openapi.ts";
import { RequestProblem } from "../problem.ts";
import { whyNotReady } from "../routes/health.ts";
import type { OneOfSeveral, SeveralOptions } from "./several-app.ts";

const HEADERS = { ...BASE_HEADERS, "cache-control": NO_STORE };

/** @returns what answers under a host that no log has; and under a path that none has, where the host is known. */
export function createProcessApp(
  logs: readonly OneOfSeveral[],
  { logger, version }: SeveralOptions,
): { readonly host: Api; readonly path: Api } {
  const metrics = createProcessMetrics();
  registerStartedGauge(metrics.registry, logs);
  const answering = (nothing: () => RequestProblem) => {
    const api = createApi();
    api.onError((error, c) => answerProblem({ logger, metrics }, c, error));
    api.notFound((c) => answerProblem({ logger, metrics }, c, nothing()));
    api.get("/healthz", (c) => c.json({ status: "ok", version }, 200, HEADERS));
    api.get("/readyz", (c) => {
      const notReady = logs.map(readinessOf).filter(({ reason }) => reason !== null);
      return c.json({ ready: notReady.length === 0, notReady }, notReady.length === 0 ? 200 : 503, HEADERS);
    });
    api.get("/metrics", async (c) => {
      const served = logs.flatMap((log) =>
        log.served === null ? [] : [log.served.service.metrics.registry],
      );
      const text = await joinMetrics([metrics.registry, ...served]);
      return c.body(text, 200, { ...HEADERS, "content-type": metrics.registry.contentType });
    });
    return api;
  };
  return {
    // RFC 9110 §15.5.20: the server is not configured for the origin of this URL.
    host: answering(() => new RequestProblem("misdirected", "no log is served under this host")),
    path: answering(() => new RequestProblem("not-found", "there is no such resource")),
  };
}

function readinessOf({ origin, served }: OneOfSeveral): { origin: string; reason: string | null } {
  return { origin, reason: served === null ? "log-stopped" : whyNotReady(served.service) };
}
