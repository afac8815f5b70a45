// Turns errors into what clients see: RFC 9457 problem details with a stable `code`. The table is the whole of what the service may say;
// what is not in it is "internal" and says nothing but its request id.
import * as z from "zod";
import { BatchRefusedError, LogUnavailableError, type UnavailableCode } from "../log/errors.ts";
import { MalformedError, PolicyError, VerificationError } from "../protocol/errors.ts";
import type { RefusalCode } from "../protocol/registration/refusal.ts";

/** Status and title of every refusal of the registration rules. */
const REFUSALS: Readonly<Record<RefusalCode, readonly [number, string]>> = {
  "attachment-missing": [422, "An attachment of the entry did not come with it"],
  "below-svn-floor": [422, "The policy refers to a release below its own floor"],
  "identity-refused": [403, "The identity rule does not take the token"],
  "identity-taken": [409, "Another payload has this kind, name and version"],
  "key-revoked": [403, "A key that signed is revoked"],
  "lifetime-too-long": [422, "The document is valid for longer than the trust root allows"],
  "log-closed": [503, "The log is closed"],
  "not-authorised": [403, "The trust root does not allow these keys to publish this"],
  "profile-incoherent": [422, "A profile is not one release set"],
  "recorded-at-wrong": [422, "The recorded time goes back"],
  "reference-missing": [422, "A referenced entry is not in the log"],
  "reference-revoked": [422, "A referenced entry is revoked"],
  "reference-wrong": [422, "A reference names another entry than its digest"],
  "revocation-target": [422, "The target cannot be revoked"],
  "status-capacity": [422, "A status could not hold it"],
  "status-not-true": [422, "The status differs from what the log says"],
  "successor-not-true": [422, "The final size and root are not those of the log"],
  "token-used": [409, "The token was used before"],
  "trust-root-not-first": [409, "The first entry must be a trust root"],
  "trust-root-not-usable": [422, "The trust root cannot be worked with"],
  "wrong-origin": [422, "The document was signed for another log"],
  "wrong-predecessor": [409, "It does not follow the newest version in the log"],
};

const UNAVAILABLE: Readonly<Record<UnavailableCode, readonly [number, string]>> = {
  "queue-full": [503, "Too many entries are waiting"],
  "quorum-lost": [503, "Too few witnesses answer"],
  "storage-failed": [503, "The log cannot write"],
  "no-leader": [503, "The log changes hands"],
  "log-stopped": [503, "The log has stopped"],
  "index-not-ready": [503, "The index is being built"],
  "shutting-down": [503, "The service is shutting down"],
};

/** What HTTP itself, signatures and formats can go wrong with. */
const REQUESTS = {
  malformed: [400, "The request cannot be read"],
  "invalid-parameter": [400, "A parameter is not valid"],
  "signature-missing": [401, "There is no signature"],
  "signature-unknown-key": [401, "A signature is by an unknown key"],
  "signature-invalid": [401, "A signature does not verify"],
  "token-invalid": [401, "A token is not one of its provider"],
  "not-found": [404, "There is nothing here"],
  "index-not-kept": [404, "The log keeps no index"],
  "beyond-tree": [404, "The published tree is smaller than that"],
  "receipts-off": [404, "The trust root lists no key for this"],
  "method-not-allowed": [405, "The method is not allowed here"],
  "not-acceptable": [406, "There is no such form of this"],
  "too-large": [413, "The request is too large"],
  "unsupported-media-type": [415, "The content type is not supported"],
  misdirected: [421, "No such log is served here"],
  "invalid-entry": [422, "The entry does not fit its schema"],
  "document-expired": [422, "The document has expired"],
  "document-ahead-of-clock": [422, "The document is dated in the future"],
  "too-many-requests": [429, "Too many requests"],
  behind: [503, "The service is behind the log"],
  internal: [500, "The service failed"],
  "bundle-not-acceptable": [503, "There is no bundle that a verifier would accept"],
  "no-receipt-key": [503, "This server has no receipt key"],
  "timed-out": [503, "The request took too long"],
} as const satisfies Record<string, readonly [number, string]>;

export type ProblemCode = RefusalCode | UnavailableCode | keyof typeof REQUESTS;

