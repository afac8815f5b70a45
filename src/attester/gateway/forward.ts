// Passes a request on to the service beside the front end, over loopback only, and hands its reply over as it arrives.
import { type IncomingMessage, request as startRequest } from "node:http";
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import type { Fields } from "../../sealed/binary-http/fields.ts";
import type { BinaryRequest } from "../../sealed/binary-http/request.ts";
import { CONNECTION_FIELDS, namedByConnection, WITHOUT_CONTENT } from "../../sealed/one-connection.ts";

export interface Upstream {
  readonly status: number;
  readonly fields: Fields;
  /** Each element is what one read of the connection gave. It throws where the service broke off. */
  readonly content: AsyncIterable<Uint8Array>;
}

export type Forward = (request: BinaryRequest, signal: AbortSignal) => Promise<Upstream>;

/** Of one connection and not of the message, or said anew for the next one. */
const NOT_PASSED_ON = [...CONNECTION_FIELDS, "content-length", "expect", "host", "proxy-authenticate"];

/** @param port of the service on 127.0.0.1. */
export function forwardTo(port: number): Forward {
  return async (request, signal) => {
    const length = ["content-length", String(request.content.length)] as const;
    const fields = [...endToEnd(request.fields), length];
    return upstreamOf(await ask(port, { ...request, fields }, Readable.from([request.content]), signal));
  };
}

/** The same for a request that came over the front end's own TLS. */
export function passOnTo(port: number): (request: Request) => Promise<Response> {
  return async (request) => {
    const { pathname, search } = new URL(request.url);
    const head = { method: request.method, path: pathname + search, fields: endToEnd([...request.headers]) };
    const body = request.body === null ? null : Readable.fromWeb(request.body as ReadableStream);
    const incoming = await ask(port, head, body, request.signal);
    const { status, fields } = upstreamOf(incoming);
    const headers = new Headers(fields.map(([name, value]): [string, string] => [name, value]));
    if (WITHOUT_CONTENT.includes(status)) return new Response(null, { status, headers });
    return new Response(Readable.toWeb(incoming) as globalThis.ReadableStream, { status, headers });
  };
}

function ask(
  port: number,
  { method, path, fields }: Pick<BinaryRequest, "method" | "path" | "fields">,
  body: Readable | null,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, method, path, headers: headersOf(fields), signal };
    const outgoing = startRequest(options, resolve);
    outgoing.on("error", reject);
    if (body === null) outgoing.end();
    else body.on("error", (error) => outgoing.destroy(error)).pipe(outgoing);
  });
}

/** A field that comes twice stays two. */
function headersOf(fields: Fields): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (const [name, value] of fields) {
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
  const dropped = new Set([...NOT_PASSED_ON, ...namedByConnection(fields)]);
  return fields.filter(([name]) => !dropped.has(name));
}
