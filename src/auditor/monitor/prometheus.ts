// Writes what a monitor knows in the text format of Prometheus 0.0.4, for the textfile collector of node_exporter.
import { FINDING_CLASSES } from "./finding.ts";
import type { Round } from "./monitor.ts";
import type { KeptFinding } from "./monitor-store.ts";

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly samples: ReadonlyArray<readonly [labels: Readonly<Record<string, string>>, value: number]>;
}

export function formatMetrics(round: Round, open: readonly KeptFinding[], undelivered: number): string {
  const count = (kind: string) => open.filter((finding) => finding.class === kind).length;
  const { origin } = round;
  const metrics: Metric[] = [
    {
      name: "findings",
      help: "Open findings of each class",
      samples: FINDING_CLASSES.map((kind) => [{ origin, class: kind }, count(kind)]),
    },
    {
      name: "tree_size",
      help: "Entries that were replayed and hold",
      samples: [[{ origin }, round.size]],
    },
    {
      name: "vantage_tree_size",
      help: "Tree size of the checkpoint that a vantage point shows",
      samples: round.vantagePoints.flatMap(({ name, size }) =>
        size === null ? [] : [[{ vantage: name }, size] as const],
      ),
    },
    {
      name: "vantage_up",
      help: "Whether a vantage point shows a checkpoint that the log signed",
      samples: round.vantagePoints.map(({ name, size }) => [{ vantage: name }, size === null ? 0 : 1]),
    },
    {
      name: "vantage_seconds",
      help: "Time that the vantage point took to answer",
      samples: round.vantagePoints.map(({ name, tookMs }) => [{ vantage: name }, tookMs / 1000]),
    },
    {
      name: "undelivered_messages",
      help: "Messages that the webhook has not taken",
      samples: [[{ origin }, undelivered]],
    },
    {
      name: "last_round_timestamp_seconds",
      help: "When the last round ended; alert when it grows old",
      samples: [[{ origin }, round.at.getTime() / 1000]],
    },
  ];
  return metrics.map(formatMetric).join("");
}

function formatMetric({ name, help, samples }: Metric): string {
  const full = `touchstone_monitor_${name}`;
  const lines = samples.map(([labels, value]) => `${full}{${formatLabels(labels)}} ${value}\n`);
  return `# HELP ${full} ${help}\n# TYPE ${full} gauge\n${lines.join("")}`;
}

function formatLabels(labels: Readonly<Record<string, string>>): string {
  const escaped = (text: string) =>
    text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
  return Object.entries(labels)
    .map(([key, value]) => `${key}="${escaped(value)}"`)
    .join(",");
}
