// The process that makes the load; see load.ts. It signs the entries that it sends before the clock starts.
import autocannon from "autocannon";
import { entryMaker } from "./entries.ts";
import type { Answer, Entries, LoadReport, LoadRequest } from "./load.ts";

process.on("message", (request: LoadRequest) => {
  void run(request).then((report) => process.send?.(report));
});
process.on("disconnect", () => process.exit());

async function run(request: LoadRequest): Promise<LoadReport> {
  const { url, connections, amount, headers } = request;
  const answers: Answer[] = [];
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
        answers.push({ status, milliseconds, isFirst });
        isFirst = false;
        last = performance.now();
      });
    },
  });
  return { seconds: (last - begun) / 1000, answers, errors: result.errors };
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
async function posting({ folder, label, from, lines }: Entries, count: number) {
  const make = await entryMaker(folder);
  const entry = (n: number) => make(`${label}/${from + n}`);
  const bodies = Array.from({ length: count }, (_, n) =>
    lines === undefined ? entry(n) : batchOf(lines, (line) => entry(n * lines + line)),
  );
  const path = lines === undefined ? "/v1/entries" : "/v1/entries/batch";
  const headers = { "content-type": lines === undefined ? "application/json" : "application/x-ndjson" };
  let i = 0;
  return () => ({ method: "POST" as const, path, body: bodies[i++] as Buffer, headers });
}

function batchOf(lines: number, line: (n: number) => Buffer): Buffer {
  return Buffer.concat(Array.from({ length: lines }, (_, n) => [line(n), Buffer.from("\n")]).flat());
}
