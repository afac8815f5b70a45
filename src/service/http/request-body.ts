// Request bodies, read into memory up to a limit. One that says it is longer is refused before any of it is read.
import type { Context } from "hono";
import { readStream } from "../../protocol/encoding/read-stream.ts";
import { RequestProblem } from "../problem.ts";

/** @throws RequestProblem "too-large" | "unsupported-media-type" */
export async function readBody(c: Context, limit: number): Promise<Uint8Array> {
  if ((c.req.header("content-encoding") ?? "identity") !== "identity") {
    throw new RequestProblem("unsupported-media-type", "send the body without a content coding");
  }
  const length = c.req.header("content-length");
  const tooLarge = () => new RequestProblem("too-large", `the body is longer than ${limit} bytes`);
  if (length === undefined || c.req.header("transfer-encoding") !== undefined)
    return readStream(c.req.raw.body, limit, tooLarge);
  if (!(Number(length) <= limit)) throw tooLarge();
  const body = new Uint8Array(await c.req.arrayBuffer());
  if (body.length > limit) throw tooLarge();
  return body;
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
