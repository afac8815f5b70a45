// What every high-water mark must do, wherever it is kept: of several that would sign for one log, one goes on, and the others are told.
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { HighWater } from "../../../src/log/checkpointing/high-water.ts";
import { MarkMovedError } from "../../../src/log/errors.ts";
import { formatCheckpoint } from "../../../src/protocol/note/checkpoint.ts";
import { createNoteSigner } from "../../../src/protocol/note/key.ts";
import { signNote } from "../../../src/protocol/note/signed-note.ts";
import { logKey, ORIGIN } from "../../support/witnesses.ts";

export const markOf = async (size: number): Promise<string> =>
  signNote(formatCheckpoint({ origin: ORIGIN, size, root: new Uint8Array(32) }), [
    createNoteSigner(await logKey()),
  ]);

/** @param at gives a mark at a place; the same place to whoever names it. */
export function describeHighWater(name: string, at: (place: string) => HighWater): void {
  describe(`${name}, as a high-water mark`, () => {
    let tests = 0;
    let notes: string[];
    let open: () => HighWater;
    const read = async () => (await open().read())?.note;

    beforeAll(async () => {
      notes = await Promise.all(Array.from({ length: 20 }, (_, size) => markOf(size)));
    });
    beforeEach(() => {
      const place = `mark-${tests++}`;
      open = () => at(place);
    });

    it("is none at first, and then what was written last, for whoever opens it", async () => {
      const mark = open();
      expect(await mark.read()).toBeUndefined();
      for (const size of [1, 2, 3, 9, 10]) {
        await mark.swap(notes[size]!);
        expect(await read()).toBe(notes[size]);
      }
      await mark.close();
      const next = open();
      await next.read();
      await next.swap(notes[11]!);
      expect(await read()).toBe(notes[11]);
      await next.close();
    });

    it("is not replaced by who has not looked", async () => {
      const first = open();
      await first.swap(notes[1]!);
      await expect(open().swap(notes[2]!)).rejects.toMatchObject({ note: notes[1] });
      expect(await read()).toBe(notes[1]);
      await first.close();
    });

    it("is not replaced by a signer that was asleep, which is told what stands there", async () => {
      const [mine, theirs] = [open(), open()];
      await mine.swap(notes[1]!);
      await theirs.read();
      await theirs.swap(notes[5]!);
      await expect(mine.swap(notes[2]!)).rejects.toThrow(new MarkMovedError(notes[5]!));
      await expect(mine.swap(notes[6]!)).rejects.toThrow(
        "somebody else has written the high-water mark: it says size 5",
      );
      expect(await read()).toBe(notes[5]);
      await mine.read();
      await mine.swap(notes[6]!);
      expect(await read()).toBe(notes[6]);
      for (const mark of [mine, theirs]) await mark.close();
    });

    it("goes to one of many that swap at once", async () => {
      const first = open();
      await first.swap(notes[1]!);
      const marks = Array.from({ length: 16 }, () => open());
      for (const mark of marks) await mark.read();
      const results = await Promise.allSettled(marks.map((mark, i) => mark.swap(notes[i + 2]!)));
      const winners = results.flatMap(({ status }, i) => (status === "fulfilled" ? [i] : []));
      expect(winners).toHaveLength(1);
      expect(await read()).toBe(notes[winners[0]! + 2]);
      for (const result of results)
        if (result.status === "rejected") expect(result.reason).toBeInstanceOf(MarkMovedError);
      for (const mark of [first, ...marks]) await mark.close();
    });
  });
}
