// Joins the metrics of a process and of its logs into one text, in which each metric is described once (Prometheus text format 0.0.4).
import type { Registry } from "prom-client";

/** HELP and TYPE. */
const DESCRIPTION_LINES = 2;

/** @param registries those of logs give each sample the label that tells them apart. */
export async function joinMetrics(registries: readonly Registry[]): Promise<string> {
  const names = new Set(
    registries.flatMap((registry) => registry.getMetricsAsArray().map(({ name }) => name)),
  );
  const joined = [...names].map((name) => joinMetric(name, registries));
  return `${(await Promise.all(joined)).join("\n\n")}\n`;
}

async function joinMetric(name: string, registries: readonly Registry[]): Promise<string> {
  const [first, ...others] = registries.filter((registry) => registry.getSingleMetric(name) !== undefined);
  const samples = others.map(async (registry) =>
    (await registry.getSingleMetricAsString(name)).split("\n").slice(DESCRIPTION_LINES),
  );
  return [await first?.getSingleMetricAsString(name), ...(await Promise.all(samples)).flat()].join("\n");
}
