// One connection cannot make the service hold more than one answer, and cannot hold it for ever.
import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { type ConnectionLimits, oneAtATime } from "../../src/http/connection.ts";

const open: Array<{ close(): void }> = [];
afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

async function serve(listener: RequestListener, limits: ConnectionLimits): Promise<number> {
  const server = createServer(oneAtATime(listener, limits));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  open.push({
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  });
  return (server.address() as AddressInfo).port;
}

async function client(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  await new Promise<void>((resolve) => socket.once("connect", resolve));
  open.push({ close: () => socket.destroy() });
  return socket;
}

const closed = (socket: Socket) => new Promise<void>((resolve) => socket.once("close", () => resolve()));
const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: log.example\r\n\r\n`;
const LIMITS = { maxWaiting: 64, answerMs: 60_000 };

test("pipelined requests are answered in their order, one at a time", async () => {
  let underWay = 0;
  let most = 0;
  const port = await serve((request, response) => {
    most = Math.max(most, ++underWay);
    response.once("finish", () => underWay--);
    setTimeout(() => response.end(request.url), 2);
  }, LIMITS);
  const socket = await client(port);
  let text = "";
  socket.setEncoding("utf8").on("data", (chunk) => {
    text += chunk;
  });
  socket.write(Array.from({ length: 20 }, (_, i) => get(`/${i}`)).join(""));
  await expect.poll(() => text).toContain("/19");
  expect([...text.matchAll(/^\/(\d+)/gm)].map(([, n]) => Number(n))).toEqual(
    Array.from({ length: 20 }, (_, i) => i),
  );
  expect(most).toBe(1);
});

test("1,500 pipelined requests of a client that reads nothing begin one answer, and cut the connection", async () => {
  let begun = 0;
  const port = await serve((_, response) => {
    begun++;
    response.end(Buffer.alloc(8 * 1024 * 1024));
  }, LIMITS);
  const socket = await client(port);
  socket.pause();
  const cut = closed(socket);
  socket.write(get("/tile/entries/000").repeat(1500));
  socket.resume();
  await cut;
  expect(begun).toBe(1);
});

test("an answer that nobody reads is given up", async () => {
  const port = await serve((_, response) => void response.end(Buffer.alloc(64 * 1024 * 1024)), {
    ...LIMITS,
    answerMs: 50,
  });
  const socket = await client(port);
  socket.write(get("/"));
  await new Promise((resolve) => setTimeout(resolve, 200));
  let read = 0;
  socket.on("data", (bytes) => {
    read += bytes.length;
  });
  await closed(socket);
  expect(read).toBeLessThan(64 * 1024 * 1024);
});

test("a connection that ends while requests wait takes them with it", async () => {
  const seen: string[] = [];
  const port = await serve((request, response) => {
    seen.push(request.url ?? "");
    request.socket.destroy();
    response.end();
  }, LIMITS);
  const socket = await client(port);
  const cut = closed(socket);
  socket.write(get("/first") + get("/second"));
  await cut;
  expect(seen).toEqual(["/first"]);
});
