// Reads a quilt series (quilt(1), "series file"): a directory of patches and a file that lists them in order of application. Names
// come from whoever wrote the series, so each must lead to a regular file inside that very directory, through no symbolic link.
import { lstat, realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import { decodeUtf8 } from "../../../protocol/encoding/text.ts";
import { fileName } from "../../../protocol/entry/fields.shape.ts";
import { MalformedError } from "../../../protocol/errors.ts";
import { withFile } from "../files/random-access.ts";
import { countPatches } from "./count-patches.ts";

const FORMAT = "quilt series";
const MAX_SERIES = 1024 * 1024;
const MAX_PATCHES = 10_000;
const MAX_PATCH = 16 * 1024 * 1024;
const MAX_TOTAL = 256 * 1024 * 1024;
/** How many leading folders are stripped, and how much context may differ: neither changes what a patch says. */
const OPTION = /^-(?:p(?:ab|[0-9]{1,2})|F[0-9]{1,2})$/;
const WITH_VALUE = /^-[pF]$/;
const REVERSED = /^(?:-R|--reverse)$/;
const PACKED = /\.(?:gz|bz2|xz|zst|Z)$/;

export interface SeriesPatch {
  /** Name as the series lists it, relative to the directory, with / as separator. */
  readonly fileName: string;
  readonly bytes: Uint8Array;
}

/**
 * Reads every patch that `directory/series` lists, in order.
 * @param seriesFile another file of that directory to take the list from, such as "series-rt".
 * @throws MalformedError naming the series line, for a name that leaves the directory, a duplicate, a missing file, a
 * symbolic link, an unknown option, a reversed or compressed patch, several patches in one file, or more than 10,000 patches or 256 MiB.
 */
export async function readSeries(directory: string, seriesFile = "series"): Promise<SeriesPatch[]> {
  const root = await realpath(directory);
  const path = await resolveInside(root, seriesFile, `${FORMAT} ${seriesFile}`);
  const names = parseSeries(await readText(path), path);
  const patches: SeriesPatch[] = [];
  let total = 0;
  for (const { name, line } of names) {
    const bytes = await readPatch(root, name, `${FORMAT} ${path}`, line);
    total += bytes.length;
    if (total > MAX_TOTAL) throw fail(path, line, `the patches have more than ${MAX_TOTAL} bytes together`);
    patches.push({ fileName: name, bytes });
  }
  return patches;
}

interface SeriesLine {
  readonly name: string;
  readonly line: number;
}

/** The names of a series file, in order. `path` is for messages. */
export function parseSeries(text: string, path: string): SeriesLine[] {
  const names: SeriesLine[] = [];
  const seen = new Set<string>();
  for (const [i, content] of text.split("\n").entries()) {
    const [written, ...options] = content
      .replace(/(?:^|\s)#.*$/, "")
      .split(/\s+/)
      .filter((word) => word !== "");
    if (written === undefined) continue;
    const name = written.replace(/^(?:\.\/)+/, "");
    checkName(name, path, i + 1);
    for (const option of joinValues(options)) checkOption(option, path, i + 1);
    if (seen.has(name)) throw fail(path, i + 1, `${name} is listed twice`);
    if (names.length === MAX_PATCHES) throw fail(path, i + 1, `more than ${MAX_PATCHES} patches`);
    seen.add(name);
    names.push({ name, line: i + 1 });
  }
  return names;
}

function checkName(name: string, path: string, line: number): void {
  if (fileName.safeParse(name).error !== undefined)
    throw fail(
      path,
      line,
      `${JSON.stringify(name.slice(0, 300))} is not a relative file name inside the series' directory`,
    );
  if (PACKED.test(name)) throw fail(path, line, `${name} is compressed; unpack the series first`);
}

/** `-p 1` is `-p1`. */
function joinValues(words: readonly string[]): string[] {
  const options: string[] = [];
  for (const word of words) {
    const last = options.at(-1);
    if (last !== undefined && WITH_VALUE.test(last)) options[options.length - 1] = last + word;
    else options.push(word);
  }
  return options;
}

function checkOption(option: string, path: string, line: number): void {
  if (REVERSED.test(option))
    throw fail(path, line, "a reversed patch (-R) is not what its file says; list the reverse patch instead");
  if (!OPTION.test(option))
    throw fail(
      path,
      line,
      `the option ${JSON.stringify(option.slice(0, 100))} may change what the patch does; only -p and -F are accepted`,
    );
}

async function readPatch(root: string, name: string, format: string, line: number): Promise<Uint8Array> {
  const path = await resolveInside(root, name, format, line);
  return await withFile(path, "patch", async (file) => {
    if (file.size > MAX_PATCH)
      throw file.malformed(`a patch of ${file.size} bytes, at most ${MAX_PATCH} are read`, 0);
    const bytes = await file.read(0, file.size, "the patch");
    const patches = countPatches(bytes);
    if (patches > 1)
      throw file.malformed(`${patches} patches in one file; make it one file each (git mailsplit)`, 0);
    return bytes;
  });
}

/** The path of `name` under `root`. No part of it may be a symbolic link: what it points to can change or lie elsewhere. */
async function resolveInside(root: string, name: string, format: string, line?: number): Promise<string> {
  const at = line === undefined ? undefined : `line ${line}`;
  const path = join(root, name);
  const real = await realpath(path).catch(() => undefined);
  if (real === undefined && !(await exists(path)))
    throw new MalformedError(format, `${name} does not exist`, at);
  if (real !== path || dirname(path).length < root.length)
    throw new MalformedError(format, `${name} leads through a symbolic link`, at);
  return path;
}

async function exists(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    () => false,
  );
}

async function readText(path: string): Promise<string> {
  return await withFile(path, FORMAT, async (file) => {
    if (file.size > MAX_SERIES) throw file.malformed(`${file.size} bytes, at most ${MAX_SERIES} are read`, 0);
    return decodeUtf8(await file.read(0, file.size, "the series"));
  });
}

function fail(path: string, line: number, detail: string): MalformedError {
  return new MalformedError(`${FORMAT} ${path}`, detail, `line ${line}`);
}
