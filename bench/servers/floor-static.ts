// The floor of reading: a bare node:http server that sends bytes from memory with the headers of the service. Argument: a JSON file
// {path: {headers, body (base64)}}.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { sayReady } from "./say-ready.ts";

/** What the service answered on a path. */
export interface Recorded {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const recorded = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as Record<string, Recorded>;
const answers = new Map(
  Object.entries(recorded).map(([path, { headers, body }]) => [
    path,
    { headers, body: Buffer.from(body, "base64") },
  ]),
);

sayReady(
  createServer((request, response) => {
    const answer = answers.get(request.url ?? "");
    if (answer === undefined) return void response.writeHead(404).end();
    response.writeHead(200, answer.headers).end(answer.body);
  }),
);
