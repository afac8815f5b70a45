// Finds a port for a server that has to be told one. It is none of those that a system gives to connections and to servers that ask for any:
// such a one may be somebody else's before the server listens.
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/** Below what Linux gives by itself (32768 to 60999), and above what services have. */
const [FIRST, LAST] = [20_000, 32_000];

/** On loopback. */
export async function freePort(): Promise<number> {
  const port = randomInt(FIRST, LAST);
  return (await isFree(port)) ? port : freePort();
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch {
    return false;
  }
  await new Promise((resolve) => server.close(resolve));
  return true;
}
