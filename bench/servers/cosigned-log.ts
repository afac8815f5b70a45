// A service whose quorum is two of three witnesses, of which one takes a second and the others some milliseconds. The witnesses are
// cosigners in this process: what is measured is how the log waits for them, not how they are reached. Argument: a new folder.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { startServer } from "../../src/http/server.ts";
import { type Cosigner, type CosignRequest, OwnCosigner } from "../../src/log/checkpointing/cosigner.ts";
import { HighWaterFile } from "../../src/log/checkpointing/high-water.ts";
import { createLog } from "../../src/log/open-or-create.ts";
import { openStore } from "../../src/log/store/open-store.ts";
import { parseSigningKey } from "../../src/node/signing/signing-key.ts";
import { parseStatement } from "../../src/protocol/envelope/statement.ts";
import {
  COSIGNATURE_ED25519,
  createNoteSigner,
  createPrivateKey,
  formatVerifierKey,
  type NotePrivateKey,
  parsePrivateKey,
} from "../../src/protocol/note/key.ts";
import { signEnvelope } from "../../src/publisher/signing/sign.ts";
import { draftTrustRoot } from "../../src/publisher/trust-root/draft-trust-root.ts";
import { foundLog } from "../../src/publisher/trust-root/found-log.ts";
import { createApp } from "../../src/service/app.ts";
import { createService, DEFAULT_SERVICE_LIMITS } from "../../src/service/create-service.ts";
import { createMetrics } from "../../src/service/metrics/metrics.ts";

const ORIGIN = "bench.example/cosigned";
/** Milliseconds that each witness takes. */
const DELAYS = [10, 20, 1000];
const clock = () => new Date();

/** A witness that answers after a while, one request at a time. */
class DelayedCosigner implements Cosigner {
  readonly name: string;
  readonly #cosigner: OwnCosigner;
  readonly #delayMs: number;
  #busy = false;

  constructor(key: NotePrivateKey, delayMs: number) {
    this.#cosigner = new OwnCosigner(key, clock);
    this.name = this.#cosigner.name;
    this.#delayMs = delayMs;
  }

  async gather(request: CosignRequest): Promise<string[]> {
    if (this.#busy) return [];
    this.#busy = true;
    await sleep(this.#delayMs);
    this.#busy = false;
    return this.#cosigner.gather(request);
  }
}

const folder = process.argv[2] ?? ".";
mkdirSync(join(folder, "keys"), { recursive: true });
const founded = await foundLog(ORIGIN, clock());
writeFileSync(join(folder, "keys", "publisher.pem"), founded.roleKeys.publisher);
const witnesses = await Promise.all(
  DELAYS.map((_, i) =>
    createPrivateKey(`witness-${i}.example`, COSIGNATURE_ED25519, crypto.getRandomValues(new Uint8Array(32))),
  ),
);
const logKey = await parsePrivateKey(founded.logKey);

/** The founded trust root with these witnesses. */
function trustRoot() {
  const { statement } = founded.trustRoot;
  if (statement.kind !== "trust-root") throw new Error("a log is founded with a trust root");
  const logPolicy = [
    `log ${formatVerifierKey(logKey.verifierKey)}`,
    ...witnesses.map(({ verifierKey }, i) => `witness w${i} ${formatVerifierKey(verifierKey)}`),
    "group two-of-three 2 w0 w1 w2",
    "quorum two-of-three",
    "",
  ].join("\n");
  const payload = draftTrustRoot({ ...statement.predicate, logPolicy });
  parseStatement(payload);
  return signEnvelope({ payload, signatures: [] }, [parseSigningKey(founded.roleKeys.root)]);
}

const store = await openStore(join(folder, "log.db"), clock());
const log = await createLog(
  {
    reader: store,
    writer: store,
    signer: createNoteSigner(logKey),
    cosigners: witnesses.map((key, i) => new DelayedCosigner(key, DELAYS[i] ?? 0)),
    highWater: new HighWaterFile(join(folder, "high-water")),
    clock,
  },
  await trustRoot(),
);
const service = createService({
  log,
  metrics: createMetrics(false),
  logger: pino({ level: "silent" }),
  clock,
  origin: ORIGIN,
  url: "http://127.0.0.1",
  version: "bench",
  limits: { ...DEFAULT_SERVICE_LIMITS, writesPerMinute: 10_000_000 },
});
const { address } = await startServer({
  app: createApp(service),
  host: "127.0.0.1",
  port: 0,
  close: () => log.close(),
  graceMs: 1000,
});
process.send?.({ url: address });
process.on("disconnect", () => process.exit());
process.on("SIGTERM", () => process.exit());
