// Makes a fetch whose connections are all of TLS 1.3, each end of which shows a certificate of one authority. What Node.js has by itself
// takes no certificate to show.
import { Agent, fetch as fetchOver, type RequestInit as UndiciInit } from "undici";
import type { Credentials } from "./credentials.ts";
import { NO_TLS } from "./failed-check.ts";

/** For strings of https URLs. It rejects as `fetch` does, with the reason as the cause. */
export function fetchShowing({ certificate, key, ca }: Credentials): typeof fetch {
  // Unless it is said here, NODE_TLS_REJECT_UNAUTHORIZED=0, which is set for the sake of something else, has nobody verified.
  const connect = { rejectUnauthorized: true, minVersion: "TLSv1.3" } as const;
  const dispatcher = new Agent({ connect: { ...connect, cert: certificate, key, ca } });
  return async function fetchShowing(input, init) {
    const url = String(input);
    // What goes there may be a secret.
    if (!/^https:/i.test(url))
      throw Object.assign(new TypeError(`${new URL(url).origin} is not to be reached by TLS`), {
        code: NO_TLS,
      });
    return (await fetchOver(url, { ...init, dispatcher } as UndiciInit)) as unknown as Response;
  };
}
