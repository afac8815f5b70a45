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
  const first: number[] = [];
  const byStatus: Record<string, number[]> = {};
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
      let isFirst = true;
      client.on("response", (status, _, milliseconds) => {
        if (isFirst) first.push(milliseconds);
        isFirst = false;
        latencies.push(milliseconds);
        byStatus[status] ??= [];
        byStatus[status].push(milliseconds);
        last = performance.now();
      });
    },
  });
  return { seconds: (last - begun) / 1000, latencies, first, byStatus, errors: result.errors };
}

async function nextRequest(request: LoadRequest) {
  const { entries, mix } = request;
  const get = getting(request.paths ?? ["/"]);
  if (entries === undefined) return get;
  const post = await posting(entries, request.amount + 2 * request.connections);
  if (mix === undefined) return post;
  const { path, etag } = mix;
  let i = 0;
  return () => {
    const turn = i++ % 100;
    if (turn === 0) return post();
    return turn < 10 ? get() : { method: "GET" as const, path, headers: { "if-none-match": etag } };
  };
}

function getting(paths: readonly string[]) {
  let i = 0;
  return () => ({ method: "GET" as const, path: paths[i++ % paths.length] ?? "/" });
}

/** A client asks for one request more than it sends, so there are more bodies than requests. */
async function posting({ folder, label, from }: NonNullable<LoadRequest["entries"]>, count: number) {
  const make = await entryMaker(folder);
  const bodies = Array.from({ length: count }, (_, n) => make(`${label}/${from + n}`));
  const headers = { "content-type": "application/json" };
  let i = 0;
  return () => ({ method: "POST" as const, path: "/v1/entries", body: bodies[i++] as Buffer, headers });
}
