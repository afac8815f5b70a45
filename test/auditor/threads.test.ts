// An audit whose threads fail says so and believes nothing; one whose threads work holds a few bundles in memory, however long the log.
import { expect, it } from "vitest";
import { audit } from "../../src/auditor/audit.ts";
import { AuditFindings } from "../../src/auditor/audit-finding.ts";
import { AuditState } from "../../src/auditor/audit-state.ts";
import { TileReader } from "../../src/auditor/tile-reader.ts";
import { TreeReplay } from "../../src/auditor/tree-replay.ts";
import { hashLeaves } from "../../src/log/checking/checked-entry.ts";
import { SignatureThreads } from "../../src/log/checking/signature-threads.ts";
import { GrowingTree } from "../../src/log/tree/growing-tree.ts";
import { NOW } from "../support/clock.ts";
import { makeTree } from "../support/tree.ts";
import { honestLog, serve, serveTree } from "./served-log.ts";

it("fails closed where a thread ends", async () => {
  const { log, trust } = await honestLog();
  const served = await serve(log);
  const state = AuditState.open(null);
  const threads = new SignatureThreads(2, 0, new URL("../log/checking/dying-thread.ts", import.meta.url));
  const auditing = audit({ read: async (path) => served.get(path), trust, state, now: NOW, threads });
  await expect(auditing).rejects.toThrow(
    "a thread that verifies signatures failed, so nothing is known of them",
  );
  expect(state.memory).toMatchObject({ completed: 0, head: { size: 0 } });
  state.close();
});

it("keeps as many bundles under way as the checker wants, and no more", async () => {
  const size = 40 * 256;
  const entryOf = (i: number) => Uint8Array.of(i >> 8, i & 255);
  const entries = Array.from({ length: size }, (_, i) => entryOf(i));
  const served = serveTree(makeTree(size, entryOf), entries, size);
  let underWay = 0;
  let most = 0;
  const reader = new TileReader(async (path) => {
    if (path.startsWith("tile/entries/")) most = Math.max(most, ++underWay);
    return served.get(path);
  });
  const replay = new TreeReplay(reader, new AuditFindings(), GrowingTree.empty(), size);
  const checker = {
    ahead: 5,
    check: async (leaves: Promise<readonly Uint8Array[]>) => ({
      hashes: hashLeaves(await leaves),
      entries: [],
    }),
  };
  for await (const { hashes } of replay.ranges(checker)) {
    for (const hash of hashes) replay.tree.append(hash);
    underWay--;
  }
  expect({ size: replay.tree.size, most }).toEqual({ size, most: 6 });
});