export const PROBLEMS: Readonly<Record<ProblemCode, readonly [number, string]>> = {
  ...REFUSALS,
  ...UNAVAILABLE,
  ...REQUESTS,
};
export const PROBLEM_CODES = Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]];

export const PROBLEM_MEDIA_TYPE = "application/problem+json";

export const problem = z
  .strictObject({
    type: z.string().describe("urn:touchstone:problem:<code>"),
    title: z.string(),
    status: z.int().min(400).max(599),
    code: z.enum(PROBLEM_CODES).describe("Stable name of the problem: decide by this, never by the texts"),
    detail: z.string().describe("What is wrong with this request, and what to do"),
    pointer: z
      .string()
      .optional()
      .describe(
        "JSON pointer (RFC 6901) to what is wrong, in the envelope, or in the statement for format 'statement'",
      ),
    format: z.string().optional().describe("The format that could not be read, such as JSON or statement"),
    line: z.int().min(1).optional().describe("Line of the batch that refuses it whole, counted from 1"),
    reason: z.string().optional().describe("Code of the bundle verifier, where it refused"),
    requestId: z.string().describe("Names the request in the service's log"),
  })
  .meta({ id: "Problem", description: "Problem details (RFC 9457)" });
export type Problem = z.infer<typeof problem>;

export type ProblemFields = Pick<Problem, "pointer" | "format" | "line" | "reason">;

/** A problem that a route found itself. */
export class RequestProblem extends Error {
  override readonly name = "RequestProblem";
  readonly code: ProblemCode;
  readonly fields: ProblemFields;

  constructor(code: ProblemCode, detail: string, fields: ProblemFields = {}) {
    super(detail);
    this.code = code;
    this.fields = fields;
  }
}

/** Seconds after which trying again may help, for the codes where waiting does. */
const RETRY_AFTER: Partial<Record<ProblemCode, number>> = {
  "queue-full": 1,
  "quorum-lost": 10,
  "storage-failed": 30,
  "no-leader": 2,
  behind: 2,
  "log-stopped": 300,
  "log-closed": 86_400,
  "index-not-ready": 5,
  "shutting-down": 5,
  "bundle-not-acceptable": 5,
  "timed-out": 5,
  "too-many-requests": 60,
};

export function retryAfterOf(code: ProblemCode): number | undefined {
  return RETRY_AFTER[code];
}

/** The problem of any error. One that is not ours, or of a code that is not in the table, is "internal" and tells nothing. */
export function problemOf(error: unknown, requestId: string): Problem {
  const { code, detail, fields } = explain(error);
  const [status, title] = PROBLEMS[code];
  return { type: `urn:touchstone:problem:${code}`, title, status, code, detail, ...fields, requestId };
}

interface Explanation {
  readonly code: ProblemCode;
  readonly detail: string;
  readonly fields: ProblemFields;
}

function explain(error: unknown): Explanation {
  if (error instanceof RequestProblem)
    return { code: error.code, detail: error.message, fields: error.fields };
  if (error instanceof BatchRefusedError) {
    const { code, detail, fields } = explain(error.cause);
    return { code, detail, fields: { ...fields, line: error.position + 1 } };
  }
  if (error instanceof MalformedError) return explainMalformed(error);
  const known =
    error instanceof PolicyError ||
    error instanceof VerificationError ||
    error instanceof LogUnavailableError;
  if (known && isProblemCode(error.code)) return { code: error.code, detail: error.message, fields: {} };
  return { code: "internal", detail: "an error of the service; its log names this request", fields: {} };
}

/** What is not the text of an entry (JSON, UTF-8, base64, the frame of a batch) is malformed; above that, it is read but does not fit. */
function explainMalformed({ format, at, message }: MalformedError): Explanation {
  if (format === "JSON" || format === "UTF-8" || format === "base64" || format === "batch") {
    return { code: "malformed", detail: message, fields: { format } };
  }
  // The one thing that has no place within the envelope is its length.
  if (format === "DSSE envelope" && at === undefined)
    return { code: "too-large", detail: message, fields: { format } };
  const pointer = at === undefined || at.startsWith("/") ? (at ?? "") : undefined;
  return {
    code: "invalid-entry",
    detail: message,
    fields: { format, ...(pointer === undefined ? {} : { pointer }) },
  };
}

function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(PROBLEMS, code);
}
