// Fetches a JSON document of a log, such as a policy bundle: the document's bytes, or the reason that the log gives for having none.
import { MAX_BUNDLE_BYTES } from "../protocol/bundle/policy-bundle.ts";
import { MalformedError } from "../protocol/errors.ts";
import { type Answer, type Deadline, fetchAnswer } from "./fetch-answer.ts";
import { RefusedError, readReason } from "./service-errors.ts";

/** What may stand in front of a JSON value (RFC 8259 §2). */
const JSON_SPACE = [0x20, 0x09, 0x0a, 0x0d];

export interface AskForDocument {
  readonly fetch: typeof fetch;
  readonly signal?: AbortSignal | undefined;
  readonly deadline?: Deadline | undefined;
}

/**
 * The bytes as the service sends them, at most 8 MiB; nothing is verified by that.
 * @param path below the service's base URL `url`. @param format what is asked for, such as "policy bundle".
 * @throws RefusedError, UnreachableError; MalformedError for an answer that is longer, or no JSON object at all.
 */
export async function fetchDocument(
  url: string,
  path: string,
  format: string,
  { fetch, signal, deadline }: AskForDocument,
): Promise<Uint8Array> {
  const target = `${url.replace(/\/+$/, "")}${path}`;
  const tooLong = () => new MalformedError(format, `longer than ${MAX_BUNDLE_BYTES} bytes`);
  const answer = await fetchAnswer(target, { fetch, signal, deadline, limit: MAX_BUNDLE_BYTES, tooLong });
  if (answer.ok) return requireObject(answer, target, format);
  const { code, detail } = readReason(answer.body);
  const reason = detail === "" ? "" : `: ${detail}`;
  throw new RefusedError(answer.status, code, `${target}: answered ${answer.status}${reason}`);
}

/** A page that asks for a login is answered with 200, too. */
function requireObject({ headers, body }: Answer, target: string, format: string): Uint8Array {
  const start = body.find((byte) => !JSON_SPACE.includes(byte));
  if (start === "{".charCodeAt(0)) return body;
  const [type] = headers.get("content-type")?.split(";") ?? [
    body.length === 0 ? "nothing" : "something else",
  ];
  throw new MalformedError(format, `${target}: answered ${type}, not a ${format}`);
}
