// Answers /.well-known/ohttp-gateway inside the machine: shows the keys, opens requests, passes them on over loopback, and seals the reply
// (RFC 9458, RFC 9540, draft-ietf-ohai-chunked-ohttp-08).
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { readStream } from "../../protocol/encoding/read-stream.ts";
import { MalformedError, VerificationError } from "../../protocol/errors.ts";
import { type BinaryRequest, readRequest } from "../../sealed/binary-http/request.ts";
import { FORMS, type Form, isType } from "../../sealed/oblivious-http/form.ts";
import { type OpenedRequest, openRequest } from "../../sealed/oblivious-http/gateway.ts";
import { encodeKeyConfigurations, KEYS_TYPE } from "../../sealed/oblivious-http/key-configuration.ts";
import type { Forward, Upstream } from "./forward.ts";
import { plainProblem, problemReply } from "./problem.ts";
import { ReplayMemory } from "./replay-memory.ts";
import { type Guest, Room } from "./room.ts";
import type { RotatingKeys } from "./rotating-keys.ts";
import { sealReply } from "./seal-reply.ts";

export interface GatewayOptions {
  readonly keys: RotatingKeys;
  readonly forward: Forward;
  readonly now: () => Date;
  /** Host and port by which clients know the machine, such as llm.example: what was meant for another one is not passed on. */
  readonly authorities: readonly string[];
  /** Requests that may be under way; more are refused with 503. 256 unless given. */
  readonly maxUnderWay?: number;
  /** Bytes of sealed requests that may be held at once, until their replies have ended; 256 MiB unless given. */
  readonly maxHeld?: number;
  /** Bytes of a request's content; 16 MiB unless given. */
  readonly maxContent?: number;
}

const MIB = 1024 * 1024;
/** Requests that are remembered for ten minutes, 300 a second: 20 MB. */
const MAX_REMEMBERED = 200_000;
/** Seconds that keys may be cached: far below the day after which they are replaced. */
const KEYS_MAX_AGE = 3600;
/** What sealing may add to a request: its head, and 20 bytes for each chunk, of which a client may make many. */
const OVERHEAD = MIB;

/** Any page may ask, since nothing here depends on who asks: there are no cookies. */
const CORS = {
  "access-control-allow-origin": "*",
  "access-control-allow-methods": "GET, POST",
  "access-control-allow-headers": "content-type",
  "access-control-max-age": "86400",
};

/** A proxy that waits for more before it passes something on would hold up each word (draft-ietf-httpbis-incremental). */
const NOT_KEPT_BACK = { "cache-control": "no-store", incremental: "?1", "x-accel-buffering": "no" };

