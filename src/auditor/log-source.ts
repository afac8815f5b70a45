// Opens the place that an audit reads a log from: an HTTP prefix (C2SP tlog-tiles) or a folder with the same paths. Nothing that comes back
// is trusted: every answer has a largest length and a latest time.
import { closeSync, constants, existsSync, fstatSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ReadPath } from "../log/maintenance/recover.ts";
import { FileError } from "../node/file-error.ts";
import { MAX_ATTACHMENT_BYTES } from "../protocol/entry/attachment.ts";
import { MAX_NOTE_BYTES } from "../protocol/note/signed-note.ts";
import { type AskOptions, DEADLINE, fetchAnswer } from "../verifier/fetch-answer.ts";
import { askedAfter } from "../verifier/min-size.ts";
import { RefusedError } from "../verifier/service-errors.ts";
import { WrongAnswerError } from "./audit-finding.ts";

const TILE_BYTES = 256 * 32;
const BUNDLE_BYTES = 256 * (2 + 65_535);
/** Whoever opens a pipe would wait for its writer otherwise, with the whole program. Windows has neither. */
const READ = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

export interface SourceOptions {
  readonly fetch: typeof fetch;
  /** Time for one whole answer. */
  readonly timeoutMs?: number;
  /** Pauses before the second and later attempts, when a request fails or is answered 429 or 5xx. */
  readonly retryDelaysMs?: readonly number[];
}

/**
 * A reader of paths below `prefix`: `http(s)://…`, `file:…` or a folder. It gives undefined where there is nothing, and throws
 * RefusedError, UnreachableError, FileError for what a folder does not let us read, or WrongAnswerError "answer-too-long".
 */
export function openSource(prefix: string, options: SourceOptions): ReadPath {
  if (/^https?:\/\//.test(prefix)) return httpSource(prefix.replace(/\/+$/, ""), options);
  const folder = prefix.startsWith("file:") ? fileURLToPath(prefix) : prefix;
  return async (path) => readFile(folder, path);
}

function limitOf(path: string): number {
  if (path === "checkpoint" || path.startsWith("v1/confirmations/")) return MAX_NOTE_BYTES;
  if (path.startsWith("tile/entries/")) return BUNDLE_BYTES;
  return path.startsWith("tile/") ? TILE_BYTES : MAX_ATTACHMENT_BYTES;
}

function tooLong(path: string): WrongAnswerError {
  return new WrongAnswerError("answer-too-long", `${path}: the answer is longer than ${limitOf(path)} bytes`);
}

function httpSource(prefix: string, options: SourceOptions): ReadPath {
  const { fetch, timeoutMs = 60_000, retryDelaysMs = [250, 1000, 4000] } = options;
  const deadline = { wholeMs: timeoutMs, idleMs: Math.min(timeoutMs, DEADLINE.idleMs) };
  return async (path, seen = 0) => {
    for (let attempt = 0; ; attempt++) {
      try {
        return await get(prefix, path, { fetch, deadline, init: askedAfter(seen) });
      } catch (error) {
        if (error instanceof WrongAnswerError || isFinal(error)) throw error;
        const pause = retryDelaysMs[attempt];
        // A log that went back never has what was seen: what it has is asked for in the end, so that this is found out.
        if (pause === undefined && seen > 0 && isUnavailable(error))
          return get(prefix, path, { fetch, deadline });
        if (pause === undefined) throw error;
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  };
}

function isUnavailable(error: unknown): boolean {
  return error instanceof RefusedError && error.status === 503;
}

/** 429 and 5xx may pass. */
function isFinal(error: unknown): boolean {
  return error instanceof RefusedError && error.status !== 429 && error.status < 500;
}

type Asking = Pick<AskOptions, "fetch" | "deadline" | "init">;

async function get(prefix: string, path: string, ask: Asking): Promise<Uint8Array | undefined> {
  const target = `${prefix}/${path}`;
  const options = { ...ask, limit: limitOf(path), tooLong: () => tooLong(path) };
  const { ok, status, body } = await fetchAnswer(target, options);
  if (status === 404 || status === 410) return undefined;
  if (!ok) throw new RefusedError(status, null, `${target}: answered ${status}`);
  return body;
}

/** At once: what is in memory already takes microseconds, where a file that is opened and read by the thread pool takes ten times that. */
function readFile(folder: string, path: string): Uint8Array | undefined {
  try {
    const file = openSync(join(folder, path), READ);
    try {
      const stats = fstatSync(file);
      // Of a pipe or a device the size says nothing.
      if (!stats.isFile()) throw new Error("it is not a file");
      if (stats.size > limitOf(path)) throw tooLong(path);
      const { buffer, byteOffset, length } = readFileSync(file);
      return new Uint8Array(buffer, byteOffset, length);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (error instanceof WrongAnswerError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    // Of a file there is no path that ends so.
    if (code === "ENOENT" && existsSync(`${folder}/`)) return undefined;
    throw new FileError(join(folder, path), `cannot be read: ${message}`);
  }
}
