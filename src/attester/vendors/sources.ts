// Reads what the vendors' services answered, from where a machine has it: files, folders that something else keeps fresh, or a cache near it.
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { fetchAnswer } from "../../verifier/fetch-answer.ts";
import { UnreachableError } from "../../verifier/service-errors.ts";
import { readSavedAnswer, type SavedAnswer } from "../forms/saved-answer.ts";

/** Sends one request; `globalThis.fetch` is one. */
export type Fetch = typeof fetch;

const MAX_ANSWER_BYTES = 1024 * 1024;
const MAX_FILES = 256;

export function isUrl(source: string): boolean {
  return /^https?:\/\//.test(source);
}

/** The file, or every file in the folder. @throws Error of the file system. */
export async function readFolder(path: string): Promise<SavedAnswer[]> {
  const files = (await stat(path)).isDirectory() ? await filesIn(path) : [path];
  return Promise.all(files.map(async (file) => readSavedAnswer(file, new Uint8Array(await readFile(file)))));
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !entry.name.startsWith("."));
  if (files.length > MAX_FILES) throw new RangeError(`${folder}: more than ${MAX_FILES} files`);
  return files.map(({ name }) => join(folder, name)).toSorted();
}

/** @throws UnreachableError for no answer, and for one that is an error. */
export async function ask(fetch: Fetch, url: string, init: RequestInit = {}): Promise<SavedAnswer> {
  const { ok, status, headers, body } = await fetchAnswer(url, {
    fetch,
    init,
    limit: MAX_ANSWER_BYTES,
    tooLong: () => new UnreachableError(`${url}: the answer is longer than ${MAX_ANSWER_BYTES} bytes`),
  });
  if (!ok) throw new UnreachableError(`${url}: answered ${status}`);
  return { name: url, headers: new Map(headers), body };
}
