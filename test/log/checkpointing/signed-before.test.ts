// The guard against signing a second tree, alone: nothing that the log has signed is ever contradicted by a later signature.
import { describe, expect, it } from "vitest";
import { Checkpointer } from "../../../src/log/checkpointing/checkpointer.ts";
import type { HighWater } from "../../../src/log/checkpointing/high-water.ts";
import { NO_OBSERVER } from "../../../src/log/observer.ts";
import type { LogState } from "../../../src/log/sequencing/recorder.ts";
import { GrowingTree } from "../../../src/log/tree/growing-tree.ts";
import { Prover } from "../../../src/log/tree/prover.ts";
import type { Checkpoint } from "../../../src/protocol/note/checkpoint.ts";
import { createNoteSigner } from "../../../src/protocol/note/key.ts";
import { NOW } from "../../support/clock.ts";
import { FoundedLog } from "../../support/founded-log.ts";
import { logKey, ORIGIN } from "../../support/witnesses.ts";

const { inForce } = await FoundedLog.found();
const root = (byte: number) => new Uint8Array(32).fill(byte);
const state = (size: number, byte: number): LogState => ({ head: { size, root: root(byte) }, inForce });

async function checkpointer(signed: Checkpoint | null, written: string[] = []): Promise<Checkpointer> {
  const highWater: HighWater = {
    read: async () => undefined,
    swap: async (note) => void written.push(note),
    close: async () => undefined,
  };
  const { logger } = NO_OBSERVER;
  const tree = GrowingTree.empty();
  const prover = new Prover({ readTile: async () => undefined, readLeaves: async () => [] }, () => tree);
  const signer = createNoteSigner(await logKey());
  return new Checkpointer({ signer, cosigners: [], highWater, prover, signed, logger, clock: () => NOW });
}

describe("a log that has signed size 5", () => {
  const before = { origin: ORIGIN, size: 5, root: root(1) };

  it.each([
    ["another tree of the same size", state(5, 2)],
    ["a smaller tree", state(4, 1)],
  ])("does not sign %s", async (_what, next) => {
    const log = await checkpointer(before);
    await expect(log.sign(next)).rejects.toMatchObject({
      name: "LogBehindError",
      message: expect.stringMatching(/has signed size 5 with root 0101/),
    });
  });

  it("signs the same tree again, and a larger one", async () => {
    const log = await checkpointer(before);
    for (const next of [state(5, 1), state(6, 3)])
      expect((await log.sign(next)).checkpoint.size).toBe(next.head.size);
  });
});

it("what is marked counts from then on, and what was only signed does not", async () => {
  const written: string[] = [];
  const log = await checkpointer(null, written);
  await log.sign(state(9, 9));
  const signed = await log.sign(state(5, 1));
  await log.mark(signed);
  expect(written).toEqual([signed.note]);
  await expect(log.sign(state(5, 2))).rejects.toMatchObject({ name: "LogBehindError" });
  await log.mark(await log.sign(state(5, 1)));
  expect(written).toHaveLength(1);
});
