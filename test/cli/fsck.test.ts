// fsck and serve say the same of a log that is not whole, and serve makes no database where there was none.
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { EXIT } from "../../src/cli/context.ts";
import { LogHarness } from "../support/log-harness.ts";
import { runCli } from "../support/run-cli.ts";
import { signPlatforms } from "../support/signing.ts";

let source: LogHarness;
let folder: string;
const at = (name: string) => join(folder, name);
const FILES = ["log.db", "high-water", "backup.db"];
const run = (...args: string[]) => runCli(args, { environment: {} });

/** A log of 5 entries with a backup of its first 2, and a raw copy that was made while the others were in the write-ahead log. */
beforeAll(async () => {
  source = await LogHarness.make();
  const log = await source.create();
  await log.publish(await signPlatforms(source.keys, "early", 1));
  const config = join(source.folder, "touchstone.toml");
  writeFileSync(config, CONFIG);
  const backup = await run("backup", join(source.folder, "backup.db"), "--config", config);
  expect(backup.exitCode).toBe(EXIT.good);
  await log.close();
  const again = await source.open();
  await again.publish(await signPlatforms(source.keys, "late", 3));
  copyFileSync(source.databaseFile, join(source.folder, "raw.db"));
  copyFileSync(`${source.databaseFile}-wal`, join(source.folder, "stale-wal"));
  await again.close();
});
afterAll(() => source.remove());

const CONFIG = `origin = "log.example/touchstone"
url = "http://127.0.0.1:1"

[listen]
host = "127.0.0.1"
port = 0

[storage]
database = "log.db"
highWater = "high-water"

[keys]
log = "log.key"
`;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-fsck-"));
  for (const name of [...FILES, "raw.db", "stale-wal", "touchstone.toml"])
    copyFileSync(join(source.folder, name), at(name));
  return () => rmSync(folder, { recursive: true });
});

const fsck = () => run("fsck", "--config", at("touchstone.toml"));
const serve = () => run("serve", "--config", at("touchstone.toml"));

describe("a log whose database is gone", () => {
  it("is refused by serve, which makes none, and by fsck, in the same words", async () => {
    rmSync(at("log.db"));
    const [served, checked] = [await serve(), await fsck()];
    expect(served.warnings).toMatch(
      /has signed a tree of 5 entries, the database has 0.*recover --from MIRROR/,
    );
    expect(checked.warnings).toBe(served.warnings);
    expect([served.exitCode, checked.exitCode]).toEqual([EXIT.usage, EXIT.usage]);
    expect(existsSync(at("log.db"))).toBe(false);
    expect(existsSync(at("log.db-writer"))).toBe(false);
  });

  it("and whose high-water file is gone, too, is none", async () => {
    rmSync(at("log.db"));
    rmSync(at("high-water"));
    const [served, checked] = [await serve(), await fsck()];
    expect(served.warnings).toMatch(/there is no such database; create a log with 'touchstone init'/);
    expect(checked.warnings).toBe(served.warnings);
    expect((await run("backup", at("new.db"), "--config", at("touchstone.toml"))).warnings).toBe(
      served.warnings,
    );
  });

  it("and was made anew, empty, is damaged", async () => {
    writeFileSync(at("log.db"), "");
    expect((await fsck()).warnings).toMatch(/has signed a tree of 5 entries, the database has 0/);
    expect(readFileSync(at("log.db"))).toHaveLength(0);
  });
});

describe("a copy of a database", () => {
  it("that was made by backup is sound, and lies there alone", async () => {
    const { exitCode, output } = await run("fsck", at("backup.db"));
    expect([exitCode, output]).toEqual([EXIT.good, "sound: 2 entries, 2 checkpoints, 0 attachments"]);
    // Byte 18 of the header: 1 is a file without a write-ahead log, which can be read where nothing can be written.
    expect(readFileSync(at("backup.db"))[18]).toBe(1);
    for (const suffix of ["-wal", "-shm", "-journal"])
      expect(existsSync(at(`backup.db${suffix}`))).toBe(false);
  });

  it("that was copied while in use is said to be perhaps a part of it", async () => {
    const { exitCode, output } = await run("fsck", at("raw.db"));
    expect(exitCode).toBe(EXIT.good);
    expect(output).toMatch(/^sound: 2 entries/);
    expect(output).toMatch(/note: .*raw\.db was copied.*may lack.*raw\.db-wal.*'touchstone backup'/);
    const json = JSON.parse((await run("fsck", at("raw.db"), "--json")).output);
    expect(json).toMatchObject({ sound: true, entries: 2, notes: [expect.stringContaining("may lack")] });
  });

  it("is behind where the log's is, by serve and by fsck", async () => {
    for (const copy of ["backup.db", "raw.db"]) {
      copyFileSync(at(copy), at("log.db"));
      const { exitCode, output } = await fsck();
      expect(exitCode).toBe(EXIT.no);
      expect(output).toMatch(
        /DAMAGED.*\n {2}high-water: the log has signed a tree of 5 entries, the database has 2/,
      );
    }
  });

  it("beside the write-ahead log of the database before it is refused, unread, by both", async () => {
    copyFileSync(at("backup.db"), at("log.db"));
    copyFileSync(at("stale-wal"), at("log.db-wal"));
    const checked = await fsck();
    expect(checked).toMatchObject({
      exitCode: EXIT.usage,
      warnings: expect.stringMatching(
        /log\.db-wal beside it belongs to the database that was there before; remove/,
      ),
    });
    const harness = await LogHarness.at(folder);
    await expect(harness.open()).rejects.toMatchObject({
      code: "log-damaged",
      message: expect.stringContaining("belongs to the database that was there before"),
    });
    expect(readFileSync(at("log.db"))).toEqual(readFileSync(at("backup.db")));
    rmSync(at("log.db-wal"));
    expect((await fsck()).output).toMatch(/the database has 2/);
  });
});
