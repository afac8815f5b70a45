// Reads how a user names a key: the file, variable or stream that it is in, or the program, agent or token that signs with it.
import { isAbsolute, resolve } from "node:path";
import { holdsPrivateKey } from "../../protocol/encoding/private-key-text.ts";
import { MalformedError } from "../../protocol/errors.ts";

const FORMAT = "signing key";
const COMMAND = "cmd:";
const AGENT = "ssh-agent:";
const TOKEN = "pkcs11:";

export type SignerSource =
  /** A path, `env:NAME` or `-`. */
  | { readonly form: "text"; readonly source: string }
  | { readonly form: "command"; readonly command: SigningCommand }
  /** `SHA256:…`, or the path of a `.pub`. */
  | { readonly form: "ssh-agent"; readonly key: string }
  | { readonly form: "pkcs11"; readonly uri: string };

export interface SigningCommand {
  /** File of the public key that it signs with: SPKI as PEM or base64. */
  readonly publicKey: string;
  readonly program: string;
  readonly arguments: readonly string[];
}

/**
 * Reads `cmd:PUBLIC-KEY PROGRAM ARGUMENT…`, `ssh-agent:…`, `pkcs11:…`, or what names a text. A command is split at spaces and nothing in it
 * is expanded.
 * @throws MalformedError, which does not repeat what may be a key.
 */
export function parseSignerSource(source: string): SignerSource {
  if (holdsPrivateKey(source))
    throw new MalformedError(FORMAT, "the key itself was given: give the path of its file, or env:NAME");
  if (source.startsWith(COMMAND))
    return { form: "command", command: parseCommand(source.slice(COMMAND.length)) };
  if (source.startsWith(AGENT)) return { form: "ssh-agent", key: source.slice(AGENT.length) };
  if (source.startsWith(TOKEN)) return { form: "pkcs11", uri: source };
  return { form: "text", source };
}

function parseCommand(text: string): SigningCommand {
  const [publicKey, program, ...rest] = text.split(" ").filter((word) => word !== "");
  if (publicKey === undefined || program === undefined)
    throw new MalformedError(
      FORMAT,
      "after cmd: stand the file of the public key, the program and its arguments: cmd:release.pub /usr/local/bin/sign-it slot-2",
    );
  return { publicKey, program, arguments: rest };
}

/** Whether the private half stays elsewhere: there is no text to read. */
export function isElsewhere(source: string): boolean {
  return [COMMAND, AGENT, TOKEN].some((scheme) => source.startsWith(scheme));
}

/**
 * The same source with the paths of files and programs made absolute. A program without a slash is looked up in PATH, and an argument is
 * left as it is.
 * @param folder that of the file in which it was named.
 */
export function absoluteSource(source: string, folder: string): string {
  const parsed = parseSignerSource(source);
  if (parsed.form === "command") return absoluteCommand(parsed.command, folder);
  if (parsed.form === "pkcs11") return source;
  if (parsed.form === "text") return isNoPath(source) ? source : resolve(folder, source);
  return parsed.key.startsWith("SHA256:") ? source : `${AGENT}${resolve(folder, parsed.key)}`;
}

const isNoPath = (source: string) => source === "-" || source.startsWith("env:");

function absoluteCommand({ publicKey, program, arguments: rest }: SigningCommand, folder: string): string {
  const absolute = (path: string) => {
    const made = resolve(folder, path);
    if (!isAbsolute(path) && made.includes(" "))
      throw new MalformedError(
        FORMAT,
        `${made} has a space in it, at which a command is split: give the path of one without`,
      );
    return made;
  };
  const found = program.includes("/") ? absolute(program) : program;
  return `${COMMAND}${[absolute(publicKey), found, ...rest].join(" ")}`;
}
