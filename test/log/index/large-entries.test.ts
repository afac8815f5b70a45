// A step of the index whose entries are all as large as a log takes them, and made by somebody who wants the thread that adds them to fail.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { keysOfEntry } from "../../../src/log/index/keys-of-entry.ts";
import { ThreadedIndex } from "../../../src/log/index/threaded-index.ts";
import { nativeSha256 } from "../../../src/node/sha256.ts";
import { encodeHex } from "../../../src/protocol/encoding/hex.ts";
import { type Envelope, MAX_LEAF_BYTES } from "../../../src/protocol/envelope/dsse.ts";
import { keyOfTerm } from "../../../src/protocol/lookup/term.ts";
import { indexRootOf } from "../../support/index-of.ts";
import { testKeys } from "../../support/keys.ts";
import { platformPredicate, sha256Of } from "../../support/release-predicates.ts";
import { signStatement } from "../../support/signing.ts";

const ENTRIES = 512;
const LINES = 60;
const DIGESTS_OF_LINE = 12;
const TREE_ROOT = new Uint8Array(32).fill(7);

let large: Envelope;
let root: string;
let index: ThreadedIndex;
let folder: string;

const all = () => new Array<Envelope>(ENTRIES).fill(large);

/** Digests whose keys begin with the same byte: each takes some hundred tries. */
function* digestsThatBeginAlike(): Generator<string, never> {
  for (let i = 0; ; i++) {
    const value = sha256Of(`tried ${i}`);
    if (keyOfTerm({ type: "digest", value }, nativeSha256)[0] === 0) yield value;
  }
}

beforeAll(async () => {
  const digests = digestsThatBeginAlike();
  const line = () => Array.from({ length: DIGESTS_OF_LINE }, () => digests.next().value).join(" ");
  const predicate = platformPredicate();
  const vmm = {
    name: "qemu" as const,
    package: null,
    sha256: null,
    arguments: Array.from({ length: LINES }, line),
  };
  large = await signStatement("platform", { ...predicate, vmm }, [(await testKeys()).publisher]);
  expect(large.leaf.length).toBeGreaterThan(MAX_LEAF_BYTES * 0.95);
  expect(keysOfEntry(large).filter(([first]) => first === 0).length).toBeGreaterThan(
    LINES * DIGESTS_OF_LINE - 1,
  );
  root = indexRootOf(all());
}, 60_000);
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-index-"));
  index = new ThreadedIndex(join(folder, "index.db"));
  await index.open(false);
});
afterEach(async () => {
  await index.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("entries of which each has as many keys as it can", () => {
  const leaves = () => all().map(({ leaf }) => leaf);

  it("are added in the small heap of the thread", async () => {
    const state = await index.add({ leaves: leaves(), treeRoot: TREE_ROOT, markFrom: 0, markEnd: false });
    expect(encodeHex(state.root)).toBe(root);
  }, 60_000);

  it("are built at once there, though all keys wait in one part", async () => {
    await index.stage(0, leaves());
    const state = await index.build(ENTRIES, TREE_ROOT, new AbortController().signal);
    expect(encodeHex(state?.root ?? new Uint8Array())).toBe(root);
  }, 60_000);

  it("have a status drawn over them, of which nothing is kept", async () => {
    expect(encodeHex(await index.rootWith(0, leaves()))).toBe(root);
  }, 60_000);
});
