// Defines the two ways in which a service fails those who ask it over HTTP: nobody answers, or the answer is no.
import { decodeUtf8 } from "../protocol/encoding/text.ts";
import { printable, recogniseAcrossCopies } from "../protocol/errors.ts";

/**
 * Nobody answered, or not in time, or the answer broke off. Nothing may be trusted on the strength of that; asking again is safe.
 * @example
 * ```ts
 * import { UnreachableError } from "touchstone/verifier";
 * const mayTryAgain = (error: unknown): boolean => error instanceof UnreachableError;
 * ```
 */
export class UnreachableError extends Error {
  static {
    recogniseAcrossCopies(UnreachableError, "UnreachableError");
  }

  override readonly name = "UnreachableError";

  constructor(message: string) {
    super(printable(message));
  }
}

/**
 * The service answered, and refuses: asking the same again changes nothing, unless its reason says that it will pass.
 * @example
 * ```ts
 * import { RefusedError } from "touchstone/verifier";
 * const statusOf = (error: unknown): number | null => (error instanceof RefusedError ? error.status : null);
 * ```
 */
export class RefusedError extends Error {
  static {
    recogniseAcrossCopies(RefusedError, "RefusedError");
  }

  override readonly name = "RefusedError";
  /** Status of the HTTP answer. */
  readonly status: number;
  /**
   * The code of its problem document, or `http-<status>` where it has none. It is the server's own word, so no union closes it; those of
   * a log are listed in openapi.yaml.
   */
  readonly code: string;

  constructor(status: number, code: string | null, message: string) {
    super(printable(message));
    this.status = status;
    this.code = code ?? `http-${status}`;
  }
}

/** What a service gives as its reason, each part short enough for one line. */
export interface Reason {
  /** Null where the body is no problem document, such as a proxy's. */
  readonly code: string | null;
  /** May be empty. */
  readonly detail: string;
}

/** Reads code and detail (or title) of a problem document (RFC 9457). Whatever else the body holds is not shown. */
export function readReason(body: Uint8Array): Reason {
  const { code, detail, title } = membersOf(body);
  return { code: typeof code === "string" ? inLine(code) : null, detail: inLine(detail) || inLine(title) };
}

function membersOf(body: Uint8Array): { code?: unknown; detail?: unknown; title?: unknown } {
  try {
    return Object(JSON.parse(decodeUtf8(body)));
  } catch {
    return {};
  }
}

function inLine(text: unknown): string {
  return typeof text === "string" ? printable(text, 300) : "";
}
