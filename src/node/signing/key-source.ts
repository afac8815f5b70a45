// Reads the text of a private key from where a user says that it is: a file, an environment variable, or standard input. What is read
// here stands in no error.
import { readFileSync, statSync } from "node:fs";
import { holdsPrivateKey } from "../../protocol/encoding/private-key-text.ts";
import { MalformedError } from "../../protocol/errors.ts";

const ENVIRONMENT = /^env:([A-Za-z_][A-Za-z0-9_]*)$/;
const FORMAT = "private key";
/** As many characters of base64 or hex in a row may be a key without its frame. */
const KEY_LIKE = /[A-Za-z0-9+/=]{40}/;
const MAX_KEY_BYTES = 65_536;
const OTHERS = 0o077;

export interface KeyText {
  readonly text: string;
  /** Where it is from, for messages: the path, `env:NAME` or "standard input". */
  readonly where: string;
}

/**
 * Reads a key from a file, from the environment variable NAME for `env:NAME`, or from standard input for `-`.
 * @param warn is told when others than the owner can read the file.
 * @throws MalformedError, which repeats neither what it read nor a source that may itself be a key.
 */
export function readKeyText(
  source: string,
  environment: Readonly<NodeJS.ProcessEnv>,
  warn: (text: string) => void = () => undefined,
): KeyText {
  if (holdsPrivateKey(source))
    throw new MalformedError(FORMAT, "the key itself was given: give the path of its file, or env:NAME");
  if (source === "-") return { text: readBytes(0, "standard input"), where: "standard input" };
  if (!source.startsWith("env:")) return readKeyFile(source, warn);
  const variable = ENVIRONMENT.exec(source)?.[1];
  if (variable === undefined) throw new MalformedError(FORMAT, "after env: stands the name of a variable");
  const text = environment[variable];
  if (text === undefined) throw new MalformedError(FORMAT, `environment variable ${variable} is not set`);
  return { text, where: source };
}

function readKeyFile(path: string, warn: (text: string) => void): KeyText {
  const stat = statOf(path);
  const hidden = stat === undefined && KEY_LIKE.test(path);
  const where = hidden ? "a long name, not repeated since it may be a key" : path;
  const text = readBytes(path, where);
  const mode = (stat?.mode ?? 0) & 0o777;
  if (process.platform !== "win32" && (mode & OTHERS) !== 0)
    warn(
      `WARNING: ${where}: others than its owner can read this private key (mode ${mode.toString(8)}): chmod 600`,
    );
  return { text, where };
}

/** undefined also for a path that cannot be one, such as one that is too long. */
function statOf(path: string) {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

/** The system's own message names the path, so only its code is taken. */
function readBytes(file: string | number, where: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const { code = "it cannot be read" } = error as NodeJS.ErrnoException;
    throw new MalformedError(FORMAT, `${where}: ${REASONS[code] ?? code}`);
  }
  if (bytes.length > MAX_KEY_BYTES) throw new MalformedError(FORMAT, `${where}: too large for a key`);
  if (bytes.includes(0))
    throw new MalformedError(FORMAT, `${where}: binary or UTF-16, not PEM: save it as plain text`);
  return bytes.toString("utf8");
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "you may not read it",
  EISDIR: "it is a folder",
  ENOTDIR: "there is no such file",
  ENAMETOOLONG: "there is no such file",
};
