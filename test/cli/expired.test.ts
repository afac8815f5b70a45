// A document that has expired by this machine's clock is not sealed, signed or sent, unless a flag says so: in a log, an expired trust root
// stops everybody.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { generateSigningKey } from "../../src/node/signing/signing-key.ts";
import { formatTime } from "../../src/protocol/entry/fields.ts";
import { envelopeToJson } from "../../src/protocol/envelope/dsse.ts";
import { formatStatement } from "../../src/protocol/envelope/statement.ts";
import { NOW } from "../support/clock.ts";
import { policyPredicate, statusPredicate } from "../support/document-predicates.ts";
import { FoundedLog } from "../support/founded-log.ts";
import { testKeys } from "../support/keys.ts";
import { signReleaseSet } from "../support/release-set.ts";
import { runCli } from "../support/run-cli.ts";
import { signStatement } from "../support/signing.ts";
import { trustRootPredicate } from "../support/trust-root.ts";

const DAY = 86_400_000;
const at = (ms: number) => formatTime(new Date(NOW.getTime() + ms));
const LAST_WEEK = { expires: at(-7 * DAY) };

let folder: string;
const path = (name: string) => join(folder, name);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-expired-"));
  writeFileSync(path("key.pem"), generateSigningKey());
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Statements by what they are. */
async function statementOf(what: string): Promise<Uint8Array> {
  const keys = await testKeys();
  const set = await signReleaseSet(keys);
  const { inForce } = await FoundedLog.found();
  const from = { validFrom: at(-30 * DAY) };
  if (what === "an expired trust root")
    return formatStatement("trust-root", await trustRootPredicate(keys, LAST_WEEK));
  if (what === "an expired policy")
    return formatStatement("policy", policyPredicate(set, { ...from, ...LAST_WEEK }));
  const early = new Date(NOW.getTime() - 2 * DAY);
  if (what === "an expired status") return formatStatement("status", statusPredicate(inForce, {}, early));
  const late = new Date(NOW.getTime() + 301_000);
  if (what === "a status of the future") return formatStatement("status", statusPredicate(inForce, {}, late));
  const later = { validFrom: at(DAY) };
  if (what === "a policy that begins later") return formatStatement("policy", policyPredicate(set, later));
  return formatStatement("trust-root", await trustRootPredicate(keys));
}

const REFUSED = ["an expired trust root", "an expired policy", "an expired status", "a status of the future"];
const TAKEN = ["a trust root", "a policy that begins later"];

describe("sign", () => {
  const sign = (...more: string[]) =>
    runCli(["sign", path("x.json"), "--key", path("key.pem"), "-o", path("x.dsse.json"), ...more]);

  it.each(REFUSED)("refuses %s, names the file, and takes it with --allow-expired", async (what) => {
    writeFileSync(path("x.json"), await statementOf(what));
    const run = await sign();
    expect(run).toMatchObject({ exitCode: 2, output: "" });
    expect(run.warnings).toContain(path("x.json"));
    expect(run.warnings).toContain("--allow-expired");
    expect(existsSync(path("x.dsse.json"))).toBe(false);
    expect((await sign("--allow-expired")).exitCode).toBe(0);
  });

  it.each(TAKEN)("takes %s", async (what) => {
    writeFileSync(path("x.json"), await statementOf(what));
    expect((await sign()).exitCode).toBe(0);
  });
});

describe("trust-root seal", () => {
  it("refuses one whose expiry was a week ago, unless a flag says so", async () => {
    const root = await trustRootPredicate(await testKeys(), LAST_WEEK);
    writeFileSync(path("root.json"), JSON.stringify(root));
    const seal = (...more: string[]) =>
      runCli(["trust-root", "seal", path("root.json"), "-o", path("sealed.json"), ...more]);
    const run = await seal();
    expect(run.exitCode).toBe(2);
    expect(run.warnings).toContain(`trust-root/root@1 expired ${LAST_WEEK.expires}`);
    expect(existsSync(path("sealed.json"))).toBe(false);
    expect((await seal("--allow-expired")).exitCode).toBe(0);
    expect(readFileSync(path("sealed.json"), "utf8")).toContain(LAST_WEEK.expires);
  });
});

describe.each(["publish", "trust-root publish", "policy publish"])("%s", (command) => {
  it("refuses an expired trust root before anything is sent, unless a flag says so", async () => {
    const keys = await testKeys();
    const root = await signStatement("trust-root", await trustRootPredicate(keys, LAST_WEEK), [keys.root[0]]);
    writeFileSync(path("root.dsse.json"), JSON.stringify(envelopeToJson(root)));
    let sent = 0;
    const fetch = async () => {
      sent++;
      return new Response('{"code":"document-expired","detail":"because"}', { status: 422 });
    };
    const run = (...more: string[]) =>
      runCli([...command.split(" "), path("root.dsse.json"), "--to", "https://log.example", ...more], {
        fetch,
      });
    const refused = await run();
    expect(refused.exitCode).toBe(2);
    expect(refused.warnings).toContain("root.dsse.json: trust-root/root@1 expired");
    expect(sent).toBe(0);
    expect((await run("--allow-expired")).exitCode).toBe(1);
    expect(sent).toBeGreaterThan(0);
  });
});
