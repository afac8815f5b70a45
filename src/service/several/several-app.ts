// Answers for several logs on one port: each request goes to the log that it is for, and what is for none is answered for the process.
import type { HttpBindings } from "@hono/node-server";
import type { Logger } from "pino";
import { BASE_HEADERS, NO_STORE } from "../http/headers.ts";
import type { Service } from "../service.ts";
import { type LogPlace, LogRouter, lacksSlash, placeOf } from "./log-router.ts";
import { createProcessApp } from "./process-app.ts";
import { createStoppedApp } from "./stopped-app.ts";

/** What answers for one log. */
export interface App {
  fetch(request: Request, env: HttpBindings): Response | Promise<Response>;
}

/** One of several logs, whether it is served at this moment or not. */
export interface OneOfSeveral {
  readonly origin: string;
  readonly url: string;
  /** Null while it cannot be started; `forwarded` where others forward to this process. */
  readonly served: { readonly app: App; readonly forwarded: App | null; readonly service: Service } | null;
}

export interface SeveralOptions {
  readonly logger: Logger;
  readonly version: string;
}

/** @throws MalformedError for a URL by which a log cannot be told apart. */
export function createSeveralApp(logs: readonly OneOfSeveral[], options: SeveralOptions): App {
  const of = createProcessApp(logs, options);
  const router = new LogRouter(
    logs.map((log) => ({ url: log.url, log: { log, stopped: createStoppedApp(placeOf(log.url), options) } })),
  );
  return {
    fetch(request, env) {
      const route = router.find(request.url);
      if (route === "host" || route === "path") return of[route].fetch(request, env);
      if (lacksSlash(request.url, route) && isRead(request)) return redirect(request.url, route);
      const { log, stopped } = route.log;
      return (log.served?.app ?? stopped).fetch(request, env);
    },
  };
}

function isRead({ method }: Request): boolean {
  return method === "GET" || method === "HEAD";
}

/** Links of a page are relative to the slash. The location is, too, so that it holds behind a proxy. */
function redirect(url: string, { prefix }: LogPlace): Response {
  const { search } = new URL(url);
  const location = `${prefix.slice(prefix.lastIndexOf("/") + 1)}/${search}`;
  return new Response(null, {
    status: 308,
    headers: { ...BASE_HEADERS, location, "cache-control": NO_STORE },
  });
}
