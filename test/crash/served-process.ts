// A log that the real program serves, in a process of its own that a test may kill, starve or cut off. Everything that it ever says is kept,
// and afterwards a stranger holds the log against all of it.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect } from "vitest";
import { OwnCosigner } from "../../src/log/checkpointing/cosigner.ts";
import { type Envelope, envelopeToJson, parseLeaf } from "../../src/protocol/envelope/dsse.ts";
import { entriesPath, tilePath } from "../../src/protocol/merkle/tile.ts";
import { parseCheckpoint } from "../../src/protocol/note/checkpoint.ts";
import { formatPrivateKey } from "../../src/protocol/note/key.ts";
import { parseNote } from "../../src/protocol/note/signed-note.ts";
import { formatConfig } from "../../src/service/config.ts";
import { seedOf } from "../support/keys.ts";
import { LogHarness } from "../support/log-harness.ts";
import { signPlatforms } from "../support/signing.ts";
import { auditAsStranger } from "../support/stranger.ts";
import { logKey, ORIGIN, tlogPolicy, witnessKey } from "../support/witnesses.ts";
import type { TestWitness } from "./honest-witness.ts";

export interface ServeOptions {
  /** Commands that the program is run by, such as strace and its options. */
  readonly wrapper?: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
  readonly host?: string;
  /** Another version of the program, main.js. */
  readonly program?: string;
}

/** How a process ended that was meant to serve. */
export interface Refused {
  readonly code: number | null;
  readonly said: string;
}

const PKCS8_ED25519 = Buffer.from("302e020100300506032b657004220420", "hex");

export class ServedProcess {
  readonly harness: LogHarness;
  readonly #program: string;
  readonly #logPolicy: string;
  /** Payload digests by index: everything that was acknowledged, as durable or as published. */
  readonly acknowledged = new Map<number, string>();
  /** Every checkpoint that was ever shown. */
  readonly seen = new Set<string>();
  readonly #shown = new Set<number>();
  #child: ChildProcess | undefined;
  #url = "";
  #published = 0;
  said = "";

  private constructor(harness: LogHarness, program: string, logPolicy: string) {
    this.harness = harness;
    this.#program = program;
    this.#logPolicy = logPolicy;
  }

  /** Founds a log whose quorum is any two of its own cosigner and the witnesses, or its own cosigner where there are none. */
  static async found(
    program: string,
    witnesses: readonly TestWitness[] = [],
    witnessHost?: string,
  ): Promise<ServedProcess> {
    const names = ["own.example", ...witnesses.map(({ name }) => name)];
    const keys = await Promise.all(names.map(witnessKey));
    const logPolicy = tlogPolicy(await logKey(), keys, Math.min(2, keys.length));
    const cosigners = keys.map((key) => new OwnCosigner(key, () => new Date()));
    const harness = await LogHarness.make({ trustRoot: { logPolicy }, cosigners, withStatus: true });
    harness.clock.now = new Date();
    await (await harness.create()).close();
    const served = new ServedProcess(harness, program, logPolicy);
    await served.#configure(witnesses, witnessHost);
    return served;
  }

