// Answers those who run the service: is it alive, can it take entries, what does it measure.
import * as z from "zod";
import { NO_BUNDLE_REASONS, whyNoBundle } from "../bundles/why-no-bundle.ts";
import { type Api, describeRoute, problems, route } from "../openapi.ts";
import type { Service } from "../service.ts";

const health = z.strictObject({ status: z.literal("ok"), version: z.string() }).meta({ id: "Health" });
const readiness = z
  .strictObject({
    ready: z.boolean(),
    treeSize: z.int().min(0),
    reason: z.string().nullable().describe("Code of why no entries are taken; null when they are"),
    noBundle: z
      .enum(NO_BUNDLE_REASONS)
      .nullable()
      .describe(
        "Why no policy bundle is answered though entries are taken; null when those of policies in force are",
      ),
  })
  .meta({ id: "Readiness" });

const getHealth = route({
  method: "get",
  path: "/healthz",
  operationId: "getHealth",
  tags: ["service"],
  summary: "Whether the process is alive",
  description: "It answers: nothing else is looked at. `/readyz` says whether entries are taken.",
  responses: {
    200: { description: "It is", content: { "application/json": { schema: health } } },
    ...problems(),
  },
});

const getReadiness = route({
  method: "get",
  path: "/readyz",
  operationId: "getReadiness",
  tags: ["service"],
  summary: "Whether entries are taken",
  description:
    "Reading goes on while they are not. After a write that failed it says so until one succeeds; the log tries by itself, every second. That no bundle is answered leaves the service ready, since what repairs it is an entry.",
  responses: {
    200: { description: "They are", content: { "application/json": { schema: readiness } } },
    503: { description: "They are not", content: { "application/json": { schema: readiness } } },
    ...problems(),
  },
});

/** Code of why a log takes no entries; null when it does. */
export function whyNotReady({ log }: Pick<Service, "log">): string | null {
  return log.impediment()?.code ?? (log.read.published() === null ? "not-published" : null);
}

export function addHealth(api: Api, { log, metrics, version, clock }: Service): void {
  api.openapi(getHealth, (c) => c.json({ status: "ok" as const, version }, 200));

  api.openapi(getReadiness, async (c) => {
    const published = log.read.published();
    const reason = whyNotReady({ log });
    const noBundle = reason === null ? await whyNoBundle(log.read, clock()) : null;
    const body = { ready: reason === null, treeSize: published?.checkpoint.size ?? 0, reason, noBundle };
    return c.json(body, reason === null ? 200 : 503);
  });

  describeRoute(api, {
    method: "get",
    path: "/metrics",
    operationId: "getMetrics",
    tags: ["service"],
    summary: "Prometheus metrics",
    description: "For Prometheus, and not for the public: a proxy keeps it to itself.",
    responses: {
      200: { description: "Text format 0.0.4", content: { "text/plain": { schema: z.string() } } },
      ...problems(),
    },
  });
  api.get("/metrics", async (c) => {
    const { registry } = metrics;
    return c.body(await registry.metrics(), 200, { "content-type": registry.contentType });
  });
}
