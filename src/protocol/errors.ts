// Defines the three ways in which a check can end badly. Broken bytes, broken proof, and "valid, but not acceptable now" are kept apart,
// because what the reader has to do about each of them differs.

/** Text that may hold a stranger's, fit for a terminal: cut, and nothing in it moves the cursor or turns the direction of reading. */
export function printable(text: string, most = 4096): string {
  return text.slice(0, most).replace(/[\p{Control}\p{Bidi_Control}]/gu, " ");
}

/**
 * Lets `instanceof` know an error of `errorClass` from whichever copy of this file it comes. A program may hold two: the verifier is also a
 * package of its own, and both packages have the same files. The mark is on the prototype, under a symbol that all copies share.
 */
export function recogniseAcrossCopies(errorClass: { readonly prototype: Error }, name: string): void {
  const mark = Symbol.for(`touchstone.${name}`);
  Object.defineProperty(errorClass.prototype, mark, { value: true });
  Object.defineProperty(errorClass, Symbol.hasInstance, {
    value(value: unknown) {
      if (this === errorClass) return Object(value)[mark] === true;
      // A class that extends this one inherits the method, and is asked about as JavaScript does.
      return Error[Symbol.hasInstance].call(this, value);
    },
  });
}

/**
 * Untrusted bytes are not of the format they claim. Every parser throws this and nothing else.
 * @example
 * ```ts
 * import { MalformedError, parseCheckpoint } from "touchstone/protocol";
 * try {
 *   parseCheckpoint("not a checkpoint");
 * } catch (error) {
 *   if (error instanceof MalformedError) console.error(error.format, error.message);
 * }
 * ```
 */
export class MalformedError extends Error {
  override readonly name = "MalformedError";
  /** The format that was expected, such as "checkpoint" or "TDX quote". */
  readonly format: string;
  /** What is wrong, without format and place. */
  readonly detail: string;
  /** JSON pointer (RFC 6901; "" is the whole document), byte offset or line that is at fault, where known. */
  readonly at: string | undefined;

  static {
    recogniseAcrossCopies(MalformedError, "MalformedError");
  }

  constructor(format: string, detail: string, at?: string | number) {
    super(printable(`${format}: ${detail}${at === undefined || at === "" ? "" : ` (at ${at})`}`));
    this.format = format;
    this.detail = printable(detail);
    this.at = at === undefined ? undefined : String(at);
  }
}

/**
 * A signature, hash or proof does not hold: the data is forged, damaged or from another log.
 *
 * Each part of the library has one union of codes, named where the error is made: `new VerificationError<TdxCode>(…)`. Without a union no
 * code is allowed.
 * @example
 * ```ts
 * import { VerificationError } from "touchstone/protocol";
 * const isForged = (error: unknown): boolean => error instanceof VerificationError;
 * ```
 */
export class VerificationError<Code extends string = never> extends Error {
  override readonly name = "VerificationError";
  readonly code: Code;

  static {
    recogniseAcrossCopies(VerificationError, "VerificationError");
  }

  constructor(code: NoInfer<Code>, message: string) {
    super(printable(message));
    this.code = code;
  }
}

/**
 * Everything verifies, but the rules do not accept it now: expired, revoked, rolled back, below a floor. Codes as in `VerificationError`.
 * @example
 * ```ts
 * import { PolicyError } from "touchstone/protocol";
 * const whyRefused = (error: unknown): string => (error instanceof PolicyError ? `not acceptable now: ${error.code}` : "");
 * ```
 */
export class PolicyError<Code extends string = never> extends Error {
  override readonly name = "PolicyError";
  readonly code: Code;

  static {
    recogniseAcrossCopies(PolicyError, "PolicyError");
  }

  constructor(code: NoInfer<Code>, message: string) {
    super(printable(message));
    this.code = code;
  }
}
