// How a server of this folder starts: it listens on a free port, tells its parent where, and ends with it.
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

export function sayReady(server: Server): void {
  server.listen(0, "127.0.0.1", () => {
    process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  });
  process.on("disconnect", () => process.exit());
  process.on("SIGTERM", () => process.exit());
}
