// Decides who may use the local proxy: programs of this machine, and no page that a browser shows. A page reaches 127.0.0.1 by a name of its
// own that resolves there (DNS rebinding), or asks across origins; the first shows in Host, the second in Origin or Sec-Fetch-Site.
import type { IncomingMessage } from "node:http";

export interface Forbidden {
  readonly status: 403 | 421;
  readonly detail: string;
}

const OWN_NAMES = ["127.0.0.1", "localhost", "[::1]"];
/** What browsers say of requests that no other site has caused (Fetch Metadata). */
const OWN_SITES = ["same-origin", "none"];

/** Why a request is not taken, or null. @param names hosts that it may be sent to, beside those of the own machine. */
export function whyForbidden(
  { headers, url = "" }: Pick<IncomingMessage, "headers" | "url">,
  names: readonly string[],
): Forbidden | null {
  const { host = "", origin, "sec-fetch-site": site } = headers;
  if (!url.startsWith("/"))
    return { status: 421, detail: "this proxy leads to one machine: send a path, not a whole URL" };
  const name = host.replace(/:[0-9]*$/, "").toLowerCase();
  if (!OWN_NAMES.includes(name) && !names.includes(name))
    return { status: 421, detail: `it was sent to the host "${host}", which is not this one` };
  if (origin !== undefined && origin !== `http://${host}`)
    return { status: 403, detail: `a page of ${origin} asked for it` };
  if (typeof site === "string" && !OWN_SITES.includes(site))
    return { status: 403, detail: "a page of another site asked for it" };
  return null;
}
