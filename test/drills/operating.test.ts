// The drills of docs/operating.md, run word by word with the real program. Each begins with a copy of the log that the first one makes.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { drillsOf, installCommands, type Outcome, Practice } from "./practice.ts";

const drills = drillsOf();
const program = mkdtempSync(join(tmpdir(), "touchstone-program-"));
let template: Practice;
let practice: Practice;
const tested = new Set(["practice"]);

beforeAll(async () => {
  await installCommands(program);
  template = await Practice.make(program);
  const { code, output } = await template.run(...(drills.get("practice") ?? []), "systemctl stop touchstone");
  expect(code, output).toBe(0);
}, 180_000);

afterEach(() => practice.remove());
afterAll(() => {
  rmSync(template.folder, { recursive: true, force: true });
  rmSync(program, { recursive: true, force: true });
});

/** A drill on a running copy of the practice log, and what must be true after it. */
function drill(
  name: string,
  what: string,
  check: (outcome: Outcome) => Promise<void> | void,
  before = "",
): void {
  tested.add(name);
  it(what, { timeout: 180_000 }, async () => {
    practice = await Practice.make(program, template);
    await good("systemctl start touchstone");
    if (before !== "") await good(before);
    if (name === "restore") await mirror();
    const outcome = await practice.run(...(drills.get(name) ?? []));
    expect(outcome.code, outcome.output).toBe(0);
    await check(outcome);
  });
}

async function good(...commands: string[]): Promise<string> {
  const { code, stdout, output } = await practice.run(...commands);
  expect(code, output).toBe(0);
  return stdout;
}

const VERIFY =
  'touchstone bundle fetch prod --to "$LOG" -o b.json && touchstone bundle verify b.json --policy prod --trust log/trust-root.json';
const AUDIT = 'touchstone audit "$LOG" --trust log/trust-root.json --json';
const audit = async () =>
  JSON.parse(await good(AUDIT)) as { size: number; findings: unknown[]; successor: unknown };
/** A new release of the kernel, signed with a key and published. */
const release = (key: string) => `
  sed 's/6\\.12\\.41-cc1/6.12.41-cc2/' "$EXAMPLES/example-kernel.json" > kernel2.json
  touchstone sign kernel2.json --key ${key} -o kernel2.dsse.json
  touchstone publish kernel2.dsse.json --to "$LOG"`;

/** Makes the mirror that MIRROR names, as its own drill does. */
const mirror = () => good(...(drills.get("mirror") ?? []));

