// Says no: in the open to whoever cannot be answered under seal, and under seal to everybody else (RFC 9457).
import { utf8 } from "../../protocol/encoding/text.ts";
import type { Upstream } from "./forward.ts";

interface Problem {
  /** One of those that RFC 9458 registers. */
  readonly type?: "ohttp-key" | "date";
  readonly headers?: Readonly<Record<string, string>>;
}

const TYPE = "application/problem+json";

export function plainProblem(status: number, title: string, { type, headers }: Problem = {}): Response {
  return new Response(textOf(status, title, type), {
    status,
    headers: { ...headers, "content-type": TYPE, "cache-control": "no-store" },
  });
}

/** A reply in place of the service's. It has a date, by which a client can tell that its clock is wrong (RFC 9458 §6.5.2). */
export function problemReply(status: number, title: string, now: Date, type?: "date"): Upstream {
  async function* content() {
    yield utf8(textOf(status, title, type));
  }
  const fields = [
    ["content-type", TYPE],
    ["date", now.toUTCString()],
  ] as const;
  return { status, fields, content: content() };
}

function textOf(status: number, title: string, type: string | undefined): string {
  const uri = type === undefined ? "about:blank" : `https://iana.org/assignments/http-problem-types#${type}`;
  return JSON.stringify({ type: uri, title, status });
}
