// Runs other programs, which are run nowhere else: without a shell, with an argument vector, a bounded output, a time limit and an
// environment in which neither the user's nor the system's configuration changes what they answer.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** The program is not installed; what needs it is left out or refused, never guessed. */
export class ToolMissingError extends Error {
  override readonly name = "ToolMissingError";
  readonly tool: string;

  constructor(tool: string) {
    super(`${tool} is not installed`);
    this.tool = tool;
  }
}

/** The program ran and failed, or wrote more than it may, or took too long. */
export class ToolError extends Error {
  override readonly name = "ToolError";
}

export interface ToolOptions {
  /** Bytes for standard input. */
  readonly input?: Uint8Array;
  /** Most bytes of standard output; more ends the program. 64 MiB unless said. */
  readonly maxOutput?: number;
  /** Milliseconds until the program is ended. One minute unless said. */
  readonly timeoutMs?: number;
  /** What else it is to find in its environment. */
  readonly environment?: Readonly<NodeJS.ProcessEnv>;
}

const MAX_OUTPUT = 64 * 1024 * 1024;
const TIMEOUT_MS = 60_000;
const MAX_MESSAGE = 500;

/** Neither locale nor time zone nor any git configuration outside the repository may change an answer. */
const ENVIRONMENT = {
  PATH: process.env.PATH ?? "/usr/local/bin:/usr/bin:/bin",
  LC_ALL: "C",
  TZ: "UTC",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_TERMINAL_PROMPT: "0",
  GIT_NO_REPLACE_OBJECTS: "1",
  GIT_NO_LAZY_FETCH: "1",
  GIT_OPTIONAL_LOCKS: "0",
};

/**
 * Runs `tool` with `args` in `/` and returns its standard output.
 * @throws ToolMissingError when it is not installed, ToolError when it does not end with 0 within its limits.
 */
export async function runTool(
  tool: string,
  args: readonly string[],
  { input, maxOutput = MAX_OUTPUT, timeoutMs = TIMEOUT_MS, environment = {} }: ToolOptions = {},
): Promise<Uint8Array> {
  return await new Promise((resolve, reject) => {
    const child = spawn(tool, args, {
      cwd: "/",
      env: { ...ENVIRONMENT, ...environment },
      timeout: timeoutMs,
      stdio: "pipe",
    });
    const output: Buffer[] = [];
    let length = 0;
    let message = "";
    child.stdout.on("data", (piece: Buffer) => {
      length += piece.length;
      if (length > maxOutput) child.kill("SIGKILL");
      else output.push(piece);
    });
    child.stderr.on("data", (piece: Buffer) => {
      message = (message + piece.toString("latin1")).slice(0, MAX_MESSAGE);
    });
    child.on("error", (error: NodeJS.ErrnoException) =>
      reject(error.code === "ENOENT" ? new ToolMissingError(tool) : error),
    );
    child.on("close", (code, signal) => {
      if (length > maxOutput) reject(new ToolError(`${tool}: wrote more than ${maxOutput} bytes`));
      else if (code !== 0) reject(new ToolError(`${tool}: ended with ${signal ?? code}: ${message.trim()}`));
      else resolve(new Uint8Array(Buffer.concat(output)));
    });
    // A program that ends before it has read everything closes the pipe; its exit status says what happened.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}

/** Sends one line, and resolves with what follows OK in the answer's line. */
export type AskMachine = (command: string) => Promise<string>;

/**
 * Runs a virtual machine whose test protocol is on its standard streams (QEMU docs/devel/testing/qtest), and ends it after `use`.
 * @throws ToolMissingError; ToolError where it ends before, refuses a command, or takes longer than a minute.
 */
export async function withTestedMachine<T>(
  tool: string,
  args: readonly string[],
  use: (ask: AskMachine) => Promise<T>,
): Promise<T> {
  const child = spawn(tool, args, { cwd: "/", env: ENVIRONMENT, timeout: TIMEOUT_MS, stdio: "pipe" });
  const waiting: { resolve: (answer: string) => void; reject: (error: Error) => void }[] = [];
  let message = "";
  let ended: Error | undefined;
  const end = (error: Error) => {
    ended ??= error;
    for (const { reject } of waiting.splice(0)) reject(ended);
  };
  child.stderr.on("data", (piece: Buffer) => {
    message = (message + piece.toString("latin1")).slice(0, MAX_MESSAGE);
  });
  child.on("error", (error: NodeJS.ErrnoException) =>
    end(error.code === "ENOENT" ? new ToolMissingError(tool) : error),
  );
  child.on("close", (code, signal) =>
    end(new ToolError(`${tool}: ended with ${signal ?? code}: ${message.trim()}`)),
  );
  child.stdin.on("error", () => {});
  createInterface({ input: child.stdout }).on("line", (line) => {
    // Interrupts are reported in between, and nobody waits for them.
    if (/^IRQ /.test(line)) return;
    const [word, ...answer] = line.split(" ");
    if (word === "OK") waiting.shift()?.resolve(answer.join(" "));
    else end(new ToolError(`${tool}: ${line.slice(0, MAX_MESSAGE)}`));
  });
  const ask: AskMachine = (command) =>
    new Promise((resolve, reject) => {
      if (ended !== undefined) return reject(ended);
      waiting.push({ resolve, reject });
      child.stdin.write(`${command}\n`);
    });
  try {
    return await use(ask);
  } finally {
    child.kill("SIGKILL");
  }
}