  async #configure(witnesses: readonly TestWitness[], witnessHost?: string): Promise<void> {
    mkdirSync(this.at("keys"));
    const write = (name: string, text: string | Buffer) =>
      writeFileSync(this.at("keys", name), text, { mode: 0o600 });
    write("log.key", formatPrivateKey(await logKey()));
    write("cosigner.key", formatPrivateKey(await witnessKey("own.example")));
    const der = Buffer.concat([PKCS8_ED25519, seedOf("status")]).toString("base64");
    write("status.pem", `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n`);
    const config = {
      origin: ORIGIN,
      url: "http://127.0.0.1:8080",
      listen: { host: "127.0.0.1", port: 0 },
      storage: { database: "log.db", highWater: "high-water" },
      keys: { log: "keys/log.key", cosigner: "keys/cosigner.key", status: "keys/status.pem" },
      witnesses: witnesses.map((witness, i) => ({ name: `w${i + 1}`, url: witness.urlAt(witnessHost) })),
      logLevel: "warn",
    } as const;
    writeFileSync(this.at("touchstone.toml"), formatConfig({ ...config, witnesses: [...config.witnesses] }));
  }

  at(...path: string[]): string {
    return join(this.harness.folder, ...path);
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Starts the service. @returns how it ended, where it does not serve. */
  async start({
    wrapper = [],
    environment = {},
    host = "127.0.0.1",
    program = this.#program,
  }: ServeOptions = {}): Promise<Refused | null> {
    const command = [...wrapper, process.execPath, program, "serve", "--config", this.at("touchstone.toml")];
    const child = spawn(command[0]!, command.slice(1), {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        HOME: this.harness.folder,
        TOUCHSTONE_HOST: host === "127.0.0.1" ? host : "0.0.0.0",
        ...environment,
      },
    });
    this.#child = child;
    this.said = "";
    child.stderr.on("data", (text) => {
      this.said += text;
    });
    const ended = once(child, "exit");
    const lines = createInterface({ input: child.stdout });
    const ready = new Promise<string>((resolve) => {
      lines.on("line", (line) => {
        if (line.startsWith("http")) resolve(line);
        else this.said += `${line}\n`;
      });
    });
    const first = await Promise.race([ready, ended.then(([code]) => ({ code: code as number | null }))]);
    if (typeof first !== "string") return { code: first.code, said: this.said };
    this.#url = `http://${host}:${new URL(first).port}`;
    return null;
  }

  /** Ends the process and everything that it was run by. */
  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }

  async untilEnded(): Promise<void> {
    const child = this.#child;
    if (child !== undefined && child.exitCode === null && child.signalCode === null)
      await once(child, "exit");
  }

  /** Publishes entries that nobody has published before, one call each, at once. @returns the answers' statuses; 0 for none. */
  async publish(count: number): Promise<number[]> {
    const entries = await signPlatforms(this.harness.keys, `e${this.#published++}`, count);
    return Promise.all(entries.map((entry) => this.#publishOne(entry)));
  }

  async #publishOne(entry: Envelope): Promise<number> {
    try {
      const response = await fetch(`${this.#url}/v1/entries`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(envelopeToJson(entry)),
        signal: AbortSignal.timeout(20_000),
      });
      const body = (await response.json()) as { index?: number; proof?: string };
      if (response.status <= 201 && body.index !== undefined) this.#shown.add(body.index);
      if (response.status <= 202 && body.index !== undefined)
        this.acknowledged.set(body.index, entry.payloadDigest);
      if (body.proof !== undefined) this.seen.add(body.proof.slice(body.proof.indexOf("\n\n") + 2));
      return response.status;
    } catch {
      return 0;
    }
  }

  async get(path: string): Promise<Response> {
    return fetch(`${this.#url}/${path}`, { signal: AbortSignal.timeout(20_000) });
  }

  /** Publishes until something is published, which must come. */
  async untilPublished(attempts = 40): Promise<void> {
    for (let i = 0; i < attempts; i++) {
      if ((await this.publish(1))[0] === 201) return;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    throw new Error(`nothing is published any more: ${this.said}`);
  }

  /**
   * The whole log, read by a stranger, against everything that was ever said.
   * @param what "published": what is durable and waits for its quorum need not be shown yet.
   * @returns how much of it is lost, and forked: nothing.
   */
  async audit(
    what: "everything" | "published" = "everything",
  ): Promise<{ readonly lost: number; readonly forked: number }> {
    const note = await (await this.get("checkpoint")).text();
    const checkpoint = parseCheckpoint(parseNote(note).text);
    const read = async (path: string) => {
      const response = await this.get(path);
      return response.ok ? new Uint8Array(await response.arrayBuffer()) : undefined;
    };
    const log = {
      published: () => ({ note, checkpoint }) as never,
      tile: (level: number, index: number, width: number) => read(tilePath(level, index, width)),
      entryBundle: (index: number, width: number) => read(entriesPath(index, width)),
    };
    const leaves = await auditAsStranger(log, this.#logPolicy, [...this.seen]);
    this.seen.add(note);
    const lost = [...this.acknowledged].filter(([index, digest]) => {
      const leaf = leaves[index];
      if (leaf === undefined && what === "published" && !this.#shown.has(index)) return false;
      return leaf === undefined || parseLeaf(leaf).payloadDigest !== digest;
    });
    expect(lost, "acknowledged and lost").toEqual([]);
    // auditAsStranger has held every note that was ever seen against this tree.
    return { lost: lost.length, forked: 0 };
  }

  async remove(): Promise<void> {
    await this.end("SIGKILL");
    this.harness.remove();
  }
}
