// Names the client of a request, for limits: the address of its connection, or what a trusted proxy says of it.
import { getConnInfo } from "@hono/node-server/conninfo";
import type { Context } from "hono";

/** @param trustedProxies how many proxies append to X-Forwarded-For; what stands further left anyone could have written. */
export function clientAddress(c: Context, trustedProxies: number): string {
  if (trustedProxies > 0) {
    const forwarded = (c.req.header("x-forwarded-for") ?? "").split(",");
    const address = forwarded.at(-trustedProxies)?.trim();
    if (address) return address;
  }
  // Without a connection (a test that calls the app directly) all requests share one key.
  return c.env?.incoming === undefined ? "" : (getConnInfo(c).remote.address ?? "");
}

/** One key for each IPv4 address and each IPv6 /64, since a client has all of its /64. */
export function addressKey(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined || !address.includes(":")) return (mapped ?? address).slice(0, 64);
  const [head = "", tail] = address.toLowerCase().split("%", 1)[0]?.split("::") ?? [];
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array<string>(zeros).fill("0"), ...right].slice(0, 4);
  return groups
    .map((group) => group.replace(/^0+(?=.)/, ""))
    .join(":")
    .slice(0, 64);
}
