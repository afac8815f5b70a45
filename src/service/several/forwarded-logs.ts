// Gives each request that another process forwards to the log that it names: all logs of a process take them on one port.
import { answerProblem } from "../answer-problem.ts";
import { FORWARDED_ORIGIN, requireOrigin, requireSecret } from "../cluster/forwarded-app.ts";
import { type Api, createApi } from "../openapi.ts";
import { RequestProblem } from "../problem.ts";
import type { App, OneOfSeveral, SeveralOptions } from "./several-app.ts";

export function createForwardedLogs(
  logs: readonly OneOfSeveral[],
  secret: string,
  { logger }: SeveralOptions,
): App {
  const byOrigin = new Map(logs.map((log) => [encodeURIComponent(log.origin), log]));
  const notServed = createNotServed(
    logs.map(({ origin }) => origin),
    secret,
    logger,
  );
  return {
    fetch(request, env) {
      const log = byOrigin.get(request.headers.get(FORWARDED_ORIGIN) ?? "");
      return (log?.served?.forwarded ?? notServed).fetch(request, env);
    },
  };
}

/** For a log that is not of this process; and for one that could not be started here, which another process leads, or nobody. */
function createNotServed(origins: readonly string[], secret: string, logger: SeveralOptions["logger"]): Api {
  const api = createApi();
  api.onError((error, c) => answerProblem({ logger, metrics: { countProblem: () => undefined } }, c, error));
  api.use(requireSecret(secret));
  api.use(requireOrigin(origins, logger));
  api.use(() => {
    throw new RequestProblem("no-leader", "this process could not start the log; send the entries again");
  });
  return api;
}
