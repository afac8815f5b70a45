// Answers for a log that could not be started, while others of its process are served: nothing of it is shown.
import { answerProblem } from "../answer-problem.ts";
import { BASE_HEADERS, NO_STORE } from "../http/headers.ts";
import { type Api, createApi } from "../openapi.ts";
import { RequestProblem } from "../problem.ts";
import type { LogPlace } from "./log-router.ts";
import type { SeveralOptions } from "./several-app.ts";

const HEADERS = { ...BASE_HEADERS, "cache-control": NO_STORE };
const WHY =
  "this log could not be started; its operator finds the reason in the log of the service, which tries again";

export function createStoppedApp({ prefix }: LogPlace, { logger, version }: SeveralOptions): Api {
  const api = createApi(prefix);
  const parts = { logger, metrics: { countProblem: () => undefined } };
  api.notFound((c) => answerProblem(parts, c, new RequestProblem("log-stopped", WHY)));
  api.get("/healthz", (c) => c.json({ status: "ok", version }, 200, HEADERS));
  api.get("/readyz", (c) =>
    c.json({ ready: false, treeSize: 0, reason: "log-stopped", noBundle: null }, 503, HEADERS),
  );
  return api;
}
