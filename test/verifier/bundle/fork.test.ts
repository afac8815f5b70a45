// What two signed checkpoints of a log say together: one tree, two of its sizes, or a fork.
import { beforeAll, expect, it } from "vitest";
import { forkOf, isFork, isSameTree } from "../../../src/verifier/bundle/fork.ts";
import { NOW } from "../../support/clock.ts";
import { signedCheckpoint } from "../../support/notes.ts";
import { seenTree } from "../../support/remembered.ts";
import { logKey, ORIGIN, witnessKey } from "../../support/witnesses.ts";

let tree: string;
let later: string;
let forked: string;
/** A size that a tree of this root cannot have. */
let grown: string;
beforeAll(async () => {
  const root = new Uint8Array(32).fill(7);
  const signed = async (size: number, at: number) =>
    signedCheckpoint({ origin: ORIGIN, size, root }, await logKey(ORIGIN), [
      [await witnessKey("own.example"), at],
    ]);
  const seconds = NOW.getTime() / 1000;
  [tree, later, grown] = [await signed(7, seconds), await signed(7, seconds + 60), await signed(8, seconds)];
  ({ note: forked } = await seenTree(7, "another tree"));
});

it("one tree is one, whoever cosigned it and when", () => {
  expect([isSameTree(tree, later), isFork([tree, later]), forkOf(tree, later)]).toEqual([true, false, null]);
});

it("two roots of one size are a fork, in whatever order they were seen", () => {
  expect([isSameTree(tree, forked), isFork([tree, forked])]).toEqual([false, true]);
  expect(forkOf(tree, forked)).toEqual([tree, forked].sort());
  expect(forkOf(forked, tree)).toEqual([tree, forked].sort());
});

it("two sizes are neither, even of one root", () => {
  expect([isSameTree(tree, grown), isFork([tree, grown]), forkOf(tree, grown)]).toEqual([false, false, null]);
});
