// A log on a database in a folder of its own, with a clock that a test moves.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Cosigner, OwnCosigner } from "../../src/log/checkpointing/cosigner.ts";
import { type HighWater, HighWaterFile } from "../../src/log/checkpointing/high-water.ts";
import type { LogConfig } from "../../src/log/config.ts";
import type { Log } from "../../src/log/log.ts";
import { createLog, openLog } from "../../src/log/open-or-create.ts";
import type { LogStore } from "../../src/log/store/log-store.ts";
import { openStore } from "../../src/log/store/open-store.ts";
import { signingNatively } from "../../src/node/ed25519.ts";
import type { TrustRoot } from "../../src/protocol/entry/trust-root.ts";
import { createNoteSigner } from "../../src/protocol/note/key.ts";
import { NOW } from "./clock.ts";
import { type TestKeys, testKeys } from "./keys.ts";
import { signStatement } from "./signing.ts";
import { trustRootPredicate } from "./trust-root.ts";
import { logKey, witnessKey } from "./witnesses.ts";

export interface Clock {
  now: Date;
}

/** What a test may replace of a log's surroundings. */
export interface HarnessOptions {
  readonly trustRoot?: Partial<TrustRoot>;
  readonly withStatus?: boolean;
  readonly cosigners?: readonly Cosigner[];
  readonly store?: (store: LogStore) => LogStore;
  readonly highWater?: (highWater: HighWater) => HighWater;
  readonly config?: Partial<LogConfig>;
}

export class LogHarness {
  readonly folder: string;
  readonly clock: Clock = { now: NOW };
  readonly keys: TestKeys;
  readonly options: HarnessOptions;

  private constructor(folder: string, keys: TestKeys, options: HarnessOptions) {
    this.folder = folder;
    this.keys = keys;
    this.options = options;
  }

  static async make(options: HarnessOptions = {}): Promise<LogHarness> {
    return LogHarness.at(mkdtempSync(join(tmpdir(), "touchstone-log-")), options);
  }

  /** In a folder that is there already, perhaps with a log in it. */
  static async at(folder: string, options: HarnessOptions = {}): Promise<LogHarness> {
    return new LogHarness(folder, await testKeys(), options);
  }

  get databaseFile(): string {
    return join(this.folder, "log.db");
  }

  get indexFile(): string {
    return join(this.folder, "index.db");
  }

  get highWaterPath(): string {
    return join(this.folder, "high-water");
  }

  /** Puts another note where the high-water mark is. */
  async replaceHighWater(note: string): Promise<void> {
    rmSync(this.highWaterPath, { force: true });
    const mark = new HighWaterFile(this.highWaterPath);
    await mark.swap(note);
    await mark.close();
  }

  async config(): Promise<LogConfig> {
    const { options } = this;
    const highWater = new HighWaterFile(this.highWaterPath);
    const store = await openStore(this.databaseFile, this.clock.now);
    const intercepted = options.store?.(store) ?? store;
    return {
      ...(await this.surroundings()),
      reader: intercepted,
      writer: intercepted,
      highWater: options.highWater?.(highWater) ?? highWater,
      ...options.config,
    };
  }

  /** Keys, cosigners and the clock. */
  async surroundings(): Promise<Omit<LogConfig, "reader" | "writer" | "highWater">> {
    const clock = () => this.clock.now;
    const { options } = this;
    return {
      signer: createNoteSigner(signingNatively(await logKey())),
      cosigners: options.cosigners ?? [new OwnCosigner(await witnessKey("own.example"), clock)],
      statusSigner: options.withStatus ? this.keys.status : undefined,
      index: { file: this.indexFile, ahead: false },
      clock,
    };
  }

  async create(): Promise<Log> {
    const predicate = await trustRootPredicate(this.keys, this.options.trustRoot);
    const trustRoot = await signStatement("trust-root", predicate, this.keys.root.slice(0, 1));
    return createLog(await this.config(), trustRoot);
  }

  async open(): Promise<Log> {
    return openLog(await this.config());
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
