// A witness in a folder of its own, called without a port, and a log whose checkpoints it is asked to cosign.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { encodeBase64 } from "../../src/protocol/encoding/base64.ts";
import { proveConsistency } from "../../src/protocol/merkle/consistency.ts";
import { formatCheckpoint } from "../../src/protocol/note/checkpoint.ts";
import { createVerifier } from "../../src/protocol/note/cosignature.ts";
import {
  COSIGNATURE_ML_DSA_44,
  createNoteSigner,
  type NotePrivateKey,
  type VerifierKey,
} from "../../src/protocol/note/key.ts";
import { type OpenedNote, openNote, signNote } from "../../src/protocol/note/signed-note.ts";
import { createWitnessApp, type WitnessService } from "../../src/witness/app.ts";
import type { KnownLog } from "../../src/witness/log-list.ts";
import { createWitnessMetrics } from "../../src/witness/metrics.ts";
import { Witness } from "../../src/witness/witness.ts";
import { WitnessStore } from "../../src/witness/witness-store.ts";
import { logKey, testKey, witnessKey } from "../support/notes.ts";
import { makeTree, type TestTree } from "../support/tree.ts";

export const NAME = "witness.example/w1";
export const ORIGIN = "log.example/production";
const [ed25519, mlDsa] = [await witnessKey(NAME), await testKey(NAME, COSIGNATURE_ML_DSA_44)];
export const WITNESS_KEYS: readonly VerifierKey[] = [ed25519.verifierKey, mlDsa.verifierKey];

export interface WitnessOptions {
  readonly logs?: readonly KnownLog[];
  readonly perDay?: number;
  readonly limits?: Partial<WitnessService["limits"]>;
  readonly keys?: readonly NotePrivateKey[];
}

export class WitnessHarness {
  readonly folder: string;
  readonly clock = { now: new Date(1_790_000_000_000) };
  readonly inconsistent: Array<readonly [cosigned: string, shown: string]> = [];
  store: WitnessStore;
  declare witness: Witness;
  #app;
  readonly #options: WitnessOptions & { readonly logs: readonly KnownLog[] };

  private constructor(folder: string, options: WitnessOptions & { readonly logs: readonly KnownLog[] }) {
    this.folder = folder;
    this.#options = options;
    this.store = WitnessStore.create(this.database);
    this.#app = this.#begin();
  }

  static async make(options: WitnessOptions = {}): Promise<WitnessHarness> {
    const { verifierKey } = await logKey(ORIGIN);
    const logs = [{ origin: ORIGIN, keys: [verifierKey], perDay: undefined }];
    return new WitnessHarness(mkdtempSync(join(tmpdir(), "touchstone-witness-")), { logs, ...options });
  }

  get database(): string {
    return join(this.folder, "witness.db");
  }

  #begin() {
    const { logs, perDay = 1_000_000, limits, keys = [ed25519, mlDsa] } = this.#options;
    const metrics = createWitnessMetrics(this.store, () => logs.length, false);
    this.witness = new Witness({
      keys,
      logs,
      store: this.store,
      perDay,
      clock: () => this.clock.now,
      onInconsistent: (...notes) => {
        metrics.countInconsistent();
        this.inconsistent.push(notes);
      },
    });
    return createWitnessApp({
      witness: this.witness,
      store: this.store,
      metrics,
      logger: pino({ level: "silent" }),
      limits: { requestsPerMinute: 1_000_000, trustedProxies: 0, ...limits },
    });
  }

  /** As a process that ends and begins again. */
  restart(): void {
    this.store.close();
    this.store = WitnessStore.open(this.database);
    this.#app = this.#begin();
  }

  async post(body: string | Uint8Array): Promise<Response> {
    return this.#app.request("/add-checkpoint", { method: "POST", body: body as BodyInit });
  }

  async get(path: string): Promise<Response> {
    return this.#app.request(path);
  }

  stop(): void {
    this.store.close();
    rmSync(this.folder, { recursive: true });
  }
}

/** A log, or one of the histories of a log that shows two. */
export class WitnessedLog {
  readonly tree: TestTree;
  readonly origin: string;

  constructor(size: number, history = 0, origin = ORIGIN) {
    this.origin = origin;
    // Histories differ from entry 3 on.
    this.tree = makeTree(size, (i) => Uint8Array.of(i < 3 ? 0 : history, i >> 8, i & 255));
  }

  async checkpoint(size: number): Promise<string> {
    const root = this.tree.roots[size] ?? new Uint8Array(32);
    return signNote(formatCheckpoint({ origin: this.origin, size, root }), [
      createNoteSigner(await logKey(this.origin)),
    ]);
  }

  async proof(from: number, to: number): Promise<string[]> {
    if (from === 0 || from >= to) return [];
    return (await proveConsistency(from, to, this.tree.readNode)).map(encodeBase64);
  }

  /** An honest request. */
  async request(from: number, to: number): Promise<string> {
    return requestOf(from, await this.proof(from, to), await this.checkpoint(to));
  }
}

export function requestOf(old: number | string, proof: readonly string[], note: string): string {
  return `old ${old}\n${proof.map((hash) => `${hash}\n`).join("")}\n${note}`;
}

/** Verifies the lines that a witness answered, over the text of the note that it was asked to cosign. */
export async function openCosigned(note: string, lines: string): Promise<OpenedNote> {
  const text = note.slice(0, note.indexOf("\n\n") + 1);
  return openNote(`${text}\n${lines}`, await Promise.all(WITNESS_KEYS.map((key) => createVerifier(key))));
}
