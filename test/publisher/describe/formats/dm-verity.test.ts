// dm-verity against cryptsetup's veritysetup, and trees that lie about the data.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { withFile } from "../../../../src/publisher/describe/files/random-access.ts";
import {
  readVeritySuperblock,
  recomputeVerityRoot,
  treeOffset,
} from "../../../../src/publisher/describe/formats/dm-verity.ts";
import { describeWithTool } from "../with-tool.ts";

describeWithTool("veritysetup", "dm-verity", () => {
  let folder: string;
  let count = 0;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "touchstone-verity-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Writes `blocks` data blocks and lets veritysetup format them; gives its root hash. */
  function format(blocks: number, options: { algorithm?: string; salt?: string; block?: number } = {}) {
    const { algorithm = "sha256", salt = "00ff".repeat(16), block = 4096 } = options;
    const data = join(folder, `data-${++count}`);
    const tree = join(folder, `tree-${count}`);
    const bytes = Buffer.alloc(blocks * block);
    for (let i = 0; i < blocks; i++) bytes.writeUInt32LE((i * 2654435761) % 2 ** 32, i * block);
    writeFileSync(data, bytes);
    const sizes = [`--data-block-size=${block}`, `--hash-block-size=${block}`];
    const output = execFileSync("veritysetup", [
      "format",
      data,
      tree,
      `--hash=${algorithm}`,
      `--salt=${salt}`,
      ...sizes,
    ]);
    return { data, tree, rootHash: /Root hash:\s*([0-9a-f]+)/.exec(output.toString())?.[1] };
  }

  const recompute = (data: string, tree: string) =>
    withFile(data, "data device", (dataFile) =>
      withFile(tree, "verity tree", async (treeFile) => {
        const parameters = await readVeritySuperblock(treeFile, 0);
        return await recomputeVerityRoot(dataFile, treeFile, treeOffset(0, parameters), parameters);
      }),
    );

  it.each([
    [1, {}],
    [2, {}],
    [128, {}],
    [129, {}],
    [16385, {}],
    [300, { algorithm: "sha384" }],
    [4097, { algorithm: "sha512", salt: "-" }],
    [5000, { block: 1024, salt: "ab" }],
    [33, { block: 512, algorithm: "sha384" }],
  ])("gives the root hash of veritysetup for %i blocks %o", async (blocks, options) => {
    const { data, tree, rootHash } = format(blocks, options);
    expect(rootHash).toMatch(/^[0-9a-f]{64,}$/);
    expect(await recompute(data, tree)).toBe(rootHash);
  });

  async function flip(path: string, offset: number) {
    const file = await open(path, "r+");
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, offset);
    await file.write(Uint8Array.of(buffer[0]! ^ 1), 0, 1, offset);
    await file.close();
  }

  it.each([["the data"], ["the lowest level"], ["the top level"], ["the padding of a hash block"]])(
    "refuses a changed bit in %s",
    async (where) => {
      const { data, tree } = format(200);
      if (where === "the data") await flip(data, 199 * 4096 + 7);
      // Superblock, top level (one block, 2 digests), lowest level (two blocks, 200 digests).
      else
        await flip(
          tree,
          { "the top level": 4096, "the lowest level": 8192, "the padding of a hash block": 4096 * 4 - 1 }[
            where
          ]!,
        );
      await expect(recompute(data, tree)).rejects.toThrow(
        /verity tree .*differs from the data \(at byte \d+\)/,
      );
    },
  );

  it("refuses a tree over more blocks than there are", async () => {
    const { data, tree } = format(200);
    truncateSync(data, 199 * 4096);
    await expect(recompute(data, tree)).rejects.toThrow(/data device .*200 data blocks needs/);
  });

  it("refuses a tree cut short at any point", async () => {
    const { data, tree } = format(200);
    for (const length of [0, 1, 7, 511, 512, 4095, 4096, 8192, 16383]) {
      truncateSync(tree, length);
      await expect(recompute(data, tree)).rejects.toThrow(/verity tree .* \(at byte \d+\)/);
    }
  });

  it.each([
    ["signature", 0, [0x56], /no verity signature \(at byte 0\)/],
    ["version", 8, [2], /version 2 is not 1/],
    ["Chrome OS hash type", 12, [0], /hash type 0 is not 1/],
    ["algorithm sha1", 32, [...Buffer.from("sha1\0\0")], /algorithm "sha1" is not accepted/],
    ["algorithm that is an object's member", 32, [...Buffer.from("valueOf\0")], /"valueOf" is not accepted/],
    ["data block size 0", 64, [0, 0, 0, 0], /block size 0 is not/],
    ["hash block size 4097", 68, [1, 16, 0, 0], /block size 4097 is not/],
    ["no data blocks", 72, [0, 0, 0, 0, 0, 0, 0, 0], /0 data blocks are out of range/],
    ["2^64 - 1 data blocks", 72, Array(8).fill(255), /18446744073709551615 data blocks are out of range/],
    [
      "data blocks whose bytes overflow",
      72,
      [255, 255, 255, 255, 255, 255, 15, 0],
      /data device .* data blocks needs/,
    ],
    ["salt longer than its field", 80, [1, 1], /a salt of 257 bytes/],
  ])("refuses a superblock with a wrong %s", async (_, offset, bytes, message) => {
    const { data, tree } = format(3);
    const changed = await readFile(tree);
    changed.set(bytes, offset);
    writeFileSync(tree, changed);
    await expect(recompute(data, tree)).rejects.toThrow(message);
  });
});