export class Gateway {
  readonly #options: GatewayOptions;
  readonly #replays = new ReplayMemory(MAX_REMEMBERED);
  readonly #maxContent: number;
  readonly #room: Room;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#maxContent = options.maxContent ?? 16 * MIB;
    this.#room = new Room(options.maxUnderWay ?? 256, options.maxHeld ?? 256 * MIB);
  }

  /** Requests whose reply has not ended. */
  get underWay(): number {
    return this.#room.requests;
  }

  async fetch(request: Request): Promise<Response> {
    await this.#options.keys.rotate();
    const response = await this.#route(request);
    for (const [name, value] of Object.entries(CORS)) response.headers.set(name, value);
    return response;
  }

  async #route(request: Request): Promise<Response> {
    if (request.method === "OPTIONS") return new Response(null, { status: 204 });
    if (request.method === "GET") return this.#showKeys();
    if (request.method === "POST") return this.#take(request);
    return plainProblem(405, "GET shows the keys, POST takes a sealed request", {
      headers: { allow: "GET, POST" },
    });
  }

  #showKeys(): Response {
    const headers = { "content-type": KEYS_TYPE, "cache-control": `max-age=${KEYS_MAX_AGE}` };
    return new Response(encodeKeyConfigurations(this.#options.keys.published).slice(), { headers });
  }

  async #take(request: Request): Promise<Response> {
    const type = request.headers.get("content-type");
    const form = (["chunked", "whole"] as const).find((known) => isType(type, FORMS[known].requestType));
    if (form === undefined) return plainProblem(415, "expected a sealed request");
    // Nobody waits in here: who is refused at once can go elsewhere.
    const guest = this.#room.enter();
    if (guest === null) return tooMuch();
    try {
      const opened = await this.#open(request, form, guest);
      if (!(opened instanceof Response)) return await this.#answer(opened, form, request.signal, guest.leave);
      guest.leave();
      return opened;
    } catch (error) {
      guest.leave();
      throw error;
    }
  }

  /** What does not open is refused with the same words whatever the reason is: nobody learns from them how something was sealed. */
  async #open(request: Request, form: Form, guest: Guest): Promise<OpenedRequest | Response> {
    const full = new Error("no room");
    const transform = (piece: Uint8Array, controller: TransformStreamDefaultController<Uint8Array>) => {
      if (guest.hold(piece.length)) controller.enqueue(piece);
      else controller.error(full);
    };
    const held = request.body?.pipeThrough(new TransformStream({ transform }));
    try {
      const tooLong = () => new RangeError("the request is too long");
      const body = await readStream(held, this.#maxContent + OVERHEAD, tooLong);
      return await openRequest(body, (id) => this.#options.keys.find(id), form);
    } catch (error) {
      if (error === full) return tooMuch();
      if (error instanceof RangeError) return plainProblem(413, error.message);
      if (!(error instanceof MalformedError || error instanceof VerificationError)) throw error;
      return plainProblem(400, "Oblivious HTTP key configuration not acceptable", { type: "ohttp-key" });
    }
  }

  /** Everything from here on is said under seal. */
  async #answer(
    opened: OpenedRequest,
    form: Form,
    signal: AbortSignal,
    leave: () => void,
  ): Promise<Response> {
    const hungUp = new AbortController();
    const ended = AbortSignal.any([signal, hungUp.signal]);
    ended.addEventListener("abort", leave, { once: true });
    const reply = await this.#reply(opened, ended);
    const pieces = sealReply(reply, await opened.sealResponse(), form);
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        try {
          const { value, done } = await pieces.next();
          if (!done) return controller.enqueue(value);
          leave();
          controller.close();
        } catch (error) {
          hungUp.abort();
          controller.error(error);
        }
      },
      cancel: () => hungUp.abort(),
    });
    return new Response(body, { headers: { "content-type": FORMS[form].responseType, ...NOT_KEPT_BACK } });
  }

  async #reply({ message, encapsulated }: OpenedRequest, signal: AbortSignal): Promise<Upstream> {
    const now = this.#options.now();
    const refuse = (status: number, title: string, type?: "date") => problemReply(status, title, now, type);
    const request = await this.#read(message);
    if (request === null) return refuse(400, "not a binary HTTP request");
    switch (this.#replays.check(encodeHex(encapsulated), dateOf(request), now.getTime())) {
      case "date":
        return refuse(400, "date field in request outside of acceptable range", "date");
      case "repeated":
        return refuse(400, "this request has been answered");
      case "full":
        return refuse(503, "too many requests have been answered lately");
    }
    if (!this.#options.authorities.includes(authorityOf(request)))
      return refuse(421, "the request is for another machine");
    try {
      return await this.#options.forward(request, signal);
    } catch {
      return refuse(502, "the service does not answer");
    }
  }

  async #read(message: Uint8Array): Promise<BinaryRequest | null> {
    try {
      return await readRequest(message, this.#maxContent);
    } catch (error) {
      if (error instanceof MalformedError) return null;
      throw error;
    }
  }
}

function tooMuch(): Response {
  return plainProblem(503, "too many requests are under way", { headers: { "retry-after": "1" } });
}

/** In milliseconds; NaN where there is none, or two, or one of another form than IMF-fixdate (RFC 9110 §5.6.7). */
function dateOf({ fields }: BinaryRequest): number {
  const dates = fields.filter(([name]) => name === "date").map(([, value]) => value);
  const date = new Date(dates.length === 1 ? (dates[0] ?? "") : "");
  return date.toString() !== "Invalid Date" && date.toUTCString() === dates[0] ? date.getTime() : Number.NaN;
}

function authorityOf({ authority, fields }: BinaryRequest): string {
  const host = fields.find(([name]) => name === "host")?.[1] ?? "";
  return (authority === "" ? host : authority).toLowerCase();
}
