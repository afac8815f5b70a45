// Several logs that processes of the real program serve, each founded as `touchstone init` founds one, and an observer of each that keeps what
// was acknowledged and every checkpoint that was shown.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect } from "vitest";
import { openSigner } from "../../src/node/signing/open-signer.ts";
import type { Signer } from "../../src/node/signing/signer.ts";
import type { Envelope } from "../../src/protocol/envelope/dsse.ts";
import { parseTrustFile } from "../../src/verifier/bundle/trust-pin.ts";
import { Observer } from "../cluster/observer.ts";
import { freePort } from "../support/free-port.ts";
import { platformPredicate } from "../support/release-predicates.ts";
import { type CliRun, runCli } from "../support/run-cli.ts";
import { signStatement } from "../support/signing.ts";

/** Longest time for which something that somebody has to find out first is waited for. */
export const PATIENT = { timeout: 60_000, interval: 100 };

/** One of the logs. */
export interface FoundedLog {
  readonly name: string;
  readonly folder: string;
  readonly trust: string;
  readonly publisher: Signer;
  readonly observer: Observer;
}

/** How a process ended that was meant to serve. */
export interface Ended {
  readonly code: number | null;
  readonly said: string;
}

/** A process that serves. */
export class ServingProcess {
  readonly child: ChildProcess;
  said = "";

  private constructor(child: ChildProcess) {
    this.child = child;
    child.stderr?.on("data", (text) => {
      this.said += text;
    });
  }

  /** @returns how it ended, where it does not serve. */
  static async start(
    program: string,
    args: readonly string[],
    environment: NodeJS.ProcessEnv,
  ): Promise<ServingProcess | Ended> {
    const child = spawn(process.execPath, [program, "serve", ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...environment },
    });
    const serving = new ServingProcess(child);
    const ready = new Promise<null>((resolve) => {
      createInterface({ input: child.stdout }).on("line", (line) => {
        serving.said += `${line}\n`;
        if (line.startsWith("http")) resolve(null);
      });
    });
    const ended = once(child, "close").then(([code]) => ({
      code: code as number | null,
      said: serving.said,
    }));
    return (await Promise.race([ready, ended])) ?? serving;
  }

  /** @returns the status with which it ended. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const { child } = this;
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, "exit");
      child.kill(signal);
      await ended;
    }
    return child.exitCode;
  }
}

export class SeveralWorld {
  readonly #program: string;
  readonly folder = mkdtempSync(join(tmpdir(), "touchstone-several-"));
  readonly port: number;
  readonly logs = new Map<string, FoundedLog>();
  readonly #processes: ServingProcess[] = [];
  #published = 0;

  private constructor(program: string, port: number) {
    this.#program = program;
    this.port = port;
  }

  /** @param program main.js */
  static async make(program: string): Promise<SeveralWorld> {
    return new SeveralWorld(program, await freePort());
  }

  at(...path: string[]): string {
    return join(this.folder, ...path);
  }

  /** @param more options of `init`, and the environment that they refer to. */
  async found(
    name: string,
    url: string,
    more: { readonly options?: readonly string[]; readonly environment?: NodeJS.ProcessEnv } = {},
  ): Promise<FoundedLog> {
    const folder = this.at("logs", name);
    mkdirSync(this.at("logs"), { recursive: true });
    const origin = `${name}.example/log`;
    const { options = [], environment } = more;
    await this.json(["init", folder, "--origin", origin, "--url", url, ...options], environment);
    const trust = join(folder, "trust-root.json");
    const { root } = parseTrustFile(readFileSync(trust));
    const surroundings = { environment: {}, warn: () => undefined };
    const publisher = await openSigner(join(folder, "keys", "publisher.pem"), surroundings);
    const log = { name, folder, trust, publisher, observer: new Observer(root.logPolicy) };
    this.logs.set(name, log);
    return log;
  }

  log(name: string): FoundedLog {
    const log = this.logs.get(name);
    if (log === undefined) throw new Error(`there is no log ${name}`);
    return log;
  }

  /** Runs a command in this process, against real servers. */
  run(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<CliRun> {
    return runCli(args, { environment, now: () => new Date(), fetch: globalThis.fetch });
  }

  async json<T = Record<string, unknown>>(
    args: readonly string[],
    environment?: NodeJS.ProcessEnv,
  ): Promise<T> {
    const ran = await this.run([...args, "--json"], environment);
    expect(ran.exitCode, `${args.join(" ")}: ${ran.warnings} ${ran.output}`).toBe(0);
    return ran.json<T>();
  }

  /** Starts a process, which has to serve. @param args of `serve`; the port is this world's unless given. */
  async start(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<ServingProcess> {
    const started = await this.tryToStart(args, environment);
    if (started instanceof ServingProcess) return started;
    throw new Error(`it ended with ${started.code}: ${started.said}`);
  }

  async tryToStart(
    args: readonly string[],
    environment: NodeJS.ProcessEnv = {},
  ): Promise<ServingProcess | Ended> {
    const surroundings = { HOME: this.folder, TOUCHSTONE_LOG_LEVEL: "warn", ...environment };
    const onPort = args.includes("--port") ? args : ["--port", `${this.port}`, ...args];
    const started = await ServingProcess.start(this.#program, onPort, surroundings);
    if (started instanceof ServingProcess) this.#processes.push(started);
    return started;
  }

  /** An entry of a log that nobody has published before. */
  entry({ publisher, name }: FoundedLog): Promise<Envelope> {
    const predicate = platformPredicate(`of-${name}-${this.#published++}`);
    return signStatement("platform", predicate, [{ ...publisher, spki: new Uint8Array() }]);
  }

  /** @returns what the log answered, as its observer says it. */
  async publish(log: FoundedLog, url: string): Promise<string> {
    return log.observer.publish(url, await this.entry(log));
  }

  async remove(): Promise<void> {
    for (const one of this.#processes) {
      one.child.kill("SIGCONT");
      await one.end("SIGKILL");
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
