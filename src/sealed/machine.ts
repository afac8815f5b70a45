// Asks a machine for its keys and its evidence. Nothing that it answers is believed before it was appraised.
import { sha256 } from "../protocol/cryptography/hash.ts";
import { encodeHex } from "../protocol/encoding/hex.ts";
import { MalformedError } from "../protocol/errors.ts";
import { type Answer, fetchAnswer } from "../verifier/fetch-answer.ts";
import { readReason, UnreachableError } from "../verifier/service-errors.ts";
import { GateError } from "./gate-error.ts";
import { isType } from "./oblivious-http/form.ts";
import {
  KEYS_TYPE,
  type KeyConfiguration,
  MAX_KEYS_BYTES,
  parseKeyConfigurations,
} from "./oblivious-http/key-configuration.ts";

/** Where keys are, and where sealed requests go (RFC 9540). */
export const GATEWAY_PATH = "/.well-known/ohttp-gateway";
const EVIDENCE_PATH = "/.well-known/touchstone/evidence";
const MAX_EVIDENCE_BYTES = 4 * 1024 * 1024;

export interface Asking {
  /** Origin of the machine, such as https://llm.example */
  readonly origin: string;
  readonly fetch: typeof fetch;
  /** Milliseconds for a whole answer. */
  readonly timeout: number;
}

/** No answer of another origin or of a cache, and nothing by which the asker is known again. */
export const PRIVATELY = {
  credentials: "omit",
  redirect: "error",
  cache: "no-store",
  referrerPolicy: "no-referrer",
} as const satisfies RequestInit;

/** The first key of the one suite that the machine has. @throws GateError */
export async function fetchKey(asking: Asking): Promise<KeyConfiguration> {
  const answer = await ask(asking, GATEWAY_PATH, KEYS_TYPE, MAX_KEYS_BYTES);
  if (!answer.ok || !isType(answer.headers.get("content-type"), KEYS_TYPE))
    throw new GateError("keys", `${asking.origin} shows no keys to seal to: it answered ${describe(answer)}`);
  const [key] = readKeys(answer.body);
  if (key === undefined)
    throw new GateError("keys", `${asking.origin} has no key for X25519, HKDF-SHA256 and AES-128-GCM`);
  return key;
}

/** What the machine shows for this key and this nonce, not judged. @throws GateError */
export async function fetchEvidence(asking: Asking, key: Uint8Array, nonce: Uint8Array): Promise<Uint8Array> {
  const query = `nonce=${encodeHex(nonce)}&channel=hpke&key=${encodeHex(sha256(key))}`;
  const answer = await ask(asking, `${EVIDENCE_PATH}?${query}`, "application/json", MAX_EVIDENCE_BYTES);
  if (answer.status !== 200)
    throw new GateError(
      "evidence.unavailable",
      `${asking.origin} shows no evidence: it answered ${describe(answer)}`,
    );
  return answer.body;
}

function readKeys(body: Uint8Array): KeyConfiguration[] {
  try {
    return parseKeyConfigurations(body);
  } catch (cause) {
    throw new GateError("keys", cause instanceof Error ? cause.message : "no keys", { cause });
  }
}

async function ask(
  { origin, fetch, timeout }: Asking,
  path: string,
  type: string,
  limit: number,
): Promise<Answer> {
  const tooLong = () => new MalformedError("answer", `longer than ${limit} bytes`);
  const init = { ...PRIVATELY, headers: { accept: type } };
  const deadline = { wholeMs: timeout, idleMs: timeout };
  try {
    return await fetchAnswer(`${origin}${path}`, { fetch, init, limit, tooLong, deadline });
  } catch (cause) {
    if (cause instanceof UnreachableError) throw new GateError("unreachable", cause.message, { cause });
    if (cause instanceof MalformedError)
      throw new GateError("evidence.format", `${origin}${path.split("?")[0]}: ${cause.detail}`, { cause });
    throw cause;
  }
}

/** An answer that is none, in a few words of its sender's. */
export function describe({ status, body }: Pick<Answer, "status" | "body">): string {
  const { detail } = readReason(body);
  return detail === "" ? `${status}` : `${status} (“${detail}”)`;
}
