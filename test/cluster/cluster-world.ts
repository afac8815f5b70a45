// A log that several processes of the real program serve, on a PostgreSQL and a bucket of the test's own, and an observer that keeps what was
// acknowledged and every checkpoint that was shown.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { OwnCosigner } from "../../src/log/checkpointing/cosigner.ts";
import { ObjectHighWater } from "../../src/log/checkpointing/object-high-water.ts";
import { createLog } from "../../src/log/open-or-create.ts";
import { openStore } from "../../src/log/store/open-store.ts";
import type { PostgresLocation } from "../../src/log/store/store-location.ts";
import { signingNatively } from "../../src/node/ed25519.ts";
import { S3Store } from "../../src/node/objects/s3-store.ts";
import type { Envelope } from "../../src/protocol/envelope/dsse.ts";
import { createNoteSigner, formatPrivateKey } from "../../src/protocol/note/key.ts";
import { formatConfig } from "../../src/service/config.ts";
import type { TestCredentials } from "../support/cluster-certificates.ts";
import { FAKE_S3, type FakeS3, startFakeS3 } from "../support/fake-s3.ts";
import { freePort } from "../support/free-port.ts";
import { seedOf, type TestKeys, testKeys } from "../support/keys.ts";
import { TestPostgres } from "../support/postgres.ts";
import { RUNNING_SOURCES } from "../support/program-before.ts";
import { signPlatforms, signStatement } from "../support/signing.ts";
import { trustRootPredicate } from "../support/trust-root.ts";
import { logKey, ORIGIN, tlogPolicy, witnessKey } from "../support/witnesses.ts";
import { Observer } from "./observer.ts";

const PKCS8_ED25519 = Buffer.from("302e020100300506032b657004220420", "hex");
/** What the processes know of each other. */
export const SECRET = "0123456789abcdef0123456789abcdef";

/** Seconds: short, so that tests are. */
export const LEASE = 2;
/** For what somebody has to find out first. */
export const PATIENT = { timeout: 60_000, interval: 100 };
export const STALE_AFTER = 3;

export interface NodeOptions {
  /** main.js, where it is another one than the log's. */
  readonly program?: string;
  /** Where it reaches the database; directly unless given. */
  readonly url?: string;
  /** Where it reads while it does not lead; there unless given. */
  readonly readerUrl?: string;
  readonly role?: "all" | "read";
  /** What it shows the others. */
  readonly tls?: TestCredentials;
  /** What its configuration says of itself, in place of its own: as one does that was copied. */
  readonly says?: { readonly id?: string; readonly addressOf?: string; readonly portOf?: string };
  /** Whether it keeps a copy of the log in the bucket when it leads. */
  readonly exports?: boolean;
}

/** One process of the cluster. */
export class ClusterNode {
  readonly id: string;
  readonly url: string;
  readonly child: ChildProcess;
  said = "";

