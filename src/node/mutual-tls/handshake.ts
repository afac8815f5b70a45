// Finds out whether the others of a cluster would take what a process shows: it is both ends of one connection over this machine's loopback.
import { once } from "node:events";
import { type AddressInfo, isIP } from "node:net";
import { checkServerIdentity, connect, createServer, type Server } from "node:tls";
import type { Credentials } from "./credentials.ts";
import { refusalOf } from "./failed-check.ts";

/**
 * Resolves when both ends took the other's certificate, by this machine's clock.
 * @param host the name or address by which others reach this process, or null.
 * @throws the error of the check that failed (failed-check.ts).
 */
export async function shakeOwnHand(
  { certificate, key, ca }: Credentials,
  host: string | null,
): Promise<void> {
  const shown = { cert: certificate, key, ca, minVersion: "TLSv1.3", rejectUnauthorized: true } as const;
  const server = createServer({ ...shown, requestCert: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect({
    ...shown,
    host: "127.0.0.1",
    port: (server.address() as AddressInfo).port,
    servername: host === null || isIP(host) !== 0 ? "" : host,
    checkServerIdentity: (_, peer) => (host === null ? undefined : checkServerIdentity(host, peer)),
  });
  try {
    await Promise.all([accepted(server), once(client, "secureConnect")]);
  } finally {
    client.destroy();
    server.close();
  }
}

/** Resolves when the server has taken a client, and rejects with why it did not. */
function accepted(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("tlsClientError", (error, socket) => reject(refusalOf(error, socket)));
    server.once("secureConnection", (socket) => {
      socket.destroy();
      resolve();
    });
  });
}
