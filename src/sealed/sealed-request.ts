// Makes one exchange of a caller's request: sealed out, and back as a Response whose body is opened as it arrives.

import { readStream } from "../protocol/encoding/read-stream.ts";
import { decodeUtf8 } from "../protocol/encoding/text.ts";
import type { Fields } from "./binary-http/fields.ts";
import { encodeRequest } from "./binary-http/request.ts";
import { readResponse } from "./binary-http/response.ts";
import { piecesOf } from "./byte-source.ts";
import { GateError } from "./gate-error.ts";
import { describe, GATEWAY_PATH, PRIVATELY } from "./machine.ts";
import { sealRequest } from "./oblivious-http/client.ts";
import { FORMS, isType } from "./oblivious-http/form.ts";
import type { KeyConfiguration } from "./oblivious-http/key-configuration.ts";
import { CONNECTION_FIELDS, WITHOUT_CONTENT } from "./one-connection.ts";

/** Bytes of a request's content: it is sealed whole. */
export const MAX_CONTENT = 16 * 1024 * 1024;
/** Bytes that are read of an answer that is not sealed. */
const MAX_PROBLEM = 64 * 1024;
/** Of the connection and not of the request, or said by the message itself. */
const NOT_FORWARDED = new Set([
  ...CONNECTION_FIELDS,
  "accept-encoding",
  "content-length",
  "date",
  "expect",
  "host",
]);

/** An answer of whoever stands between: nothing in it is the machine's. */
export class PlainReply extends GateError {
  /** It says that the machine has no such key, or not any more (RFC 9458 §5.2). */
  readonly isAboutKey: boolean;

  constructor({ status, body }: { status: number; body: Uint8Array }) {
    const what = describe({ status, body });
    super("reply.plain", `an answer came that the machine did not seal: ${what}`, { sent: true });
    this.isAboutKey = typeOf(body) === OHTTP_KEY;
  }
}

/** RFC 9458 §5.2. */
const OHTTP_KEY = "https://iana.org/assignments/http-problem-types#ohttp-key";

function typeOf(body: Uint8Array): unknown {
  try {
    return Object(JSON.parse(decodeUtf8(body))).type;
  } catch {
    return undefined;
  }
}

/** The request as it will be sealed, with the time at which its content is all there. @throws GateError where that is too much. */
export async function encode(request: Request, now: () => Date): Promise<Uint8Array> {
  const url = new URL(request.url);
  const tooLong = () => new GateError("origin", `a request of more than ${MAX_CONTENT} bytes is not sealed`);
  const content = await readStream(request.body, MAX_CONTENT, tooLong);
  return encodeRequest({
    method: request.method,
    scheme: "https",
    authority: url.host,
    path: `${url.pathname}${url.search}`,
    fields: fieldsOf(request.headers, now()),
    content,
  });
}

function fieldsOf(headers: Headers, date: Date): Fields {
  const fields = [...headers].filter(([name]) => !NOT_FORWARDED.has(name));
  return [...fields, ["accept-encoding", "identity"], ["date", date.toUTCString()]];
}

export interface Sending {
  readonly origin: string;
  readonly fetch: typeof fetch;
  readonly configuration: KeyConfiguration;
  /** Ends the exchange, also while its reply is read. */
  readonly abort: AbortController;
  /** Called once, when nothing more comes. */
  readonly onEnd: () => void;
}

/** @throws GateError, PlainReply among it, or the reason of the abort. */
export async function send(message: Uint8Array, sending: Sending): Promise<Response> {
  const { body, openResponse } = await sealRequest(sending.configuration, message);
  try {
    const answer = await post(body, sending);
    await requireSealed(answer);
    const { status, fields, content } = await readResponse(openResponse(piecesOf(answer.body)));
    const stream = streamOf(content, sending);
    const headers = new Headers(fields.map(([name, value]) => [name, value]));
    if (!WITHOUT_CONTENT.includes(status)) return new Response(stream, { status, headers });
    // It is whole only when its end has been seen.
    await readStream(
      stream,
      0,
      () => new GateError("reply.broken", "content where there is none", { sent: true }),
    );
    return new Response(null, { status, headers });
  } catch (error) {
    sending.onEnd();
    throw failure(error, sending);
  }
}

async function post(body: Uint8Array, { origin, fetch, abort }: Sending): Promise<Response> {
  try {
    return await fetch(`${origin}${GATEWAY_PATH}`, {
      ...PRIVATELY,
      method: "POST",
      headers: { "content-type": FORMS.chunked.requestType },
      body: body.slice(),
      signal: abort.signal,
    });
  } catch (cause) {
    if (abort.signal.aborted) throw abort.signal.reason;
    throw new GateError("unreachable", `${origin}: nobody answered the sealed request`, {
      sent: true,
      cause,
    });
  }
}

async function requireSealed(answer: Response): Promise<void> {
  if (answer.ok && isType(answer.headers.get("content-type"), FORMS.chunked.responseType)) return;
  const body = await readStream(answer.body, MAX_PROBLEM, () => new Error("too long")).catch(
    () => new Uint8Array(),
  );
  throw new PlainReply({ status: answer.status, body });
}

/** Ends when the content does, with an error where that does, and at once when it is ended on purpose. */
function streamOf(content: AsyncGenerator<Uint8Array, void>, sending: Sending): ReadableStream<Uint8Array> {
  const { abort, onEnd } = sending;
  return new ReadableStream<Uint8Array>({
    start(controller) {
      const end = () => {
        onEnd();
        controller.error(abort.signal.reason);
      };
      abort.signal.addEventListener("abort", end, { once: true });
    },
    async pull(controller) {
      try {
        const { value, done } = await content.next();
        if (!done) return controller.enqueue(value);
        onEnd();
        controller.close();
      } catch (error) {
        onEnd();
        controller.error(failure(error, sending));
      }
    },
    cancel: (reason) => abort.abort(reason),
  });
}

/** What breaks off after the request was sealed was cut or changed by somebody between, unless it was ended on purpose. */
function failure(error: unknown, { abort }: Sending): unknown {
  if (abort.signal.aborted) return abort.signal.reason;
  if (error instanceof GateError) return error;
  const why = error instanceof Error ? error.message : "it broke off";
  return new GateError("reply.broken", `the reply is not whole: ${why}`, { sent: true, cause: error });
}
