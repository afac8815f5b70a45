// A log that the program before the newest migration has founded and published to goes on under this one, and its auditors notice nothing.
// That program is checked out beside this one; a shallow clone does not have it.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXIT } from "../../src/cli/context.ts";
import { serveLog } from "../../src/cli/serve-log.ts";
import { packagePath } from "../../src/node/package-root.ts";
import { ProgramBefore, RUNNING_SOURCES } from "../support/program-before.ts";
import { runCli } from "../support/run-cli.ts";

const MAIN = "src/cli/main.ts";
const before = new ProgramBefore("sqlite");
const why = before.whyNot(MAIN);
const skipped = why === undefined ? "" : ` (skipped: ${why})`;

describe.skipIf(skipped !== "")(`an upgrade from the program before the newest migration${skipped}`, () => {
  let folder: string;
  const at = (...path: string[]) => join(folder, ...path);
  /** The program of then, from its sources. */
  const then = (...args: string[]) =>
    execFileSync(process.execPath, [...RUNNING_SOURCES, at("then", MAIN), ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  const outside = { now: () => new Date(), fetch: globalThis.fetch };
  const run = (...args: string[]) => runCli(args, outside);
  const serve = () =>
    serveLog(at("log", "touchstone.toml"), 0, pino({ level: "silent" }), {
      ...outside,
      environment: {},
      print: () => undefined,
      warn: () => undefined,
      interactive: false,
      confirm: async () => true,
    });

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "touchstone-upgrade-"));
    before.checkOut(at("then"));
  });
  afterAll(() => {
    before.remove(at("then"));
    rmSync(folder, { recursive: true, force: true });
  });

  it("its log is served and audited by this one, and not by it any more", async () => {
    then("init", at("log"), "--origin", "upgrade.example/log");
    expect(then("fsck", "--config", at("log", "touchstone.toml"))).toContain("sound");
    const trust = ["--trust", at("log", "trust-root.json")];
    const refused = await run("fsck", "--config", at("log", "touchstone.toml"));
    expect([refused.exitCode, refused.warnings]).toEqual([
      EXIT.usage,
      expect.stringMatching(/start the service once/),
    ]);
    const server = await serve();
    const kernel = packagePath("examples/release/example-kernel.json");
    await run("sign", kernel, "--key", at("log", "keys", "publisher.pem"), "-o", at("kernel.dsse.json"));
    const published = await run("publish", at("kernel.dsse.json"), "--to", server.address, ...trust);
    expect(published.exitCode, published.warnings).toBe(EXIT.good);
    const audited = await run("audit", server.address, ...trust, "--json");
    expect(audited.exitCode, audited.warnings).toBe(EXIT.good);
    await server.stop();
    expect((await run("fsck", "--config", at("log", "touchstone.toml"))).exitCode).toBe(EXIT.good);
    expect(() => then("fsck", "--config", at("log", "touchstone.toml"))).toThrow(/this program knows/);
  });
});
