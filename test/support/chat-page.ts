// Serves the example page with a made-up log and a made-up machine behind it, from one port: for tests, and for people who want to see it.

import { buildPage } from "../../examples/verifier-browser/build.mjs";
import type { Upstream } from "../../src/attester/gateway/forward.ts";
import { type RunningServer, startServer } from "../../src/http/server.ts";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import type { BinaryRequest } from "../../src/sealed/binary-http/request.ts";
import { readProject, replacing, withRoots } from "./example-build.ts";
import { type SealedMachine, streaming } from "./sealed-machine.ts";

const EXAMPLE = "examples/verifier-browser";

/** @returns the server, whose address is the page's. */
export async function serveChatPage(machine: SealedMachine, port = 0): Promise<RunningServer> {
  const files = new Map<string, readonly [type: string, content: string]>();
  const server = await startServer({
    app: {
      fetch: async (request) => {
        const { pathname } = new URL(request.url);
        const [type, content] = files.get(pathname) ?? [];
        if (type !== undefined)
          return new Response(content, { headers: { "content-type": `${type}; charset=utf-8` } });
        return pathname === "/v1/policies/production" ? machine.askLog(request) : machine.ask(request);
      },
    },
    host: "127.0.0.1",
    port,
    close: async () => undefined,
    graceMs: 0,
  });
  const { host } = new URL(server.address);
  await machine.restart({ authorities: [host] });
  const settings = { LOG: "", SERVICE: server.address, POLICY: "production", PIN: machine.world.pin };
  const replacements = { [`${EXAMPLE}/settings.ts`]: settings, ...withRoots(machine.good.roots) };
  for (const [name, text] of await buildPage([replacing(replacements)])) {
    if (name === "index.html") files.set("/", ["text/html", text]);
    else files.set(`/${name}`, ["text/javascript", text]);
  }
  files.set("/page.css", ["text/css", readProject(`${EXAMPLE}/page.css`)]);
  return server;
}

/** A service that speaks as much of the OpenAI API as the page needs, and says some words to everything. */
export function madeUpModel(words: () => AsyncIterable<string>) {
  return async ({ path }: BinaryRequest): Promise<Upstream> => {
    if (path === "/v1/models") return json({ object: "list", data: [{ id: "made-up-model" }] });
    async function* content() {
      for await (const word of words())
        yield event(JSON.stringify({ choices: [{ delta: { content: word } }] }));
      yield event("[DONE]");
    }
    return { ...streaming(), content: content() };
  };
}

const event = (data: string) => utf8(`data: ${data}\n\n`);

function json(value: unknown): Upstream {
  return { ...streaming(JSON.stringify(value)), fields: [["content-type", "application/json"]] };
}
