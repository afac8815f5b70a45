// Delivers messages to a webhook, signed as Standard Webhooks 1.0.0 has it: HMAC-SHA-256 over id, time and body. A message that was not taken
// waits, longer each time, and keeps its id, by which a receiver knows it again.
import { createHmac } from "node:crypto";
import { MalformedError } from "../../protocol/errors.ts";
import { fetchAnswer } from "../../verifier/fetch-answer.ts";
import { RefusedError, UnreachableError } from "../../verifier/service-errors.ts";
import { findingId, type MonitorEvent } from "./findings-book.ts";
import type { MonitorStore } from "./monitor-store.ts";

const MAX_ANSWER_BYTES = 64 * 1024;
const MINUTE = 60_000;
const LONGEST_PAUSE = 60 * MINUTE;

export interface Webhook {
  readonly url: string;
  /** 24 to 64 bytes. */
  readonly secret: Uint8Array;
  readonly fetch: typeof fetch;
}

/** Reads a secret: `whsec_` and base64 of 24 to 64 bytes. @throws MalformedError, which repeats nothing of it. */
export function parseWebhookSecret(text: string): Uint8Array {
  const [, base64 = ""] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text.trim()) ?? [];
  const secret = Buffer.from(base64, "base64");
  if (secret.length < 24 || secret.length > 64)
    throw new MalformedError(
      "webhook secret",
      "expected whsec_ and base64 of 24 to 64 bytes, as `echo whsec_$(openssl rand -base64 32)` makes it",
    );
  return new Uint8Array(secret);
}

/** What a message says: a finding began or ended. */
export function messageOf({ type, at, origin, finding }: MonitorEvent): string {
  const { class: kind, code, subject, message, proof } = finding;
  return JSON.stringify({
    type: `touchstone.finding.${type}`,
    timestamp: at,
    data: { id: findingId(finding), origin, class: kind, code, subject, message, proof },
  });
}

/**
 * Sends what is due, oldest first. A receiver that does not answer is not asked again this time; one that refuses a message gets the others.
 * @returns why messages were not taken, one line each.
 */
export async function deliver(store: MonitorStore, webhook: Webhook, now: Date): Promise<string[]> {
  const problems: string[] = [];
  for (const { id, body, attempts } of store.due(now.getTime())) {
    const problem = await send(webhook, id, body, now);
    if (problem === null) {
      store.delivered(id);
      continue;
    }
    const pause = Math.min(LONGEST_PAUSE, MINUTE * 2 ** Math.min(attempts, 10));
    store.postpone(id, now.getTime() + pause);
    problems.push(problem.message);
    if (problem.unreachable) break;
  }
  return problems;
}

interface Undelivered {
  readonly message: string;
  readonly unreachable: boolean;
}

/** The signature over one message, the value of the header `webhook-signature`. */
export function signMessage(secret: Uint8Array, id: string, seconds: number, body: string): string {
  return `v1,${createHmac("sha256", secret).update(`${id}.${seconds}.${body}`).digest("base64")}`;
}

async function send(
  { url, secret, fetch }: Webhook,
  id: string,
  body: string,
  now: Date,
): Promise<Undelivered | null> {
  const seconds = Math.floor(now.getTime() / 1000);
  const headers = {
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": String(seconds),
    "webhook-signature": signMessage(secret, id, seconds, body),
  };
  // The path of a webhook is often its password.
  const { host } = new URL(url);
  try {
    const { ok, status } = await fetchAnswer(url, {
      fetch,
      init: { method: "POST", headers, body },
      limit: MAX_ANSWER_BYTES,
      tooLong: () => new UnreachableError("its answer is too long"),
    });
    return ok ? null : { message: `the webhook at ${host} answered ${status}`, unreachable: false };
  } catch (error) {
    if (error instanceof RefusedError) return { message: `the webhook at ${host} moved`, unreachable: false };
    if (!(error instanceof UnreachableError)) throw error;
    return { message: `the webhook at ${host} did not answer`, unreachable: true };
  }
}