describe("the drills", () => {
  drill("two-signers", "two people sign one after the other", () => {
    const { signatures } = JSON.parse(readFileSync(practice.at("kernel.dsse.json"), "utf8"));
    expect(signatures).toHaveLength(2);
  });

  drill("audit", "an audit finds nothing, and goes on where it ended", async ({ output }) => {
    expect(output).toContain("log.example.com/practice");
    await good(...(drills.get("audit") ?? []));
  });

  drill("backup", "a backup of the running log is whole", async ({ output }) => {
    expect(output).toContain("sound: ");
    await good(VERIFY);
  });

  drill("mirror", "a mirror is whole, and a second round has nothing to do", async ({ output }) => {
    expect(output).toContain("nothing found");
    expect(await good(...(drills.get("mirror") ?? []))).toContain(" 0 entries added");
  });

  drill(
    "restore",
    "an old backup is refused, recovered from a mirror, and served on",
    async ({ output }) => {
      expect(output).toContain("touchstone recover");
      expect(output).toMatch(/\d+ entries added/);
      expect(output).toContain("sound: ");
      await good(VERIFY);
      await good(release("log/keys/publisher.pem"));
      expect((await audit()).findings).toEqual([]);
    },
    'touchstone backup backup.db --config log/touchstone.toml && touchstone policy renew prod --key log/keys/policy.pem --to "$LOG"',
  );

  drill("upgrade", "nothing is lost over an upgrade", async ({ output }) => {
    expect(output).toContain("sound: ");
    expect(output).toContain("verified: policy prod version 1");
    expect(existsSync(practice.at("before-upgrade.db"))).toBe(true);
  });

  drill("expiry", "policy and trust root are renewed, and verifiers of either pin follow", async () => {
    expect(await good(VERIFY)).toContain("policy prod version 2");
    await good("touchstone bundle verify b.json --policy prod --trust trust-root-2.json");
  });

  drill(
    "status-offline",
    "statuses come from outside, and without one a new policy is not shown as current",
    async ({ output }) => {
      expect(output).toMatch(/status \d+: entry \d+/);
      expect(output).toContain("verified: policy prod");
      await good('touchstone policy renew prod --key log/keys/policy.pem --to "$LOG"');
      const before = await practice.run(VERIFY);
      expect(before.code, "without a new status the new policy is not shown as current").not.toBe(0);
      await good(
        'touchstone status publish --key log/keys/status.pem --trust log/trust-root.json --to "$LOG" --state status.audit',
      );
      expect(await good(VERIFY)).toContain("policy prod version 2");
      const wrongKey = await practice.run(
        'touchstone status publish --key log/keys/publisher.pem --trust log/trust-root.json --to "$LOG"',
      );
      expect(wrongKey).toMatchObject({ code: 1, output: expect.stringContaining("not-authorised") });
    },
  );

  drill(
    "publisher-key",
    "the stolen key publishes nothing more, the new one does, what was before stays trusted",
    async () => {
      const thief = await practice.run(release("log/keys/publisher.pem"));
      expect(thief).toMatchObject({ code: 1 });
      expect(thief.output).toMatch(/not-authorised|key-revoked|signature-unknown-key/);
      await good(release("publisher-2.pem"));
      await good(VERIFY);
      expect((await audit()).findings).toEqual([]);
    },
  );

  drill("root-key", "the root role changes hands, and the old key alone moves nothing", async () => {
    await good(VERIFY);
    const next = (key: string) => `
      touchstone trust-root draft --to "$LOG" -o root.json
      touchstone trust-root seal root.json -o root.statement.json
      touchstone trust-root sign root.statement.json --key ${key} -o next.dsse.json
      touchstone trust-root publish next.dsse.json --to "$LOG"`;
    expect(await practice.run(next("log/keys/root.pem"))).toMatchObject({ code: 1 });
    await good(next("root-2.pem"));
    expect((await audit()).findings).toEqual([]);
  });

  drill("founding", "a log is founded by two of three, whose keys never meet", async () => {
    expect(existsSync(practice.at("log-2/keys/root.pem"))).toBe(false);
    await good("touchstone fsck --config log-2/touchstone.toml");
  });

  drill("lost-root-key", "two of three replace the third, and none of them could alone", async () => {
    await good(VERIFY);
    const next = (...keys: string[]) => `
      touchstone trust-root draft --to "$LOG" -o next.json
      touchstone trust-root seal next.json -o next.statement.json
      rm -f next.statement.dsse.json
      touchstone sign next.statement.json --key ${keys.join(" ")}
      touchstone trust-root publish next.statement.dsse.json --to "$LOG"`;
    expect(await practice.run(next("bob.pem"))).toMatchObject({ code: 1 });
    await good(next("bob.pem", "dora.pem"));
    expect((await audit()).findings).toEqual([]);
  });

  drill("cosigner", "a new cosigner takes over", async () => {
    await good(VERIFY);
    await good(release("log/keys/publisher.pem"));
    expect((await audit()).findings).toEqual([]);
  });

  drill("receipts", "a log that is there begins to give receipts", async () => {
    await good(
      'touchstone proof export kernel.dsse.json --receipt --to "$LOG" --trust trust-root-2.json -o kernel.receipt',
    );
    const verify = "touchstone proof verify kernel.dsse.json kernel.receipt --receipt --trust";
    expect(await good(`${verify} trust-root-2.json`)).toContain("verified: kernel-patch-set/");
    expect(await practice.run(`${verify} log/trust-root.json`)).toMatchObject({ code: 1 });
  });

  drill("index", "a log that is there begins to keep an index", async () => {
    const lookUp = 'touchstone lookup name policy/staging --to "$LOG" --trust log/trust-root.json --expect';
    await good(`${lookUp} none`);
    expect(await practice.run(`${lookUp} some`)).toMatchObject({ code: 1 });
    await good("touchstone fsck --config log/touchstone.toml");
  });

  drill("move", "the log goes on from another disk", async () => {
    await good(release("log/keys/publisher.pem"));
    await good(VERIFY);
  });

  drill("close", "nothing is added to a closed log, and verifiers are sent to the next", async () => {
    expect(await audit()).toMatchObject({ findings: [], successor: "log.example.com/next" });
    const late = await practice.run(release("log/keys/publisher.pem"));
    expect(late).toMatchObject({ code: 1, output: expect.stringContaining("log.example.com/next") });
    const verifier = await practice.run(VERIFY);
    expect(verifier.code).not.toBe(0);
  });

  it("the restore works without any backup, and without the high-water file", {
    timeout: 180_000,
  }, async () => {
    practice = await Practice.make(program, template);
    await good("systemctl start touchstone");
    await mirror();
    const commands = (drills.get("restore") ?? []).join("").replace(/^cp .*$/m, "rm log/high-water");
    const outcome = await practice.run(commands);
    expect(outcome.code, outcome.output).toBe(0);
    await good(VERIFY);
  });

  it("of the page are all tested", async () => {
    practice = await Practice.make(program);
    expect([...drills.keys()].sort()).toEqual([...tested].sort());
  });
});
