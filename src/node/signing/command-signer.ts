// Signs by a program: the message on its standard input, the signature on its standard output. It is run without a shell, and what it says
// on standard error is shown, since it may ask for a PIN or a touch.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fromDer } from "../../protocol/cryptography/ecdsa-signature.ts";
import type { PublicKey } from "../../protocol/cryptography/signature.ts";
import { decodeBase64 } from "../../protocol/encoding/base64.ts";
import { MalformedError, printable } from "../../protocol/errors.ts";
import { readPublicKey } from "./public-key.ts";
import { type Signer, SignerError, verifiedSigner } from "./signer.ts";
import type { SigningCommand } from "./signer-source.ts";

const SIGNATURE_BYTES = 64;
/** The longest form is the base64 of DER; more than this is no signature. */
const MAX_OUTPUT = 4096;
/** What is shown of standard error. */
const MAX_MESSAGES = 65_536;
const LIMIT_MS = 60_000;

export interface CommandOptions {
  readonly environment: Readonly<NodeJS.ProcessEnv>;
  /** Is told what the program writes to standard error. */
  readonly warn: (text: string) => void;
  /** Milliseconds for one signature. One minute unless said. */
  readonly limitMs?: number;
}

/** @throws MalformedError where the public key is none. Signing throws SignerError, after at most a minute. */
export async function commandSigner(command: SigningCommand, options: CommandOptions): Promise<Signer> {
  const spki = await publicKeyOf(command);
  return verifiedSigner(command.program, spki, async (message, key) => {
    const output = await runSigner(command, message, withKey(options, key));
    const signature = signatureIn(output, key);
    if (signature !== undefined) return signature;
    throw new SignerError(
      command.program,
      `wrote ${output.length} bytes that are no signature: expected 64 bytes, DER of ECDSA P-256, or base64 of either`,
    );
  });
}

async function publicKeyOf({ publicKey }: SigningCommand): Promise<Uint8Array> {
  try {
    return await readPublicKey(new Uint8Array(readFileSync(publicKey)));
  } catch (error) {
    const reason = error instanceof Error ? error.message : "cannot be read";
    throw new MalformedError("signing key", `${publicKey}, the public key of a command: ${reason}`);
  }
}

function withKey(options: CommandOptions, { keyId, algorithm }: PublicKey): CommandOptions {
  const added = { TOUCHSTONE_KEYID: keyId, TOUCHSTONE_ALGORITHM: algorithm };
  return { ...options, environment: { ...options.environment, ...added } };
}

function signatureIn(output: Uint8Array, { algorithm }: PublicKey): Uint8Array | undefined {
  const binary = output.length === SIGNATURE_BYTES ? output : (fromBase64(output) ?? output);
  if (binary.length === SIGNATURE_BYTES) return binary;
  return algorithm === "ecdsa-p256-sha256" ? fromDer(binary) : undefined;
}

/** Base64 with at most one line end, as OpenSSL, coreutils and the clouds' programs write it. */
function fromBase64(output: Uint8Array): Uint8Array | undefined {
  const [, base64] =
    /^([A-Za-z0-9+/]{11,200}={0,2})\r?\n?$/.exec(Buffer.from(output).toString("latin1")) ?? [];
  try {
    return base64 === undefined ? undefined : decodeBase64(base64);
  } catch {
    return undefined;
  }
}

function runSigner(
  { program, arguments: args }: SigningCommand,
  message: Uint8Array,
  { environment, warn, limitMs = LIMIT_MS }: CommandOptions,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: environment, stdio: "pipe" });
    const output: Buffer[] = [];
    let length = 0;
    const giveUp = (reason: string) => {
      clearTimeout(timer);
      abandon(child);
      reject(new SignerError(program, reason));
    };
    const timer = setTimeout(() => giveUp(`has not signed within ${limitMs / 1000} s`), limitMs);
    child.stdout.on("data", (piece: Buffer) => {
      output.push(piece);
      length += piece.length;
      if (length > MAX_OUTPUT) giveUp(`wrote more than ${MAX_OUTPUT} bytes, which is no signature`);
    });
    showMessages(child, warn);
    child.on("error", (error: NodeJS.ErrnoException) =>
      giveUp(`cannot be run: ${REASONS[error.code ?? ""] ?? error.code ?? "it failed"}`),
    );
    child.on("close", (code, signal) => {
      if (code !== 0) return giveUp(`ended with ${signal ?? code} and has not signed`);
      clearTimeout(timer);
      resolve(new Uint8Array(Buffer.concat(output)));
    });
    // A program that ends before it has read everything closes the pipe; its exit status says what happened.
    child.stdin.on("error", () => undefined);
    child.stdin.end(message);
  });
}

/** What the program has started may hold its pipes open after it; nobody waits for that. */
function abandon(child: ChildProcess): void {
  child.kill("SIGKILL");
  for (const stream of child.stdio) stream?.destroy();
}

function showMessages({ stderr }: ChildProcess, warn: (text: string) => void): void {
  let shown = 0;
  stderr?.on("data", (piece: Buffer) => {
    const lines = piece.toString("utf8", 0, Math.max(0, MAX_MESSAGES - shown)).split("\n");
    shown += piece.length;
    for (const line of lines) if (line.trim() !== "") warn(printable(line));
  });
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such program",
  EACCES: "it is not executable",
};
