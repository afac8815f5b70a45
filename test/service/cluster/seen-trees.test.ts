// Who has seen a tree is answered from no smaller one, though a process of the log is asked that is behind: publishers and auditors say
// what they have seen, wait, and find out in the end where it never comes back.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { audit } from "../../../src/auditor/audit.ts";
import type { AuditReport } from "../../../src/auditor/audit-report.ts";
import { AuditState } from "../../../src/auditor/audit-state.ts";
import { openSource } from "../../../src/auditor/log-source.ts";
import type { LogNode } from "../../../src/log/cluster/log-node.ts";
import type { ClusterStore } from "../../../src/log/store/leadership.ts";
import type { News } from "../../../src/log/store/log-store.ts";
import { parseLeaf } from "../../../src/protocol/envelope/dsse.ts";
import type { LogClient } from "../../../src/publisher/client/log-client.ts";
import { getEntry } from "../../../src/publisher/client/lookup.ts";
import { publish } from "../../../src/publisher/client/publish.ts";
import { createApp } from "../../../src/service/app.ts";
import { lookingAgain } from "../../../src/service/cluster/fresh-reads.ts";
import { createService, DEFAULT_SERVICE_LIMITS } from "../../../src/service/create-service.ts";
import { createMetrics } from "../../../src/service/metrics/metrics.ts";
import { formatTrustFile, parseTrustFile } from "../../../src/verifier/bundle/trust-pin.ts";
import { intercept } from "../../support/intercept.ts";
import { NodeHarness, QUICK } from "../../support/node-harness.ts";
import { signPlatforms } from "../../support/signing.ts";
import { ORIGIN } from "../../support/witnesses.ts";

let harness: NodeHarness;
let leader: LogNode;
/** What the follower reads for as long as it is held back. */
let held: News | null;
let holdBack: () => Promise<void>;
/** Sends everything to the follower but what is to be published. */
let fetch: typeof globalThis.fetch;
let fetchFromLeader: typeof globalThis.fetch;
/** Sizes that the follower was told of. */
let told: Array<string | null>;

beforeEach(async () => {
  harness = await NodeHarness.found();
  [held, told] = [null, []];
  leader = await harness.start("a");
  const follower = await harness.start("b", { leading: null, cluster: QUICK, store: holding });
  const [leading, following] = [serving(leader), serving(follower)];
  fetchFromLeader = async (input, init) => leading.fetch(new Request(input, init), {} as never);
  fetch = async (input, init) => {
    const request = new Request(input, init);
    if (request.method !== "GET") return fetchFromLeader(request);
    told.push(request.headers.get("touchstone-min-size"));
    return following.fetch(request, {} as never);
  };
});
afterEach(() => harness.remove());

function holding(store: ClusterStore): ClusterStore {
  const { reader } = store;
  holdBack = async () => {
    held = await reader.news(leader.registered.size, 1);
  };
  return intercept(store, {
    reader: intercept(reader, {
      news: async (...call) => held ?? reader.news(...call),
      changed: () => sleep(20),
    }),
  });
}

const serving = (node: LogNode) => {
  const service = createService({
    log: node,
    metrics: createMetrics(false),
    logger: pino({ level: "silent" }),
    clock: () => harness.log.clock.now,
    origin: ORIGIN,
    url: "https://log.example",
    version: "0.0.0-test",
    limits: DEFAULT_SERVICE_LIMITS,
    cluster: { node, forwarding: null },
  });
  return lookingAgain(createApp(service), node);
};

describe("a publisher", () => {
  const client = (options: Partial<LogClient> = {}): LogClient => ({
    url: "https://log.example",
    fetch,
    sleep: async () => undefined,
    seen: { size: 0 },
    ...options,
  });

  it("finds what it has published, at a process that is behind as soon as that is not any more", async () => {
    await holdBack();
    const [envelope] = await signPlatforms(harness.log.keys, "vm", 1);
    const reasons: string[] = [];
    const publisher = client({
      onRetry: (reason) => {
        reasons.push(reason);
        held = null;
      },
    });
    const [published] = await publish(publisher, [envelope!], [], null);
    expect(publisher.seen).toEqual({ size: published!.treeSize });
    const found = await getEntry(publisher, published!.index);
    expect(found.envelope.payloadDigest).toBe(envelope!.payloadDigest);
    expect(reasons).toEqual([expect.stringContaining("503 behind")]);
    expect(new Set(told)).toEqual(new Set([String(published!.treeSize)]));
  });

  it("gives up on a process that stays behind, after as many attempts as for every other answer", async () => {
    const answers = async () => new Response('{"code":"behind","detail":"it is"}', { status: 503 });
    const attempts: string[] = [];
    const publisher = client({
      fetch: answers,
      seen: { size: 9 },
      onRetry: (reason) => void attempts.push(reason),
    });
    await expect(getEntry(publisher, 8)).rejects.toMatchObject({ status: 503, code: "behind" });
    expect(attempts).toHaveLength(7);
  });

  it("that has seen nothing says nothing, and is told what there is", async () => {
    await holdBack();
    const [envelope] = await signPlatforms(harness.log.keys, "vm", 1);
    const [published] = await publish(client(), [envelope!], [], null);
    await expect(getEntry(client(), published!.index)).rejects.toMatchObject({ code: "beyond-tree" });
    expect(told).toEqual([null]);
  });
});

describe("an auditor", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "touchstone-seen-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function auditOver(asking: typeof globalThis.fetch): Promise<AuditReport> {
    const entry = await leader.read.entry(0);
    const trust = parseTrustFile(formatTrustFile(parseLeaf(entry!.leaf)));
    const state = AuditState.open(join(folder, "audit.db"));
    try {
      const read = openSource("https://log.example", { fetch: asking, retryDelaysMs: [0] });
      return await audit({ read, trust, state, now: harness.log.clock.now });
    } finally {
      state.close();
    }
  }

  /** It has audited more than the follower shows. */
  async function auditMore(): Promise<number> {
    await holdBack();
    await leader.publish(await signPlatforms(harness.log.keys, "vm", 2));
    const { findings, size } = await auditOver(fetchFromLeader);
    expect([findings, size]).toEqual([[], leader.read.published()?.checkpoint.size]);
    return size ?? 0;
  }

  it("takes no process that is behind for a log that went back", async () => {
    const size = await auditMore();
    let refused = 0;
    const report = await auditOver(async (...call) => {
      const answer = await fetch(...call);
      if (answer.status === 503) {
        refused++;
        held = null;
      }
      return answer;
    });
    expect(report).toMatchObject({ findings: [], size });
    expect([refused, told[0]]).toEqual([1, String(size)]);
  });

  it("still finds out a log that went back", async () => {
    await auditMore();
    const report = await auditOver(fetch);
    expect(report.findings).toMatchObject([{ code: "checkpoint-rolled-back" }]);
  });
});
