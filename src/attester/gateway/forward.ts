// Passes a request on to the service beside the gateway, over loopback only, and hands its reply over as it arrives.
import { type IncomingMessage, request as startRequest } from "node:http";
import type { Fields } from "../../sealed/binary-http/fields.ts";
import type { BinaryRequest } from "../../sealed/binary-http/request.ts";

export interface Upstream {
  readonly status: number;
  readonly fields: Fields;
  /** Each element is what one read of the connection gave. It throws where the service broke off. */
  readonly content: AsyncIterable<Uint8Array>;
}

export type Forward = (request: BinaryRequest, signal: AbortSignal) => Promise<Upstream>;

/** Of one connection and not of the message (RFC 9110 §7.6.1), or said anew for the next one. */
const OF_THE_CONNECTION = [
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** @param port of the service on 127.0.0.1. */
export function forwardTo(port: number): Forward {
  return (request, signal) =>
    new Promise((resolve, reject) => {
      const { method, path, fields, content } = request;
      const headers = headersOf(fields, content.length);
      const options = { host: "127.0.0.1", port, method, path, headers, signal, setHost: true };
      const outgoing = startRequest(options, (incoming) => resolve(upstreamOf(incoming)));
      outgoing.on("error", reject);
      outgoing.end(content);
    });
}

/** A field that comes twice stays two. */
function headersOf(fields: Fields, length: number): Record<string, string[]> {
  const headers: Record<string, string[]> = { "content-length": [String(length)] };
  for (const [name, value] of endToEnd(fields)) {
    headers[name] ??= [];
    headers[name].push(value);
  }
  return headers;
}

function upstreamOf(incoming: IncomingMessage): Upstream {
  const { statusCode = 502, rawHeaders } = incoming;
  const fields: [string, string][] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2)
    fields.push([rawHeaders[i]?.toLowerCase() ?? "", rawHeaders[i + 1] ?? ""]);
  return { status: statusCode, fields: endToEnd(fields), content: incoming };
}

/** Without the fields that are of the connection, or that it names as such. */
function endToEnd(fields: Fields): Fields {
  const named = fields
    .filter(([name]) => name === "connection")
    .flatMap(([, value]) => value.toLowerCase().split(","))
    .map((name) => name.trim());
  const dropped = new Set([...OF_THE_CONNECTION, ...named]);
  return fields.filter(([name]) => !dropped.has(name));
}
