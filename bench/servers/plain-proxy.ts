// The floor of the gate: a proxy of undici and nothing else, which believes whoever answers. Argument: the origin that it leads to.
import { createServer } from "node:http";
import { Agent } from "undici";
import { sayReady } from "./say-ready.ts";

const origin = process.argv[2] ?? "";
const agent = new Agent({ connect: { rejectUnauthorized: false } });

sayReady(
  createServer((request, answer) => {
    const { host: _, connection: __, ...headers } = request.headers;
    agent.stream(
      { origin, path: request.url ?? "/", method: "GET", headers },
      ({ statusCode, headers }) => {
        const { connection: _, ...kept } = headers;
        return answer.writeHead(statusCode, kept);
      },
      (error) => error !== null && answer.destroy(),
    );
  }),
);
