// Defines the error for files of the caller's own: what is wrong with one is no verdict on anything.
import { recogniseAcrossCopies } from "../protocol/errors.ts";

/**
 * A file or folder on this machine cannot be used for what it was named for: it is of something else, in use, or not to be replaced.
 * @example
 * ```ts
 * import { FileError } from "touchstone/verifier/node";
 * const fileAtFault = (error: unknown): string => (error instanceof FileError ? error.message : "");
 * ```
 */
export class FileError extends Error {
  static {
    recogniseAcrossCopies(FileError, "FileError");
  }

  override readonly name = "FileError";
  readonly path: string;

  constructor(path: string, reason: string) {
    super(`${path} ${reason}`);
    this.path = path;
  }
}
