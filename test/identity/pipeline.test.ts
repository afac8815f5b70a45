// A pipeline without a key, from end to end: a log that is served, a provider on the network, people who sign its keys, and an auditor who
// comes after the provider has changed them.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CliContext } from "../../src/cli/context.ts";
import { serveLog } from "../../src/cli/serve-log.ts";
import type { RunningServer } from "../../src/http/server.ts";
import { parseLeaf } from "../../src/protocol/envelope/dsse.ts";
import { FakeProvider, releaseRule } from "../support/provider.ts";
import { ProviderServer } from "../support/provider-server.ts";
import { type CliRun, runCli } from "../support/run-cli.ts";

const EXAMPLES = fileURLToPath(new URL("../../examples/release/", import.meta.url));

/** Asks for a token as a job of GitHub's does. */
const PRINT_TOKEN = `
  const { ACTIONS_ID_TOKEN_REQUEST_URL: url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: bearer } = process.env;
  const target = new URL(url);
  target.searchParams.set("audience", process.argv[2]);
  const answer = await fetch(target, { headers: { authorization: "Bearer " + bearer } });
  console.log((await answer.json()).value);
`;

let folder: string;
let server: RunningServer;
let provider: ProviderServer;
let rotated: FakeProvider;
const at = (...path: string[]) => join(folder, ...path);
const key = (role: string) => at("log", "keys", `${role}.pem`);
const trust = () => at("root.trust.json");
const toLog = () => ["--to", server.address];

async function run(args: readonly string[], change: Partial<CliContext> = {}): Promise<CliRun> {
  const real = { now: () => new Date(), fetch: globalThis.fetch, environment: provider.environment };
  return runCli(args, { ...real, ...change });
}
async function good(...args: string[]): Promise<CliRun> {
  const ran = await run(args);
  expect(ran.exitCode, `${args.join(" ")}: ${ran.warnings} ${ran.output}`).toBe(0);
  return ran;
}

/** A statement of its own from an example. */
function statement(name: string, version: string): string {
  const file = at(`${name}-${version}.json`);
  const example = JSON.parse(readFileSync(join(EXAMPLES, `example-${name}.json`), "utf8")) as {
    predicate: object;
  };
  writeFileSync(file, JSON.stringify({ ...example, predicate: { ...example.predicate, version } }));
  return file;
}

async function publishKeys(file: string): Promise<void> {
  await good("identity", "snapshot", "--issuer", provider.issuer, "--name", "ci", ...toLog(), "-o", at(file));
  await good("sign", at(file), "--key", key("root"), "-o", at(`${file}.dsse.json`));
  await good("publish", at(`${file}.dsse.json`), ...toLog());
}

const byIdentity = (file: string) => [
  "publish",
  file,
  "--identity",
  "github",
  ...toLog(),
  "--trust",
  trust(),
];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-pipeline-"));
  provider = await ProviderServer.start([await FakeProvider.create("kid-1")]);
  rotated = await FakeProvider.create("kid-2", "ES256");
  await good("init", at("log"), "--origin", "pipeline.example/log");
  const context = { environment: {}, now: () => new Date(), fetch, print: () => {}, warn: () => {} };
  const served = { ...context, interactive: false, confirm: async () => true };
  server = await serveLog(at("log", "touchstone.toml"), 0, pino({ level: "silent" }), served);
  const rule = { ...releaseRule, issuer: provider.issuer, algorithms: ["RS256", "ES256"] };
  writeFileSync(at("rule.json"), JSON.stringify(rule));
  writeFileSync(at("root.pub"), (await good("key", "show", key("root"))).output);
  const holders = ["--set-role", `identity-keys=1:${at("root.pub")}`, "--add-identity", at("rule.json")];
  await good("trust-root", "draft", ...holders, ...toLog(), "-o", at("root.json"));
  await good("trust-root", "seal", at("root.json"), "-o", at("root.statement.json"));
  await good("sign", at("root.statement.json"), "--key", key("root"), "-o", at("root.dsse.json"));
  await good("publish", at("root.dsse.json"), ...toLog());
  await good("trust-root", "pin", at("root.dsse.json"), "-o", trust());
}, 120_000);

afterAll(async () => {
  await server.stop();
  provider.stop();
  rmSync(folder, { recursive: true });
});

describe("before people have published the provider's keys", () => {
  it("nothing is sent", async () => {
    const ran = await run([...byIdentity(statement("kernel", "0")), "--publish-claims"]);
    expect(ran.exitCode).toBe(1);
    expect(ran.warnings).toContain("touchstone identity snapshot");
  });

  it("a check says so, and ends with 1", async () => {
    const ran = await run(["identity", "check", ...toLog()]);
    expect([ran.exitCode, ran.output]).toEqual([1, `${provider.issuer}: MISSING kid-1`]);
  });
});