  constructor(id: string, url: string, child: ChildProcess) {
    this.id = id;
    this.url = url;
    this.child = child;
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${this.url}${path}`, { headers, signal: AbortSignal.timeout(20_000) });
  }

  /** @returns the status and the code of `/readyz`. */
  async ready(): Promise<string> {
    const response = await this.get("/readyz");
    const { reason } = (await response.json()) as { reason: string | null };
    return `${response.status} ${reason}`;
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, "exit");
    this.child.kill(signal);
    await ended;
  }
}

export class ClusterWorld {
  readonly folder: string;
  /** The server that holds the log: another one after a failover. */
  postgres: TestPostgres;
  readonly s3: FakeS3;
  readonly keys: TestKeys;
  readonly observer: Observer;
  readonly #program: string;
  readonly #location: PostgresLocation;
  readonly nodes = new Map<string, ClusterNode>();
  /** Ports for what others forward, by process. */
  readonly #ports = new Map<string, number>();
  #published = 0;

  private constructor(
    program: string,
    parts: Pick<ClusterWorld, "folder" | "postgres" | "s3" | "keys" | "observer">,
    location: PostgresLocation,
  ) {
    this.#program = program;
    this.folder = parts.folder;
    this.postgres = parts.postgres;
    this.s3 = parts.s3;
    this.keys = parts.keys;
    this.observer = parts.observer;
    this.#location = location;
  }

  /** @param program main.js, or main.ts of sources. @param open the store, as that program does. */
  static async found(program: string, open: typeof openStore = openStore): Promise<ClusterWorld> {
    const folder = mkdtempSync(join(tmpdir(), "touchstone-cluster-"));
    const [postgres, s3, keys] = [TestPostgres.start(), await startFakeS3(), await testKeys()];
    const own = await witnessKey("own.example");
    const logPolicy = tlogPolicy(await logKey(), [own]);
    const location = postgres.location();
    const world = new ClusterWorld(
      program,
      { folder, postgres, s3, keys, observer: new Observer(logPolicy) },
      location,
    );
    const store = await open(location, new Date());
    const objects = new S3Store({
      ...FAKE_S3,
      endpoint: s3.endpoint,
      prefix: "",
      fetch,
      clock: () => new Date(),
    });
    const predicate = await trustRootPredicate(keys, { logPolicy });
    const log = await createLog(
      {
        reader: store,
        writer: store,
        signer: createNoteSigner(signingNatively(await logKey())),
        cosigners: [new OwnCosigner(own, () => new Date())],
        highWater: new ObjectHighWater(objects, "high-water"),
        clock: () => new Date(),
      },
      await signStatement("trust-root", predicate, keys.root.slice(0, 1)),
    );
    await log.close();
    return world;
  }

  /** Starts a process, and waits until it serves. */
  async start(id: string, options: NodeOptions = {}): Promise<ClusterNode> {
    const { program = this.#program, url = this.postgres.url, readerUrl, role = "all" } = options;
    const config = await this.#configure(id, options);
    const sources = program.endsWith(".ts") ? RUNNING_SOURCES : [];
    const args = [...sources, program, "serve", "--config", config, "--role", role];
    const child = spawn(process.execPath, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...this.#environment(url), READER: readerUrl },
    });
    let said = "";
    child.stderr.on("data", (text) => {
      said += text;
    });
    const ready = new Promise<string>((resolve) => {
      createInterface({ input: child.stdout }).on("line", (line) => {
        said += `${line}\n`;
        const node = this.nodes.get(id);
        if (node !== undefined) node.said = said;
        if (line.startsWith("http")) resolve(line);
      });
    });
    const first = await Promise.race([ready, once(child, "exit").then(([code]) => code as number)]);
    if (typeof first !== "string") throw new Error(`${id} ended with ${first}: ${said}`);
    const node = new ClusterNode(id, first, child);
    this.nodes.set(id, node);
    return node;
  }

  /** Runs another command with the configuration of a process that was started before. @returns its exit status, and what it said. */
  async run(
    id: string,
    ...args: readonly string[]
  ): Promise<{ readonly code: number; readonly said: string }> {
    const config = join(this.folder, id, "touchstone.toml");
    const child = spawn(process.execPath, [this.#program, ...args, "--config", config], {
      stdio: ["ignore", "pipe", "pipe"],
      env: this.#environment(this.postgres.url),
    });
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (text) => {
        said += text;
      });
    const [code] = (await once(child, "close")) as [number];
    return { code, said };
  }

  #environment(url: string): NodeJS.ProcessEnv {
    return {
      ...process.env,
      HOME: this.folder,
      POSTGRES: url,
      S3_ACCESS: FAKE_S3.accessKey,
      S3_SECRET: FAKE_S3.secretKey,
      CLUSTER: SECRET,
    };
  }

  /** The port on which a process takes what others forward. */
  forwardingPort(id: string): number {
    return this.#ports.get(id) as number;
  }

  /** Ends a process, and forgets it. */
  async end(id: string, signal: NodeJS.Signals): Promise<void> {
    await this.nodes.get(id)?.end(signal);
    this.nodes.delete(id);
  }

  /** The id of the process that leads, by the database. */
  async leader(): Promise<string> {
    for (;;) {
      const id = this.postgres.sql(
        "SELECT holder FROM tree_head WHERE lease_until > clock_timestamp()",
        this.#location.schema,
      );
      const node = this.nodes.get(id);
      if (node !== undefined) return id;
      await sleep(100);
    }
  }

  /** A process that does not lead. */
  async follower(): Promise<ClusterNode> {
    const leader = await this.leader();
    const found = [...this.nodes.values()].find(({ id }) => id !== leader);
    if (found === undefined) throw new Error("there is no follower");
    return found;
  }

  /** An entry that nobody has published before. */
  async entry(): Promise<Envelope> {
    const [entry] = await signPlatforms(this.keys, `e${this.#published++}`, 1);
    return entry!;
  }

  /** Sends one entry again and again until it is answered with 200 or 201. @returns the milliseconds that took, and the other answers. */
  async publishUntilTaken(node: ClusterNode): Promise<{ readonly ms: number; readonly refusals: string[] }> {
    const entry = await this.entry();
    const begun = performance.now();
    const refusals: string[] = [];
    for (;;) {
      const answer = await this.observer.publish(node.url, entry);
      if (answer === "200" || answer === "201")
        return { ms: Math.round(performance.now() - begun), refusals };
      refusals.push(answer);
      await sleep(50);
    }
  }

  async remove(): Promise<void> {
    for (const { child } of this.nodes.values()) child.kill("SIGCONT");
    for (const node of this.nodes.values()) await node.end("SIGKILL");
    this.postgres.remove();
    await this.s3.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #configure(id: string, options: NodeOptions): Promise<string> {
    const { readerUrl, says = {}, exports = false, tls } = options;
    const at = (...path: string[]) => join(this.folder, id, ...path);
    mkdirSync(at("keys"), { recursive: true });
    const write = (name: string, text: string) => writeFileSync(at("keys", name), text, { mode: 0o600 });
    write("log.key", formatPrivateKey(await logKey()));
    write("cosigner.key", formatPrivateKey(await witnessKey("own.example")));
    const der = Buffer.concat([PKCS8_ED25519, seedOf("status")]).toString("base64");
    write("status.pem", `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n`);
    const port = (says.portOf && this.#ports.get(says.portOf)) || (await freePort());
    this.#ports.set(id, port);
    const { bucket, region } = FAKE_S3;
    const objects = {
      endpoint: this.s3.endpoint,
      bucket,
      region,
      accessKey: "env:S3_ACCESS",
      secretKey: "env:S3_SECRET",
      ...(exports && { export: true }),
    };
    for (const [name, text] of Object.entries(tls ?? {})) write(`cluster-${name}.pem`, text);
    const config = formatConfig({
      origin: ORIGIN,
      url: "http://127.0.0.1:8080",
      listen: { host: "127.0.0.1", port: 0 },
      storage: {
        postgres: "env:POSTGRES",
        ...(readerUrl !== undefined && { reader: "env:READER" }),
        schema: this.#location.schema,
        highWater: ["s3:high-water", "high-water"],
        objects,
      },
      keys: { log: "keys/log.key", cosigner: "keys/cosigner.key", status: "keys/status.pem" },
      cluster: {
        id: says.id ?? id,
        advertise: `${tls === undefined ? "http" : "https"}://127.0.0.1:${this.#ports.get(says.addressOf ?? id)}`,
        listen: { host: "127.0.0.1", port },
        secret: "env:CLUSTER",
        ...(tls && {
          tls: {
            certificate: "keys/cluster-certificate.pem",
            key: "keys/cluster-key.pem",
            ca: "keys/cluster-ca.pem",
          },
        }),
        lease: LEASE,
        staleAfter: STALE_AFTER,
      },
      logLevel: "warn",
    });
    writeFileSync(at("touchstone.toml"), config);
    return at("touchstone.toml");
  }
}
