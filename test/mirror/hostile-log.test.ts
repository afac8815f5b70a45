// Logs, and caches in front of them, that show a mirror something wrong: nothing of it gets into the copy.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openSource } from "../../src/auditor/log-source.ts";
import { CopyTarget } from "../../src/mirror/copy-target.ts";
import { ForkedError, type MirrorOptions, mirrorLog } from "../../src/mirror/mirror.ts";
import { FolderStore } from "../../src/node/objects/folder-store.ts";
import { decodeUtf8, utf8 } from "../../src/protocol/encoding/text.ts";
import { attachmentsOf } from "../../src/protocol/registration/references.ts";
import {
  addKernel,
  fetchFrom,
  flipBit,
  type HonestLog,
  honestLog,
  PREFIX,
  type Served,
  serve,
  without,
} from "../auditor/served-log.ts";
import { NOW } from "../support/clock.ts";
import { signPlatforms } from "../support/signing.ts";

let honest: HonestLog;
let served: Served;
let folder: string;
beforeEach(async () => {
  honest = await honestLog();
  served = await serve(honest.log);
  folder = mkdtempSync(join(tmpdir(), "touchstone-mirror-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const mirror = (from: Served, change: Partial<MirrorOptions> = {}) =>
  mirrorLog({
    read: openSource(PREFIX, { fetch: fetchFrom(from), retryDelaysMs: [] }),
    target: new CopyTarget(new FolderStore(folder)),
    trust: honest.trust,
    now: NOW,
    ...change,
  });
const files = () =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1));
const checkpoint = () => readFileSync(join(folder, "checkpoint"), "utf8");

/** The note with another root, which is base64 all the same. */
function withOtherRoot(from: Served): Served {
  const lines = decodeUtf8(from.get("checkpoint")!).split("\n");
  lines[2] = `${lines[2]![0] === "A" ? "B" : "A"}${lines[2]!.slice(1)}`;
  return new Map(from).set("checkpoint", utf8(lines.join("\n")));
}

describe("before anything is written", () => {
  it.each([
    [
      "a flipped bit in a tile",
      () => flipBit(served, "tile/0/000.p/10", 40),
      /do not lead to the signed root/,
    ],
    ["a tile that is not there", () => without(served, "tile/0/000.p/10"), /there is no tile/],
    ["a checkpoint of another log", ofAnotherLog, /shows a checkpoint of other\.example\/log/],
    ["a checkpoint that the quorum did not cosign", uncosigned, /too few witnesses/],
    ["no note at all", () => new Map(served).set("checkpoint", utf8("welcome")), /note/],
    ["a note whose root was changed", () => withOtherRoot(served), /signature/],
  ])("%s is refused", async (_, tampered, why) => {
    await expect(mirror(await tampered())).rejects.toThrow(why);
    expect(files()).toEqual([]);
  });

  it("a pin of another log is refused", async () => {
    const trust = { ...honest.trust, envelope: honest.log.envelopes[0]! };
    const foreign = await serve(honest.log);
    foreign.set("checkpoint", utf8(await honest.log.checkpoint(10, NOW, "other.example/log")));
    await expect(mirror(foreign, { trust })).rejects.toMatchObject({ code: "checkpoint-origin" });
    expect(files()).toEqual([]);
  });
});

async function ofAnotherLog(): Promise<Served> {
  const note = await honest.log.checkpoint(10, NOW, "other.example/log");
  return new Map(served).set("checkpoint", utf8(note));
}

/** As the log alone signed it. */
function uncosigned(): Served {
  const lines = Buffer.from(served.get("checkpoint")!).toString().split("\n");
  const kept = lines.filter((line) => !line.startsWith("— own.example"));
  expect(kept).toHaveLength(lines.length - 1);
  return new Map(served).set("checkpoint", utf8(kept.join("\n")));
}

describe("what does not follow from the signed root is never written", () => {
  it("a changed entry", async () => {
    await expect(mirror(flipBit(served, "tile/entries/000.p/10", 40))).rejects.toMatchObject({
      code: "entry-differs",
    });
    expect(files().filter((path) => path.startsWith("tile/entries"))).toEqual([]);
  });

  it("an attachment with other bytes is left out, named, and asked for again", async () => {
    const path = `v1/attachments/sha256/${honest.attachment}`;
    expect(await mirror(flipBit(served, path, 3))).toMatchObject({ missing: [honest.attachment] });
    expect(files()).not.toContain(path);
    expect(await mirror(without(served, path))).toMatchObject({ missing: [honest.attachment] });
    expect(await mirror(served)).toMatchObject({ outcome: "unchanged", missing: [] });
    expect(files()).toContain(path);
  });
});

describe("a log that changes its mind", () => {
  it("shows a fork, and both signed checkpoints are the proof of it", async () => {
    await mirror(served);
    const before = checkpoint();
    for (const envelope of await signPlatforms(honest.keys, "more", 2)) await honest.log.add(envelope);
    const [removed] = honest.log.envelopes.splice(5, 1);
    expect(removed).toBeDefined();
    const forked = await serve(honest.log);
    const error = await mirror(forked).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(ForkedError);
    expect(error).toMatchObject({
      code: "checkpoint-forked",
      splitView: { smaller: before },
      sizes: { kept: 10, shown: 11 },
    });
    expect(checkpoint()).toBe(before);
  });

  it("shows another tree of the same size, or a smaller one that never was", async () => {
    await mirror(served);
    const before = checkpoint();
    honest.log.envelopes.splice(3, 1);
    for (const size of [9, 8]) {
      await expect(mirror(await serve(honest.log, size))).rejects.toThrow(ForkedError);
      expect(checkpoint()).toBe(before);
    }
  });

  it("an older checkpoint of the same tree is a cache's doing: the copy stays", async () => {
    await mirror(served);
    const before = checkpoint();
    expect(await mirror(await serve(honest.log, 7))).toMatchObject({ outcome: "behind", size: 10 });
    expect(checkpoint()).toBe(before);
  });
});

it("an entry that is no entry is copied as it is: judging it is an audit's part", async () => {
  await addKernel(honest.log, honest.keys, { size: 1 }, "lying-size");
  const lying = await serve(honest.log);
  await mirror(lying);
  expect(attachmentsOf(honest.log.envelopes.at(-1)!.statement)).toHaveLength(1);
  expect(readFileSync(join(folder, "tile/entries/000.p/11"))).toEqual(
    Buffer.from(lying.get("tile/entries/000.p/11")!),
  );
});
