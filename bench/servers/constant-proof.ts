// The floor of proofs: the same route in the same framework, answering a constant. Argument: a JSON file as of floor-static.ts, of
// which the first answer is given.
import { readFileSync } from "node:fs";
import type { Server } from "node:http";
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import type { Recorded } from "./floor-static.ts";
import { sayReady } from "./say-ready.ts";

const recorded = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as Record<string, Recorded>;
const [{ headers, body }] = Object.values(recorded) as [Recorded];
const text = Buffer.from(body, "base64").toString();

const app = new Hono();
app.get("/v1/entries/:index/proof", async () => new Response(text, { headers }));
sayReady(createAdaptorServer({ fetch: app.fetch }) as Server);
