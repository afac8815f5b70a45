// Reads request bodies up to a limit, counted against what all bodies together may hold. One that says it is longer is refused before
// any of it is read.
import type { Context } from "hono";
import { RequestProblem } from "../problem.ts";
import type { BodyBudget, HeldBody } from "./body-budget.ts";
import { ByteBuffer } from "./byte-buffer.ts";

/** A body of no more than Node keeps of a connection's header fields anyway is read at once and not counted. */
const UNCOUNTED_BYTES = 16_384;

/** Reads a whole body. @throws RequestProblem "too-large" | "unsupported-media-type" | "queue-full" */
export async function readBody(c: Context, limit: number, budget: BodyBudget): Promise<Uint8Array> {
  const length = requireLength(c, limit);
  if (length !== undefined && length <= UNCOUNTED_BYTES) {
    const body = new Uint8Array(await c.req.arrayBuffer());
    if (body.length > limit) throw tooLarge(limit);
    return body;
  }
  const held = budget.open();
  try {
    const body = new ByteBuffer();
    for await (const chunk of chunksOf(c, limit, held)) body.append(chunk);
    return body.take();
  } finally {
    held.release();
  }
}

/**
 * Reads a body as it arrives. Its bytes count until `held` is released, whatever is kept of them.
 * @throws RequestProblem as readBody does.
 */
export async function* readChunks(c: Context, limit: number, held: HeldBody): AsyncGenerator<Uint8Array> {
  requireLength(c, limit);
  yield* chunksOf(c, limit, held);
}

async function* chunksOf(c: Context, limit: number, held: HeldBody): AsyncGenerator<Uint8Array> {
  const reader = c.req.raw.body?.getReader();
  const stop = () => void reader?.cancel().catch(() => undefined);
  held.signal.addEventListener("abort", stop, { once: true });
  let length = 0;
  try {
    for (;;) {
      const { value } = (await reader?.read()) ?? {};
      held.signal.throwIfAborted();
      if (value === undefined) return held.complete();
      length += value.length;
      if (length > limit) throw tooLarge(limit);
      held.take(value.length);
      yield value;
    }
  } finally {
    held.signal.removeEventListener("abort", stop);
    stop();
  }
}

/** The length that a body says it has; undefined where it does not say. @throws RequestProblem */
function requireLength(c: Context, limit: number): number | undefined {
  if ((c.req.header("content-encoding") ?? "identity") !== "identity") {
    throw new RequestProblem("unsupported-media-type", "send the body without a content coding");
  }
  const length = c.req.header("content-length");
  if (length === undefined || c.req.header("transfer-encoding") !== undefined) return undefined;
  if (!(Number(length) <= limit)) throw tooLarge(limit);
  return Number(length);
}

function tooLarge(limit: number): RequestProblem {
  return new RequestProblem("too-large", `the body is longer than ${limit} bytes`);
}

/** The media type of the body must be one of these; parameters beside charset=utf-8 are refused. */
export function requireMediaType(c: Context, accepted: readonly string[]): void {
  const value = c.req.header("content-type") ?? "";
  const [type = "", ...parameters] = value.split(";").map((part) => part.trim().toLowerCase());
  if (
    !accepted.includes(type) ||
    parameters.some((parameter) => parameter.replaceAll('"', "") !== "charset=utf-8")
  ) {
    throw new RequestProblem("unsupported-media-type", `send ${accepted.join(" or ")}`);
  }
}
