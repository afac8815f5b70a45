// The EROFS superblock against erofs-utils, and images that are not what they claim.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { withFile } from "../../../../src/publisher/describe/files/random-access.ts";
import { readErofsSuperblock } from "../../../../src/publisher/describe/formats/erofs.ts";
import { describeWithTool } from "../with-tool.ts";

const UUID = "11111111-2222-4333-8444-555555555555";

describeWithTool(["mkfs.erofs", "dump.erofs"], "EROFS superblock", () => {
  let folder: string;
  let image: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "touchstone-erofs-"));
    mkdirSync(join(folder, "root"));
    for (let i = 0; i < 200; i++)
      writeFileSync(join(folder, "root", `file-${i}`), `${"text ".repeat(i * 20)}\n`);
    image = make("plain");
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function make(name: string, ...options: string[]): string {
    const path = join(folder, name);
    execFileSync("mkfs.erofs", ["-T1700000000", `-U${UUID}`, ...options, path, join(folder, "root")], {
      stdio: "pipe",
    });
    return path;
  }
  const read = (path: string) => withFile(path, "erofs image", readErofsSuperblock);

  it.each([
    ["plain", []],
    ["compressed", ["-zlz4hc"]],
    ["big-clusters", ["-zlz4hc", "-C65536"]],
    ["chunked", ["--chunksize=4096"]],
    ["legacy", ["-Elegacy-compress", "-zlz4"]],
    ["tails-and-fragments", ["-Eztailpacking,fragments", "-zlz4hc"]],
  ])("reads what dump.erofs reads of a %s image", async (name, options) => {
    const path = make(name, ...options);
    const dump = execFileSync("dump.erofs", ["-s", path], { env: { ...process.env, TZ: "UTC" } }).toString();
    const field = (label: string) => new RegExp(`${label}: +(.*)`).exec(dump)?.[1]?.trim();
    const superblock = await read(path);
    expect(superblock.blocks).toBe(Number(field("Filesystem blocks")));
    expect(superblock.uuid).toBe(field("Filesystem UUID"));
    expect(superblock.buildTime).toBe(Date.parse(`${field("Filesystem created")} UTC`) / 1000);
    expect(superblock.blockSize).toBe(4096);
    // dump.erofs 1.5 has no name for this one.
    const named = superblock.features.filter((feature) => feature !== "ztailpacking");
    expect(named).toEqual(field("Filesystem features")?.split(" "));
  });

  it("refuses an image cut short at any point", async () => {
    const bytes = readFileSync(image);
    const path = join(folder, "cut");
    for (const length of [0, 1023, 1024, 1100, 1151, 1152, 4095, 4096, bytes.length - 1]) {
      writeFileSync(path, bytes.subarray(0, length));
      await expect(read(path), `${length} bytes`).rejects.toThrow(/^erofs image .*cut: .*\(at byte \d+\)$/);
    }
  });

  it.each([
    ["magic number", 1024, [0], /no EROFS magic number \(at byte 1024\)/],
    ["block size of 2^8", 1024 + 12, [8], /block size 2\^8 is not allowed \(at byte 1036\)/],
    ["block size of 2^255", 1024 + 12, [255], /block size 2\^255/],
    ["changed uuid", 1024 + 48, [0x12], /checksum does not match \(at byte 1028\)/],
    ["changed byte at the end of the first block", 4095, [1], /checksum does not match/],
    // The checksum's flag is cleared in the cases below, so that they are reached.
    ["unknown incompatible feature", 1024 + 83, [0x80], /unknown incompatible features 0x80000000/],
    ["count of 2^32 - 1 blocks", 1024 + 36, [255, 255, 255, 255], /a file system of 4294967295 blocks needs/],
    ["no blocks", 1024 + 36, [0, 0, 0, 0], /has no blocks/],
    ["build time after the year 9999", 1024 + 24, Array(8).fill(255), /18446744073709551615 is out of range/],
  ])("refuses a %s", async (what, offset, bytes, message) => {
    const changed = readFileSync(image);
    changed.set(bytes, offset);
    if (!/uuid|first block/.test(what)) changed[1032]! &= ~1;
    const path = join(folder, "changed");
    writeFileSync(path, changed);
    await expect(read(path)).rejects.toThrow(message);
  });
});
