// Where the dm-verity tree is that follows a file system in its image: at once, or at the next boundary that the builder aligns to.
import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { beforeAll, expect, it } from "vitest";
import { describeRootfs } from "../../../src/publisher/describe/rootfs.ts";
import { describeReal, realDataPath } from "../../support/real-data.ts";
import { scratchFolder } from "./scratch-folder.ts";
import { describeWithTool } from "./with-tool.ts";

const MiB = 1024 * 1024;
const folder = scratchFolder();
const describeImage = (image: string, verityOffset?: number) =>
  describeRootfs({ image, mkfsArguments: [], ...(verityOffset === undefined ? {} : { verityOffset }) });

describeWithTool(["mkfs.erofs", "veritysetup"], "a tree that follows the file system", () => {
  let plain: Uint8Array;
  beforeAll(() => {
    mkdirSync(`${folder.path}/root`);
    writeFileSync(`${folder.path}/root/file`, "content ".repeat(5000));
    execFileSync("mkfs.erofs", [`${folder.path}/plain.erofs`, `${folder.path}/root`], { stdio: "pipe" });
    plain = readFileSync(`${folder.path}/plain.erofs`);
  });

  /** An image whose data end at `offset`, with superblock and tree there; gives the root hash of veritysetup too. */
  function imageWithTreeAt(offset: number) {
    const image = folder.write(`image-${offset}.img`, plain);
    truncateSync(image, offset);
    const options = [`--hash-offset=${offset}`, `--data-blocks=${offset / 4096}`];
    const said = execFileSync("veritysetup", ["format", image, image, ...options]).toString();
    return { image, rootHash: /Root hash:\s*([0-9a-f]+)/.exec(said)?.[1] };
  }

  it("is found at the end of the file system, and at the next MiB", async () => {
    for (const offset of [plain.length, MiB, 3 * MiB]) {
      const { image, rootHash } = imageWithTreeAt(offset);
      expect((await describeImage(image)).verity.rootHash).toBe(rootHash);
      expect((await describeImage(image, offset)).verity.rootHash).toBe(rootHash);
    }
  });

  it("is not searched for behind anything that is not zero", async () => {
    const { image } = imageWithTreeAt(MiB);
    const bytes = readFileSync(image);
    bytes[plain.length + 7] = 1;
    const path = folder.write("noise.img", bytes);
    await expect(describeImage(path)).rejects.toThrow(
      /no dm-verity superblock follows the file system: say where it begins \(--verity-offset\), or give the file that has it/,
    );
  });

  it("is refused with the remedy where there is none, or only its first bytes", async () => {
    await expect(describeImage(folder.write("none.img", plain))).rejects.toThrow(/--verity-offset/);
    const padded = folder.write("zeros.img", plain);
    truncateSync(padded, 2 * MiB);
    await expect(describeImage(padded)).rejects.toThrow(/--verity-offset/);
    appendFileSync(padded, "verity\0\0");
    expect(statSync(padded).size).toBe(2 * MiB + 8);
    await expect(describeImage(padded)).rejects.toThrow(/--verity-offset/);
  });

  it("is refused at an offset where it is not", async () => {
    const { image } = imageWithTreeAt(MiB);
    await expect(describeImage(image, 4096)).rejects.toThrow(/no verity signature \(at byte 4096\)/);
  });

  it("is refused where the image is of another format, with what it looks like", async () => {
    const hex = folder.write("hex.img", Buffer.from(plain).toString("hex"));
    await expect(describeImage(hex)).rejects.toThrow(
      /EROFS image .*: no EROFS magic number: it looks like hex text, decode it first \(xxd -r -p\)/,
    );
  });
});

describeReal("an image from elsewhere", () => {
  it("verity-at-aligned-offset: the tree is found behind zeros", async () => {
    const { verity } = await describeImage(realDataPath("evidence/cases/verity-at-aligned-offset/guest.img"));
    expect(verity.rootHash).toMatch(/^[0-9a-f]{64}$/);
  });
});
