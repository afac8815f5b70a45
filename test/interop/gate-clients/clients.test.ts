// OpenAI's clients and curl, as they are, chat with a machine through the gate, streaming; and what it refuses they show, after one try.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Gate, GateError } from "../../../src/gate/index.ts";
import { type RunningProxy, startProxy } from "../../../src/gate/proxy/proxy.ts";
import { bootEvents } from "../../../src/testing/index.ts";
import { GateWorld } from "../../gate/gate-world.ts";
import type { GuestOptions, MadeUpGuest } from "../../gate/made-up-guest.ts";
import { describeWithTool } from "../../publisher/describe/with-tool.ts";
import { apiTool, describeWithApiTool } from "../../support/api-tools.ts";
import { machineOf, type World } from "../../support/appraisal-world.ts";

const HERE = import.meta.dirname;
const OPENAI = apiTool("typescript", "node_modules", "openai", "index.mjs");
const PYTHON = apiTool("python", "bin", "python");
const PIECES = ["It ", "means ", "rest."];

const CHAT: GuestOptions = {
  answer(socket) {
    const chunk = (content: string) => ({
      ...{ id: "c", object: "chat.completion.chunk", created: 1, model: "m" },
      choices: [{ index: 0, delta: { content }, finish_reason: null }],
    });
    const events = [...PIECES.map((piece) => JSON.stringify(chunk(piece))), "[DONE]"];
    socket.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (const event of events) socket.write(`${(event.length + 8).toString(16)}\r\ndata: ${event}\n\n\r\n`);
    socket.write("0\r\n\r\n");
  },
};
const BAD: GuestOptions = {
  machine: (nonce, channel) => machineOf({ nonce, channel, events: bootEvents("another image") }),
};

let world: World;
let log: GateWorld;
let guest: MadeUpGuest;
let gate: Gate;
let proxy: RunningProxy;
beforeAll(async () => {
  world = await GateWorld.make();
});
beforeEach(() => {
  log = new GateWorld(world);
});
afterEach(async () => {
  await proxy?.stop(0);
  await log.end();
});

async function start(options: GuestOptions): Promise<void> {
  ({ guest, gate } = await log.start(options));
  proxy = await startProxy({ gate, to: guest.origin, host: "127.0.0.1", port: 0, names: [] });
}

async function run(program: string, ...args: string[]): Promise<string> {
  return (await promisify(execFile)(program, args)).stdout;
}

/** Requests that ended in a refusal, as the proxy counts them. */
async function refusals(): Promise<string | undefined> {
  const answer = await fetch(`${proxy.address}/.well-known/touchstone/metrics`);
  return /outcome="refused"\} ([0-9]+)/.exec(await answer.text())?.[1];
}

const CLIENTS: Array<[tool: string, name: string, chat: () => Promise<string>]> = [
  [
    OPENAI,
    "OpenAI's client for JavaScript",
    () => run(process.execPath, join(HERE, "chat.mjs"), OPENAI, `${proxy.address}/v1`),
  ],
  [PYTHON, "OpenAI's client for Python", () => run(PYTHON, join(HERE, "chat.py"), `${proxy.address}/v1`)],
];

describe.each(CLIENTS)("%s", (tool, name, chat) => {
  describeWithApiTool(tool, `${name}, pointed at the proxy`, () => {
    test("gets the reply, piece by piece", async () => {
      await start(CHAT);
      expect(JSON.parse(await chat())).toEqual({ pieces: PIECES });
      expect(guest.received).toMatch(/authorization: Bearer secret/i);
    });

    test("shows which check failed, and asks once", async () => {
      await start(BAD);
      expect(JSON.parse(await chat())).toMatchObject({
        status: 502,
        code: "tuple.rtmr1",
        message: expect.stringMatching(/tuple\.rtmr1: differs/),
      });
      expect(await refusals()).toBe("1");
      expect(guest).toMatchObject({ questions: 1, received: "" });
    });
  });
});

interface Client {
  readonly chat: {
    readonly completions: {
      create(request: object): Promise<AsyncIterable<{ choices: Array<{ delta: { content: string } }> }>>;
    };
  };
}

describeWithApiTool(OPENAI, "OpenAI's client for JavaScript, given the library's fetch", () => {
  async function chat(): Promise<string[]> {
    const { default: OpenAI } = (await import(pathToFileURL(OPENAI).href)) as {
      default: new (options: object) => Client;
    };
    const client = new OpenAI({ apiKey: "secret", baseURL: `${guest.origin}/v1`, fetch: gate.fetch });
    const messages = [{ role: "user", content: "the prompt" }];
    const pieces: string[] = [];
    for await (const { choices } of await client.chat.completions.create({
      model: "m",
      messages,
      stream: true,
    }))
      pieces.push(choices[0]!.delta.content);
    return pieces;
  }

  test("gets the reply, piece by piece", async () => {
    await start(CHAT);
    expect(await chat()).toEqual(PIECES);
  });

  test("passes the refusal on as a cause, and its three tries make one question", async () => {
    await start(BAD);
    const error = (await chat().catch((reason: unknown) => reason)) as Error;
    expect(error.cause).toBeInstanceOf(GateError);
    expect(error.cause).toMatchObject({ code: "tuple.rtmr1", sent: false });
    expect(guest).toMatchObject({ questions: 1, received: "" });
  });

  test("sends the prompt three times to a machine that dies after it, each time to one that was appraised", async () => {
    await start({ answer: (socket) => socket.destroy() });
    await expect(chat()).rejects.toThrow(/Connection error/);
    expect(guest.received.match(/POST/g)).toHaveLength(3);
    expect(guest.questions).toBe(1);
  });
});

describeWithTool("curl", "curl", () => {
  const curl = (...args: string[]) =>
    run("curl", "-sS", "-N", "-w", "\n%{http_code}", "--json", '{"prompt":1}', ...args);

  test("gets the reply as it is", async () => {
    await start(CHAT);
    const said = await curl(`${proxy.address}/v1/chat/completions`);
    expect(said.match(/^data: /gm)).toHaveLength(PIECES.length + 1);
    expect(said).toMatch(/data: \[DONE\]\n\n\n200$/);
  });

  test("gets the refusal as a document", async () => {
    await start(BAD);
    const [document = "", status] = (await curl(`${proxy.address}/v1/chat/completions`)).split("\n");
    expect(status).toBe("502");
    expect(JSON.parse(document)).toMatchObject({ check: "tuple.rtmr1", error: { code: "tuple.rtmr1" } });
    expect(guest.received).toBe("");
  });
});
