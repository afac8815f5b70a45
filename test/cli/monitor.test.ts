// touchstone monitor: what it prints, writes and sends, and the exit codes that cron relies on.
import { createHmac } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { addExpected } from "../../src/auditor/monitor/expected-entries.ts";
import { EXIT } from "../../src/cli/context.ts";
import { formatTrustFile } from "../../src/verifier/bundle/trust-pin.ts";
import {
  failing,
  forkOf,
  MIRROR,
  SERVICE,
  unreachable,
  WatchedWorld,
  WITNESS,
} from "../auditor/monitor/watched-world.ts";
import { type CliRun, runCli } from "../support/run-cli.ts";

const HOOK = "https://pager.example/hook/path-is-the-password";
const SECRET = Buffer.alloc(32, 7);

interface Received {
  readonly id: string;
  readonly type: string;
  readonly data: { readonly class: string; readonly code: string; readonly proof: object | null };
}

let folder: string;
let world: WatchedWorld;
let received: Received[];
let hookAnswers: number[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-cli-monitor-"));
  world = await WatchedWorld.make();
  received = [];
  hookAnswers = [];
  writeFileSync(join(folder, "trust.json"), formatTrustFile(world.log.envelopes[0]!));
});
afterEach(() => {
  world.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** Answers the webhook with what the test says, 204 when it says nothing more, and keeps what it has taken. */
async function hook(init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers);
  const [id, time] = [headers.get("webhook-id")!, headers.get("webhook-timestamp")!];
  const mac = createHmac("sha256", SECRET).update(`${id}.${time}.${init.body}`).digest("base64");
  expect(headers.get("webhook-signature")).toBe(`v1,${mac}`);
  const status = hookAnswers.shift() ?? 204;
  if (status === 0) throw new TypeError("fetch failed");
  if (status < 300) received.push({ id, ...(JSON.parse(String(init.body)) as Omit<Received, "id">) });
  return new Response(null, { status });
}

const fetchAll: typeof fetch = async (input, init) =>
  String(input) === HOOK ? hook(init ?? {}) : world.fetch(input, init);

const monitor = (...args: string[]): Promise<CliRun> =>
  runCli(
    ["monitor", SERVICE, "--trust", join(folder, "trust.json"), "--state", join(folder, "state"), ...args],
    {
      fetch: fetchAll,
      now: () => world.now,
      environment: { SECRET: `whsec_${SECRET.toString("base64")}` },
    },
  );
const withHook = ["--webhook", HOOK, "--webhook-secret", "env:SECRET"];

describe("touchstone monitor", () => {
  it("ends with 0 and one line where all is well", async () => {
    const { exitCode, output, warnings } = await monitor();
    expect({ exitCode, warnings }).toEqual({ exitCode: EXIT.good, warnings: "" });
    expect(output).toBe(
      `2026-11-23T12:00:00Z log.example/touchstone: size 9, 1 of 1 vantage points, 0 open findings`,
    );
  });

  it("ends with 1 as long as a finding is open, tells it once, and writes the proof", async () => {
    await world.show(WITNESS, await forkOf(world.log, 5, "thief"));
    const first = await monitor("--witness", WITNESS);
    expect(first.exitCode).toBe(EXIT.no);
    expect(first.output).toMatch(/OPENED tamper split-view \[([0-9a-f]{12})\]: .* \(proof: (.*)\)/);
    const [, id = "", proof = ""] = /\[([0-9a-f]{12})\]: .* \(proof: (.*)\)/.exec(first.output) ?? [];
    const trust = ["--trust", join(folder, "trust.json")];
    expect((await runCli(["audit", "--split-view", proof, ...trust])).exitCode).toBe(EXIT.good);
    const second = await monitor("--witness", WITNESS);
    expect(second.exitCode).toBe(EXIT.no);
    expect(second.output).not.toContain("OPENED");
    expect(second.output).toContain("OPEN tamper split-view");
    await world.show(WITNESS);
    expect((await monitor("--acknowledge", id)).output).toBe(`acknowledged ${id}`);
    expect((await monitor("--witness", WITNESS)).exitCode).toBe(EXIT.good);
  });

  it("ends with 3 on an outage that lasts, and with 0 where only other classes count", async () => {
    await monitor();
    world.answers.set(SERVICE, unreachable);
    const args = ["--json"];
    expect((await monitor(...args)).exitCode).toBe(EXIT.good);
    world.later(601);
    const { exitCode, warnings } = await monitor(...args);
    expect(exitCode).toBe(EXIT.unreachable);
    expect(JSON.parse(warnings)).toMatchObject({ error: { code: "unreachable" } });
    expect((await monitor("--alert", "tamper", "--alert", "stranger")).exitCode).toBe(EXIT.good);
  });

  it("prints one JSON value", async () => {
    world.answers.set(MIRROR, failing(503));
    const args = [MIRROR, "--patience", "0", "--json"];
    expect((await monitor(...args)).json()).toMatchObject({
      at: "2026-11-23T12:00:00Z",
      origin: "log.example/touchstone",
      size: 9,
      vantagePoints: [
        { name: SERVICE, size: 9 },
        { name: MIRROR, size: null },
      ],
      changes: [{ type: "opened", class: "infrastructure", code: "http-503", subject: MIRROR, proof: null }],
      open: [{ class: "infrastructure" }],
      undelivered: 0,
    });
  });

  it("writes metrics that Prometheus reads", async () => {
    await world.show(WITNESS, await forkOf(world.log, 5, "thief"));
    const file = join(folder, "touchstone.prom");
    await monitor("--witness", WITNESS, "--prometheus", file);
    const text = readFileSync(file, "utf8");
    expect(text).toContain('touchstone_monitor_findings{origin="log.example/touchstone",class="tamper"} 1\n');
    expect(text).toContain(
      'touchstone_monitor_findings{origin="log.example/touchstone",class="infrastructure"} 0\n',
    );
    expect(text).toContain(`touchstone_monitor_vantage_up{vantage="${WITNESS}"} 1\n`);
    expect(text).toContain('touchstone_monitor_tree_size{origin="log.example/touchstone"} 9\n');
    for (const line of text.trimEnd().split("\n"))
      expect(line).toMatch(/^(?:# (?:HELP|TYPE) \w+ .+|\w+\{(?:\w+="[^"\n]*",?)+\} [0-9.e+-]+)$/);
  });

  it("holds the log against the file of expected entries, which recording adds to", async () => {
    const file = join(folder, "expected.toml");
    const entryOf = (index: number) => {
      const { statement, payloadDigest: digest } = world.log.envelopes[index]!;
      return { kind: statement.kind, name: statement.name, version: statement.version, digest };
    };
    writeFileSync(file, addExpected(null, [entryOf(1)]));
    expect((await monitor("--expected", file)).exitCode).toBe(EXIT.good);
    writeFileSync(
      file,
      readFileSync(file, "utf8").replace(/^names = .*$/m, 'names = ["h100-vm", "linux-cc"]'),
    );
    const { exitCode, output } = await monitor("--expected", file);
    expect(exitCode).toBe(EXIT.no);
    expect(output).toMatch(/OPENED stranger not-expected .*: entry 2, kernel-patch-set\/linux-cc@1\.0/);
    writeFileSync(file, addExpected(readFileSync(file, "utf8"), [entryOf(1), entryOf(2)]));
    expect(await monitor("--expected", file)).toMatchObject({
      exitCode: EXIT.good,
      output: expect.stringMatching(/ENDED stranger/),
    });
  });
});

describe("its webhook", () => {
  it("gets each change once, signed, with the proof in it", async () => {
    await world.show(WITNESS, await forkOf(world.log, 5, "thief"));
    for (let i = 0; i < 3; i++) await monitor("--witness", WITNESS, ...withHook);
    expect(received).toHaveLength(1);
    expect(received[0]).toMatchObject({
      type: "touchstone.finding.opened",
      data: { class: "tamper", code: "split-view", proof: { format: "touchstone-split-view/v1" } },
    });
  });

  it("is asked again, later and later, with the same id, until it takes the message", async () => {
    await world.show(WITNESS, await forkOf(world.log, 5, "thief"));
    hookAnswers = [0, 500, 429];
    const failed = await monitor("--witness", WITNESS, "--alert", "tamper", ...withHook);
    expect(failed.warnings).toContain("pager.example did not answer; it is sent again later");
    expect(failed.warnings, "the path may be a secret").not.toContain("password");
    // Not before its time.
    await monitor("--witness", WITNESS, ...withHook);
    expect(hookAnswers).toEqual([500, 429]);
    for (let i = 0; i < 4; i++) {
      world.later(60 * 2 ** i + 1);
      await world.show(SERVICE);
      await monitor("--witness", WITNESS, ...withHook);
    }
    expect(hookAnswers).toEqual([]);
    expect(received.filter(({ data }) => data.class === "tamper")).toHaveLength(1);
  });

  it("is a fault of infrastructure when it takes nothing, and keeps no other message back", async () => {
    world.answers.set(MIRROR, failing(503));
    hookAnswers = [400];
    await world.show(WITNESS, await forkOf(world.log, 5, "thief"));
    const args = [MIRROR, "--witness", WITNESS, "--patience", "0", ...withHook];
    await monitor(...args);
    expect(received).toHaveLength(1);
    world.answers.delete(MIRROR);
  });

  it("gets only the classes that are asked for, and never an unsigned message", async () => {
    world.answers.set(MIRROR, failing(503));
    await monitor(MIRROR, "--patience", "0", "--alert", "tamper", ...withHook);
    expect(received).toEqual([]);
    expect((await monitor("--webhook", HOOK)).exitCode).toBe(EXIT.usage);
    const { exitCode, warnings } = await monitor("--webhook", HOOK, "--webhook-secret", "env:NONE");
    expect({ exitCode, warnings }).toMatchObject({
      exitCode: EXIT.usage,
      warnings: expect.stringContaining("NONE"),
    });
  });
});