describe("a release without a key", () => {
  beforeAll(() => publishKeys("keys-1.json"));

  it("shows what becomes public for ever, and sends nothing unless that is agreed", async () => {
    const ran = await run(byIdentity(statement("kernel", "1")));
    expect(ran.exitCode).toBe(2);
    expect(ran.warnings).toContain('repository: "acme/guest"');
    expect(ran.warnings).toContain("--publish-claims");
    const asked = await run(byIdentity(statement("kernel", "1")), {
      interactive: true,
      confirm: async () => false,
    });
    expect(asked.exitCode).toBe(1);
    expect((await run(["entries", "list", ...toLog()])).output).not.toContain("kernel-patch-set");
  });

  it("is published by a token, with a proof of the entry that the log made of it", async () => {
    const file = statement("kernel", "1");
    await good(...byIdentity(file), "--publish-claims");
    const envelope = file.replace(/\.json$/, ".dsse.json");
    const { recordedAt, signatures } = parseLeaf(readFileSync(envelope));
    expect(recordedAt).not.toBeNull();
    expect(signatures.map(({ identity }) => identity?.rule)).toEqual([releaseRule.id]);
    const proof = file.replace(/\.json$/, ".tlog-proof");
    await good("proof", "verify", envelope, proof, "--trust", trust());
    // Sent again, with the time that the log set, and by another token.
    expect((await good("publish", envelope, ...toLog(), "--trust", trust())).output).toContain(
      "was in the log already",
    );
    expect((await good(...byIdentity(file), "--publish-claims")).output).toContain("was in the log already");
  });

  it("is not published by another workflow", async () => {
    provider.claims = { job_workflow_ref: "acme/guest/.github/workflows/ci.yml@refs/tags/v1" };
    const ran = await run([...byIdentity(statement("gsp", "1")), "--publish-claims"]);
    provider.claims = {};
    expect(ran.exitCode).toBe(1);
    expect(ran.warnings).toContain("ci.yml");
  });

  it("is published by a token that a program prints", async () => {
    const file = statement("gsp", "2");
    const script = at("print-token.mjs");
    writeFileSync(script, PRINT_TOKEN);
    const program = `${process.execPath} ${script}`;
    const options = ["--identity", "oidc", "--token-command", program, "--publish-claims"];
    await good("publish", file, ...options, ...toLog(), "--trust", trust());
  });

  it("is released from a file, with people's signatures first where they are wanted", async () => {
    const toml = at("release.toml");
    writeFileSync(
      toml,
      [
        `log = { url = "${server.address}", trust = "${trust()}" }`,
        '[release]\nname = "example/all"\nversion = "3"\nchannel = "stable"\nsvn = 1',
        'builder = "https://builds.example"\nsource = "https://git.example"',
        `[artefacts.kernel]\nkind = "kernel-patch-set"\nstatement = "${statement("kernel", "3")}"`,
        `[artefacts.gsp]\nkind = "gsp-firmware"\nstatement = "${statement("gsp", "3")}"`,
      ].join("\n"),
    );
    const out = at("out");
    await good("release", toml, "--prepare", out);
    await good("sign", join(out, "kernel.json"), "--key", key("publisher"));
    const options = ["--publish", out, "--identity", "github", "--publish-claims"];
    expect((await good("release", toml, ...options)).output).toContain("2 entries added");
    expect((await good("release", toml, ...options)).output).toContain("Nothing added");
    const { signatures } = parseLeaf(readFileSync(join(out, "kernel.dsse.json")));
    expect(signatures.map(({ identity }) => identity?.rule).sort()).toEqual([releaseRule.id, undefined]);
    await good(
      "proof",
      "verify",
      join(out, "gsp.dsse.json"),
      join(out, "gsp.tlog-proof"),
      "--trust",
      trust(),
    );
  });

  it("shows rules and keys of the log", async () => {
    const shown = (await good("identity", "show", ...toLog())).output;
    expect(shown).toContain(`${releaseRule.id}: ${provider.issuer}`);
    expect(shown).toContain("kid-1");
  });
});

describe("after the provider has changed its keys", () => {
  beforeAll(() => {
    provider.providers = [rotated];
  });

  it("nothing is sent until people have published the new ones", async () => {
    const file = statement("kernel", "2");
    const ran = await run([...byIdentity(file), "--publish-claims"]);
    expect(ran.exitCode).toBe(1);
    expect(ran.warnings).toContain("has no ES256 key kid-2");
    expect((await run(["identity", "check", ...toLog()])).exitCode).toBe(1);
    await publishKeys("keys-2.json");
    expect((await run(["identity", "check", ...toLog()])).exitCode).toBe(0);
    await good(...byIdentity(file), "--publish-claims");
  });

  it("an auditor who has never seen the log decides every entry as it was decided, from the log, a mirror and a backup", async () => {
    await good("mirror", server.address, at("mirror"), "--trust", trust());
    await good("backup", at("backup.db"), "--config", at("log", "touchstone.toml"));
    for (const source of [server.address, at("mirror"), at("backup.db")]) {
      const report = (await good("audit", source, "--trust", trust(), "--json")).json<
        Record<string, unknown>
      >();
      expect([report.findings, report.unconfirmed], source).toEqual([[], []]);
    }
  });
});
