// The process that makes the load; see load.ts. It signs the entries that it sends before the clock starts.
import autocannon from "autocannon";
import { entryMaker } from "./entries.ts";
import type { LoadReport, LoadRequest } from "./load.ts";

process.on("message", (request: LoadRequest) => {
  void run(request).then((report) => process.send?.(report));
});
process.on("disconnect", () => process.exit());

async function run(request: LoadRequest): Promise<LoadReport> {
  const { url, connections, amount, headers } = request;
  const latencies: number[] = [];
  const statuses: Record<string, number> = {};
  const next = await nextRequest(request);
  let last = 0;
  const begun = performance.now();
  const result = await autocannon({
    url,
    connections,
    amount,
    headers: { ...headers },
    sampleInt: 20,
    requests: [{ setupRequest: (built) => Object.assign(built, next()) }],
    setupClient: (client) => {
      client.on("response", (status, _, milliseconds) => {
        latencies.push(milliseconds);
        statuses[status] = (statuses[status] ?? 0) + 1;
        last = performance.now();
      });
    },
  });
  if (result.errors > 0) statuses[0] = result.errors;
  return { seconds: (last - begun) / 1000, latencies, statuses };
}

async function nextRequest({ paths, entries, amount, connections }: LoadRequest) {
  let i = 0;
  if (entries === undefined) {
    const all = paths ?? ["/"];
    return () => ({ method: "GET" as const, path: all[i++ % all.length] ?? "/" });
  }
  const make = await entryMaker(entries.folder);
  // A client asks for one request more than it sends.
  const bodies = Array.from({ length: amount + 2 * connections }, (_, n) =>
    make(`${entries.label}/${entries.from + n}`),
  );
  return () => ({ method: "POST" as const, path: "/v1/entries", body: bodies[i++] as Buffer });
}
