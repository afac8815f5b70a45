// The commands of publishers, policy owners and operators against a log that is served: what they answer, how they end, and that no private
// key is ever printed.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXIT } from "../../src/cli/context.ts";
import { serveLog } from "../../src/cli/serve-log.ts";
import type { RunningServer } from "../../src/http/server.ts";
import { parseTrustFile } from "../../src/verifier/bundle/trust-pin.ts";
import { type CliRun, runCli } from "../support/run-cli.ts";

const EXAMPLES = fileURLToPath(new URL("../../examples/release/", import.meta.url));
const NAMES = ["tdx-8vcpu-1gpu", "kernel", "gsp", "rim-driver", "rim-vbios", "nvidia-open", "inference"];

let folder: string;
let server: RunningServer;
const printed: string[] = [];
const at = (...path: string[]) => join(folder, ...path);
const key = (role: string) => at("log", "keys", `${role}.pem`);
const trust = () => at("log", "trust-root.json");
const config = () => at("log", "touchstone.toml");

/** The server takes part in real time, and is asked over the network. */
const REAL = { now: () => new Date(), fetch: globalThis.fetch };

async function run(...args: string[]): Promise<CliRun> {
  const ran = await runCli(args, REAL);
  printed.push(ran.output, ran.warnings);
  return ran;
}
async function json<T = Record<string, unknown>>(...args: string[]): Promise<T> {
  const ran = await run(...args, "--json");
  expect(ran.exitCode, `${args.join(" ")}: ${ran.warnings} ${ran.output}`).toBe(EXIT.good);
  return ran.json<T>();
}
const maxStatusAgeOf = (log: string) =>
  parseTrustFile(readFileSync(at(log, "trust-root.json"))).root.maxStatusAge;
const toLog = () => ["--to", server.address];

/** Signs an example under another version, so that it is a release of its own. */
async function signed(name: string, version: string): Promise<string> {
  const file = at(`${name}-${version}.json`);
  const example = readFileSync(join(EXAMPLES, `example-${name}.json`), "utf8");
  const statement = JSON.parse(example) as { predicate: object };
  writeFileSync(file, JSON.stringify({ ...statement, predicate: { ...statement.predicate, version } }));
  await json("sign", file, "--key", key("publisher"));
  return file.replace(/\.json$/, ".dsse.json");
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-cli-"));
  await json("init", at("log"), "--origin", "cli.example/log");
  const context = {
    environment: {},
    now: () => new Date(),
    fetch,
    print: () => undefined,
    warn: () => undefined,
    interactive: false,
    confirm: async () => true,
  };
  server = await serveLog(config(), 0, pino({ level: "silent" }), context);
  const files: string[] = [];
  for (const name of NAMES) {
    files.push(at(`${name}.dsse.json`));
    await json(
      "sign",
      join(EXAMPLES, `example-${name}.json`),
      "--key",
      key("publisher"),
      "-o",
      files.at(-1)!,
    );
  }
  await json("publish", ...files, ...toLog(), "--trust", trust());
  await json(
    "policy",
    "draft",
    "prod",
    "--content",
    join(EXAMPLES, "policy.json"),
    ...toLog(),
    "-o",
    at("policy.json"),
  );
  await json("policy", "sign", at("policy.json"), "--key", key("policy"));
  await json("policy", "publish", at("policy.dsse.json"), ...toLog());
}, 120_000);

afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

describe("init", () => {
  it("gives every role a key that only its owner reads, and nothing that shows one", () => {
    const files = readdirSync(at("log", "keys"));
    expect(files.sort()).toEqual([
      "cosigner.key",
      "log.key",
      "policy.pem",
      "publisher.pem",
      "revocation.pem",
      "root.pem",
      "status.pem",
    ]);
    for (const file of files) expect(statSync(at("log", "keys", file)).mode & 0o777).toBe(0o600);
    expect(statSync(at("log", "keys")).mode & 0o777).toBe(0o700);
    for (const file of ["touchstone.toml", "trust-root.json"])
      expect(readFileSync(at("log", file), "utf8")).not.toMatch(/PRIVATE/);
  });

  it("never writes into a folder with something in it", async () => {
    const before = readFileSync(trust(), "utf8");
    const ran = await run("init", at("log"));
    expect(ran).toMatchObject({ exitCode: EXIT.usage, warnings: expect.stringContaining("is not empty") });
    expect(readFileSync(trust(), "utf8")).toBe(before);
  });

  it("tells a person what comes next", async () => {
    const { exitCode, output } = await run("init", at("second"));
    expect(exitCode).toBe(EXIT.good);
    expect(output).toContain("move root.pem, policy.pem and revocation.pem off this machine");
    expect(output).toContain("a status is good for 2 days");
    expect(maxStatusAgeOf("second")).toBe(2 * 86_400);
    expect(readFileSync(at("second", "touchstone.toml"), "utf8")).toContain('status = "keys/status.pem"');
  });

  it("asks how long a status is good where its key stays offline, and says what a stranger can do meanwhile", async () => {
    const offline = ["init", at("offline"), "--offline-status-key"];
    const asked = await run(...offline);
    expect(asked).toMatchObject({ exitCode: EXIT.usage, warnings: expect.stringContaining("--status-days") });
    expect(existsSync(at("offline"))).toBe(false);
    const founded = await run(...offline, "--status-days", "7");
    expect(founded.exitCode).toBe(EXIT.good);
    expect(founded.output).toContain("a status is good for 7 days: so long after a revocation, a stranger");
    expect(founded.output).toContain("touchstone status publish --key status.pem");
    expect(maxStatusAgeOf("offline")).toBe(7 * 86_400);
    expect(readFileSync(at("offline", "touchstone.toml"), "utf8")).not.toContain("status");
    for (const days of ["0", "8", "1.5", "seven"])
      expect((await run("init", at("never"), "--status-days", days)).exitCode, days).toBe(EXIT.usage);
  });

  it("makes no file of its origin, which may look like a path", async () => {
    await run("init", at("path"), "--origin", "../../outside/log");
    const files = readdirSync(at("path")).filter((file) => !file.startsWith("log.db-"));
    expect(files.sort()).toEqual(["high-water", "keys", "log.db", "touchstone.toml", "trust-root.json"]);
    expect(readdirSync(at("path", "keys"))).toEqual(readdirSync(at("log", "keys")));
    expect(existsSync(at("outside"))).toBe(false);
  });
});

describe("key", () => {
  it.each([
    ["an entry", [], "keyId"],
    ["a log", ["--log", "new.example/log"], "verifierKey"],
    ["a cosigner", ["--cosigner", "new.example/witness"], "verifierKey"],
  ])("generate makes a key for %s and shows its public half, as show does", async (what, options, member) => {
    const file = at(`new-${what.replaceAll(" ", "-")}`);
    const made = await json("key", "generate", "-o", file, ...options);
    expect(made).toHaveProperty(member);
    expect(await json("key", "show", file)).toEqual(made);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const again = await run("key", "generate", "-o", file, ...options);
    expect(again).toMatchObject({
      exitCode: EXIT.usage,
      warnings: expect.stringContaining("never overwritten"),
    });
  });

  it("show reads env:NAME", async () => {
    const environment = { KEY: readFileSync(key("policy"), "utf8") };
    const { exitCode, output } = await runCli(["key", "show", "env:KEY"], { ...REAL, environment });
    expect(exitCode).toBe(EXIT.good);
    expect(output).toContain("BEGIN PUBLIC KEY");
  });

  it("ends with 2 where there is no key, or two wishes", async () => {
    expect((await run("key", "show", trust())).exitCode).toBe(EXIT.usage);
    expect((await run("key", "show", at("none"))).exitCode).toBe(EXIT.usage);
    expect((await run("key", "show", "env:NOT_SET")).exitCode).toBe(EXIT.usage);
    expect((await run("key", "generate", "-o", at("x"), "--log", "a", "--cosigner", "b")).exitCode).toBe(
      EXIT.usage,
    );
    expect((await run("key", "generate", "-o", at("no", "such", "folder", "key"))).exitCode).toBe(EXIT.usage);
  });
});

describe("sign", () => {
  it("adds signatures one by one to the same file", async () => {
    const file = await signed("kernel", "sign-1");
    const { signers } = await json<{ signers: string[] }>("sign", file, "--key", key("policy"));
    expect(signers).toHaveLength(2);
    const twice = await run("sign", file, "--key", key("policy"));
    expect(twice).toMatchObject({
      exitCode: EXIT.usage,
      warnings: expect.stringContaining("has signed it already"),
    });
  });

  it("ends with 2 on what is no statement, and writes nothing", async () => {
    writeFileSync(at("bad.json"), '{"predicate":1}');
    expect((await run("sign", at("bad.json"), "--key", key("publisher"))).exitCode).toBe(EXIT.usage);
    expect((await run("sign", at("none.json"), "--key", key("publisher"))).exitCode).toBe(EXIT.usage);
    expect((await run("sign", folder, "--key", key("publisher"))).exitCode).toBe(EXIT.usage);
    expect(existsSync(at("bad.dsse.json"))).toBe(false);
  });
});

describe("publish and proof", () => {
  it("writes a proof that verifies, and answers the same again", async () => {
    const file = await signed("kernel", "publish-1");
    const proof = file.replace(/\.dsse\.json$/, ".tlog-proof");
    const [first] = await json<Array<{ index: number; outcome: string }>>("publish", file, ...toLog());
    const [again] = await json<Array<{ index: number; outcome: string }>>("publish", file, ...toLog());
    expect([first?.outcome, again?.outcome]).toEqual(["new", "known"]);
    expect(again?.index).toBe(first?.index);
    expect(await json("proof", "verify", file, proof, "--trust", trust())).toMatchObject({
      verified: true,
      index: first?.index,
      origin: "cli.example/log",
    });
  });

  it("a proof of another entry, or for another log, ends with 1", async () => {
    const [a, b] = [at("kernel.dsse.json"), at("gsp.tlog-proof")];
    expect((await run("proof", "verify", a, b, "--trust", trust())).exitCode).toBe(EXIT.no);
    const ours = [a, at("kernel.tlog-proof")];
    await run("init", at("third"));
    expect((await run("proof", "verify", ...ours, "--trust", at("third", "trust-root.json"))).exitCode).toBe(
      EXIT.no,
    );
    expect((await run("proof", "verify", a, a, "--trust", trust())).exitCode).toBe(EXIT.no);
  });

  it("what the log refuses ends with 1 and its reason; what it cannot be asked, with 3", async () => {
    const file = await signed("kernel", "publish-2");
    await json(
      "sign",
      at("kernel-publish-2.json"),
      "--key",
      key("revocation"),
      "-o",
      at("stranger.dsse.json"),
    );
    const refused = await run("publish", at("stranger.dsse.json"), ...toLog());
    expect(refused).toMatchObject({ exitCode: EXIT.no, warnings: expect.stringContaining("not-authorised") });
    expect((await run("bundle", "fetch", "prod", "--to", "http://127.0.0.1:1", "-o", at("x"))).exitCode).toBe(
      EXIT.unreachable,
    );
    expect(existsSync(file.replace(/\.dsse\.json$/, ".tlog-proof"))).toBe(false);
  });

  it("two files with one proof file end with 2 before anything is sent: x.dsse.json and x", async () => {
    const file = await signed("kernel", "6.12.41-twice");
    const other = await signed("kernel", "6.12.41-again");
    cpSync(other, file.replace(/\.dsse\.json$/, ""));
    for (const second of [file.replace(/\.dsse\.json$/, ""), file]) {
      const ran = await run("publish", file, second, ...toLog());
      expect(ran.exitCode).toBe(EXIT.usage);
      expect(ran.warnings).toMatch(/its proof .*\.tlog-proof would take the place of that of/);
    }
    const proof = file.replace(/\.dsse\.json$/, ".tlog-proof");
    cpSync(other, proof);
    expect((await run("publish", file, proof, ...toLog())).exitCode).toBe(EXIT.usage);
    const found = await run("entries", "list", "--name", "example/kernel", ...toLog());
    expect(found.output).not.toMatch(/twice|again/);
  });

  it("a file that is no envelope ends with 2 before anything is sent", async () => {
    expect((await run("publish", at("policy.json"), ...toLog())).exitCode).toBe(EXIT.usage);
    expect((await run("publish", at("none.dsse.json"), ...toLog())).exitCode).toBe(EXIT.usage);
  });
});

describe("entries", () => {
  it("lists, finds by digest and by key, and shows", async () => {
    type Page = { entries: Array<{ index: number; kind: string; payloadDigest: string }> };
    const images = await json<Page>("entries", "list", "--kind", "os-image", ...toLog());
    expect(images.entries.map(({ kind }) => kind)).toEqual(["os-image"]);
    const { keyId } = await json<{ keyId: string }>("key", "show", key("policy"));
    const byKey = await json<Page>("entries", "find", `key:${keyId}`, ...toLog());
    expect(byKey.entries.every(({ kind }) => kind === "policy")).toBe(true);
    const index = images.entries[0]!.index;
    expect(JSON.stringify(await json("entries", "show", String(index), ...toLog()))).toContain("os-image");
    const { output } = await run("entries", "list", "--name", "no/such/name", ...toLog());
    expect(output).toBe("no entry");
  });

  it("shows a statement that people can read, in lines and not in JSON", async () => {
    const { entries } = await json<{ entries: Array<{ index: number }> }>(
      "entries",
      "list",
      "--kind",
      "os-image",
      ...toLog(),
    );
    const { output } = await run("entries", "show", String(entries[0]!.index), ...toLog());
    const lines = output.split("\n");
    expect(lines[0]).toBe(`entry ${entries[0]!.index}: os-image/example/inference@2026.11.1`);
    expect(lines[1]).toMatch(/^ {2}(?:not revoked|REVOKED by entry \d+)$/);
    expect(lines[2]).toMatch(/^ {2}logged not later than 20\d\d-.*Z, in the tree of \d+ entries$/);
    expect(output).toMatch(/^ {2}signed by key [0-9a-f]{64}$/m);
    expect(output).toMatch(/^ {2}kernelPatchSet:\n {4}kernel-patch-set\/.+@.+ sha256:[0-9a-f]{64}$/m);
    expect(output).not.toMatch(/[{}]|\[object|undefined/);
  });

  it("an entry that is not there ends with 1", async () => {
    expect((await run("entries", "show", "999999", ...toLog())).exitCode).toBe(EXIT.no);
    expect((await run("entries", "find", "md5:00", ...toLog())).exitCode).toBe(EXIT.no);
  });
});

describe("the log that a document is signed for", () => {
  const EXAMPLE = ["--content", join(EXAMPLES, "policy.json")];
  const originOf = (file: string) =>
    (JSON.parse(readFileSync(file, "utf8")) as { predicate: { origin: string } }).predicate.origin;
  let otherTrust: string;
  beforeAll(async () => {
    await json("init", at("other"), "--origin", "other.example/log");
    otherTrust = at("other", "trust-root.json");
  });

  it("is the one that is asked, or the one whose trust root is named", async () => {
    const draft = ["policy", "draft", "which", ...EXAMPLE, ...toLog(), "-o", at("which.json")];
    expect(await json(...draft)).toMatchObject({ origin: "cli.example/log" });
    expect(originOf(at("which.json"))).toBe("cli.example/log");
    const { output } = await run(...draft, "--trust", otherTrust);
    expect(output).toContain("policy which version 1 for other.example/log");
    expect(originOf(at("which.json"))).toBe("other.example/log");
  });

  it("refuses what was signed for another: a log that answers in its place gains nothing", async () => {
    const range = `key:${"ab".repeat(32)}@0..1`;
    const by = ["--key", key("revocation"), ...toLog(), "--trust", otherTrust];
    const revoked = await run("revoke", range, "--name", "x", "--reason", "x", ...by);
    expect(revoked).toMatchObject({ exitCode: EXIT.no, warnings: expect.stringContaining("wrong-origin") });
    const renew = ["policy", "renew", "prod", "--key", key("policy"), ...toLog(), "--trust", otherTrust];
    const renewed = await run(...renew);
    expect(renewed).toMatchObject({ exitCode: EXIT.no, warnings: expect.stringContaining("wrong-origin") });
  });
});

describe("names that are paths", () => {
  it.each(["a/../prod", "prod/", "a//b", "a/./b", "..", "../prod", "/prod", "a/.b"])(
    "%j is refused before anything is asked, read or written",
    async (name) => {
      const nowhere = ["--to", "http://127.0.0.1:1"];
      const commands = [
        ["policy", "draft", name, "--content", at("none.json"), ...nowhere, "-o", at("path.json")],
        ["policy", "renew", name, "--key", key("policy"), ...nowhere],
        ["policy", "show", name, ...nowhere],
        ["revoke", "sha256:00", "--name", name, "--reason", "x", "--key", key("revocation"), ...nowhere],
      ];
      for (const command of commands)
        expect(await run(...command), command.join(" ")).toMatchObject({
          exitCode: EXIT.usage,
          warnings: expect.stringContaining("expected a name such as acme/prod"),
        });
      expect(existsSync(at("path.json"))).toBe(false);
    },
  );
});

describe("policy, bundle and revoke", () => {
  it("fetched with a state, a bundle asks for the proof from there itself; without one, what is missing is named", async () => {
    const state = at("since.json");
    const fetched = (...more: string[]) =>
      json("bundle", "fetch", "again", ...toLog(), "-o", at("s.json"), ...more);
    const verify = () =>
      run("bundle", "verify", at("s.json"), "--policy", "again", "--trust", trust(), "--state", state);
    await json(
      "policy",
      "draft",
      "again",
      "--content",
      join(EXAMPLES, "policy.json"),
      ...toLog(),
      "-o",
      at("again.json"),
    );
    await json("policy", "sign", at("again.json"), "--key", key("policy"));
    await json("policy", "publish", at("again.dsse.json"), ...toLog());
    await fetched("--state", state);
    expect((await verify()).exitCode).toBe(EXIT.good);
    await json("policy", "renew", "again", "--key", key("policy"), ...toLog());
    await fetched();
    expect(await verify()).toMatchObject({
      exitCode: EXIT.no,
      warnings: expect.stringContaining("touchstone bundle fetch --state FILE"),
    });
    await fetched("--state", state);
    expect((await verify()).exitCode).toBe(EXIT.good);
    const both = await run(
      "bundle",
      "fetch",
      "again",
      ...toLog(),
      "-o",
      at("x"),
      "--state",
      state,
      "--since",
      "3",
    );
    expect(both).toMatchObject({ exitCode: EXIT.usage, warnings: expect.stringContaining("--since") });
  });

  describe("revoke", () => {
    const revoke = (reason: string, ...more: string[]) =>
      run(
        "revoke",
        "gpu-rim/example/rim-driver@1",
        "--name",
        "careful",
        "--reason",
        reason,
        "--key",
        key("revocation"),
        ...toLog(),
        ...more,
      );
    const target = async () => {
      const { entries } = await json<{
        entries: Array<{ kind: string; name: string; version: string; payloadDigest: string }>;
      }>("entries", "list", "--kind", "driver-build", ...toLog());
      return `sha256:${entries[0]!.payloadDigest}`;
    };
    const again = async (reason: string, change = {}, ...more: string[]) =>
      runCli(
        [
          "revoke",
          await target(),
          "--name",
          "careful",
          "--reason",
          reason,
          "--key",
          key("revocation"),
          ...toLog(),
          ...more,
        ],
        { ...REAL, ...change },
      );

    it("says with --dry-run what would stop being served, and revokes nothing", async () => {
      const { exitCode, output } = await again("a test", {}, "--dry-run");
      expect(exitCode).toBe(EXIT.good);
      expect(output).toContain("no longer served, and refused by every verifier: policy again@");
      expect(output).toContain("as careful@1");
      expect(output).toContain("dry run: nothing was revoked");
      expect((await run("bundle", "fetch", "again", ...toLog(), "-o", at("x"))).exitCode).toBe(EXIT.good);
      expect((await revoke("a test", "--dry-run")).exitCode, "no such entry").toBe(EXIT.usage);
    });

    it("says what a stolen key's range would stop", async () => {
      const { keyId } = await json<{ keyId: string }>("key", "show", key("publisher"));
      const of = async (range: string) =>
        (
          await run(
            "revoke",
            `key:${keyId}@${range}`,
            "--name",
            "x",
            "--reason",
            "x",
            "--key",
            key("revocation"),
            ...toLog(),
            "--dry-run",
          )
        ).output;
      expect(await of("0..1000")).toContain("policy again@");
      expect(await of("1000..1001")).toContain("no policy in force names it");
    });

    it("asks a person, who may say no", async () => {
      const asked: string[] = [];
      const confirm = async (question: string) => asked.push(question) === 0;
      const declined = await again("a test", { interactive: true, confirm });
      expect(declined).toMatchObject({
        exitCode: EXIT.no,
        warnings: expect.stringContaining("nothing was revoked"),
      });
      expect(declined.warnings).toContain("policy again@");
      expect(asked).toEqual([expect.stringContaining("for ever?")]);
    });

    it("finds the next free version of its name, and repeating it adds nothing", async () => {
      const file = await signed("kernel", "6.12.41-unwanted");
      const [published] = await json<Array<{ entry: string }>>("publish", file, ...toLog());
      const args = (reason: string) => [
        ...["revoke", published!.entry, "--name", "careful", "--reason", reason],
        ...["--key", key("revocation"), ...toLog(), "--json"],
      ];
      const unasked = { interactive: true, confirm: () => Promise.reject(new Error("asked")) };
      const first = await runCli([...args("a test"), "--yes"], { ...REAL, ...unasked });
      expect(first.json()).toMatchObject({ version: "1", stops: [] });
      const index = first.json().index;
      expect((await run(...args("a test"))).json()).toMatchObject({ version: "1", index });
      expect((await run(...args("another reason"))).json()).toMatchObject({ version: "2" });
      expect((await run(...args("a third one"))).json()).toMatchObject({ version: "3" });
    });
  });

  it("a bundle verifies and is remembered; renewing, revoking and rolling back show in how it ends", async () => {
    const [bundle, state] = [at("b1.json"), at("state.json")];
    await json("bundle", "fetch", "prod", ...toLog(), "-o", bundle);
    const verify = (file: string) =>
      run("bundle", "verify", file, "--policy", "prod", "--trust", trust(), "--state", state, "--json");
    const first = await verify(bundle);
    expect(first.exitCode).toBe(EXIT.good);
    const { treeSize, policy } = JSON.parse(first.output) as {
      treeSize: number;
      policy: { version: number };
    };

    const renewed = await json("policy", "renew", "prod", "--key", key("policy"), ...toLog());
    expect(renewed).toMatchObject({ version: policy.version + 1 });
    await json("bundle", "fetch", "prod", ...toLog(), "--since", String(treeSize), "-o", at("b2.json"));
    expect((await verify(at("b2.json"))).exitCode).toBe(EXIT.good);

    const rolledBack = await verify(bundle);
    expect(rolledBack.exitCode).toBe(EXIT.no);
    expect(JSON.parse(rolledBack.output)).toMatchObject({
      verified: false,
      code: "status-rolled-back",
      step: 3,
    });

    const shown = await run("policy", "show", "prod", ...toLog());
    expect(shown.output).toContain("os-image/example/inference@2026.11.1");
    await json(
      "revoke",
      "os-image/example/inference@2026.11.1",
      "--name",
      "cli-test",
      "--reason",
      "a test",
      "--key",
      key("revocation"),
      ...toLog(),
    );
    const fetched = await run("bundle", "fetch", "prod", ...toLog(), "-o", at("b3.json"));
    const outcome =
      fetched.exitCode === EXIT.good
        ? await run("bundle", "verify", at("b3.json"), "--policy", "prod", "--trust", trust())
        : fetched;
    expect(outcome.exitCode).not.toBe(EXIT.good);
  });

  it("a file that is no bundle ends with 1, a state that cannot be read with 2", async () => {
    writeFileSync(at("broken.json"), "{");
    expect(
      await run("bundle", "verify", at("broken.json"), "--policy", "prod", "--trust", trust()),
    ).toMatchObject({
      exitCode: EXIT.no,
    });
    expect(
      (
        await run(
          "bundle",
          "verify",
          at("b1.json"),
          "--policy",
          "prod",
          "--trust",
          trust(),
          "--state",
          at("broken.json"),
        )
      ).exitCode,
    ).toBe(EXIT.usage);
    expect(
      (await run("bundle", "verify", at("b1.json"), "--policy", "prod", "--trust", at("broken.json")))
        .exitCode,
    ).toBe(EXIT.usage);
    expect(
      (
        await run(
          "bundle",
          "verify",
          at("b1.json"),
          "--policy",
          "prod",
          "--trust",
          trust(),
          "--now",
          "yesterday",
        )
      ).exitCode,
    ).toBe(EXIT.usage);
    expect(
      (await run("bundle", "fetch", "prod", ...toLog(), "--since", "x", "-o", at("x.json"))).exitCode,
    ).toBe(EXIT.usage);
  });

  it("what is not there, or no target, ends with 2", async () => {
    const revoke = (target: string) =>
      run("revoke", target, "--name", "x", "--reason", "x", "--key", key("revocation"), ...toLog());
    expect((await revoke("platform/none@1")).exitCode).toBe(EXIT.usage);
    expect((await revoke("nonsense")).exitCode).toBe(EXIT.usage);
    expect((await revoke("key:abc")).exitCode).toBe(EXIT.usage);
    expect((await run("policy", "show", "none", ...toLog())).exitCode).toBe(EXIT.usage);
    expect((await run("policy", "renew", "none", "--key", key("policy"), ...toLog())).exitCode).toBe(
      EXIT.usage,
    );
  });
});

describe("trust-root and status", () => {
  it("drafts, seals, signs, publishes and pins the next trust root", async () => {
    expect(await json("trust-root", "draft", ...toLog(), "-o", at("root.json"))).toMatchObject({
      version: 2,
    });
    await json("trust-root", "seal", at("root.json"), "-o", at("root.statement.json"));
    await json(
      "trust-root",
      "sign",
      at("root.statement.json"),
      "--key",
      key("root"),
      "-o",
      at("root.dsse.json"),
    );
    await json("trust-root", "publish", at("root.dsse.json"), ...toLog(), "--trust", trust());
    const { digest } = await json<{ digest: string }>(
      "trust-root",
      "pin",
      at("root.dsse.json"),
      "-o",
      at("pin.json"),
    );
    expect(JSON.parse(readFileSync(at("pin.json"), "utf8"))).toMatchObject({ version: 2, digest });
    expect((await run("trust-root", "pin", at("kernel.dsse.json"), "-o", at("x"))).exitCode).toBe(EXIT.usage);
    writeFileSync(at("wrong.json"), "{}");
    expect((await run("trust-root", "seal", at("wrong.json"), "-o", at("x"))).exitCode).toBe(EXIT.usage);
  });

  it("signs a status of what it computed, from either pin, and none with another key", async () => {
    const publish = (role: string, pin = trust()) =>
      run("status", "publish", "--key", key(role), "--trust", pin, ...toLog(), "--json");
    const first = await publish("status");
    expect(first.exitCode, first.warnings).toBe(EXIT.good);
    const { sequence } = JSON.parse(first.output) as { sequence: number };
    expect(JSON.parse((await publish("status", at("pin.json"))).output)).toMatchObject({
      sequence: sequence + 1,
    });
    expect((await publish("policy")).exitCode).toBe(EXIT.no);
    expect(await publish("status", at("third", "trust-root.json"))).toMatchObject({ exitCode: EXIT.no });
  });

  it("signs nothing for a log whose entries are not those of its tree: something is being hidden", async () => {
    const lying: typeof fetch = async (input, init) => {
      const response = await fetch(input, init);
      if (!String(input).includes("/tile/entries/")) return response;
      const bytes = new Uint8Array(await response.arrayBuffer());
      bytes[bytes.length - 20]! ^= 1;
      return new Response(bytes);
    };
    const posted: string[] = [];
    const watching: typeof fetch = async (input, init) => {
      if (init?.method === "POST") posted.push(String(input));
      return lying(input, init);
    };
    const args = ["status", "publish", "--key", key("status"), "--trust", trust(), ...toLog()];
    const ran = await runCli(args, { ...REAL, fetch: watching });
    expect(ran).toMatchObject({
      exitCode: EXIT.no,
      warnings: expect.stringContaining("not signed, the log is not in order"),
    });
    expect(posted).toEqual([]);
  });
});

describe("backup, fsck and recover", () => {
  it("copies the running log; the copy is sound, and is never written over", async () => {
    const made = await json<{ size: number }>("backup", at("backup.db"), "--config", config());
    expect(await json("fsck", at("backup.db"))).toMatchObject({
      sound: true,
      entries: made.size,
      findings: [],
    });
    expect((await run("backup", at("backup.db"), "--config", config())).exitCode).toBe(EXIT.usage);
    expect(await json("fsck", "--config", config())).toMatchObject({ sound: true });
  });

  it("fsck of a damaged copy ends with 1 and names what is damaged", async () => {
    const bytes = readFileSync(at("backup.db"));
    const { signatures } = JSON.parse(readFileSync(at("tdx-8vcpu-1gpu.dsse.json"), "utf8")) as {
      signatures: Array<{ sig: string }>;
    };
    // Also where SQLite has left a copy in a page that it no longer uses.
    const begin = signatures[0]!.sig.slice(0, 40);
    for (let at = bytes.indexOf(begin); at !== -1; at = bytes.indexOf(begin)) bytes[at + 20]! ^= 1;
    writeFileSync(at("damaged.db"), bytes);
    const ran = await run("fsck", at("damaged.db"));
    expect(ran, ran.warnings).toMatchObject({
      exitCode: EXIT.no,
      output: expect.stringContaining("DAMAGED"),
    });
  });

  it("what is no database ends with 2", async () => {
    expect((await run("fsck", at("none.db"))).exitCode).toBe(EXIT.usage);
    expect((await run("fsck", trust())).exitCode).toBe(EXIT.usage);
    expect((await run("fsck", "--config", at("none.toml"))).exitCode).toBe(EXIT.usage);
  });

  it("recover catches an old copy up from the log that is served, and refuses while its log is running", async () => {
    const busy = await run("recover", "--from", server.address, "--config", config());
    expect(busy).toMatchObject({
      exitCode: EXIT.usage,
      warnings: expect.stringContaining("open for writing"),
    });
    mkdirSync(at("copy"));
    cpSync(at("log", "keys"), at("copy", "keys"), { recursive: true });
    cpSync(config(), at("copy", "touchstone.toml"));
    cpSync(at("backup.db"), at("copy", "log.db"));
    await json("publish", await signed("kernel", "recover-1"), ...toLog());
    const from = ["recover", "--config", at("copy", "touchstone.toml"), "--from"];
    expect((await run(...from, at("empty"))).exitCode).toBe(EXIT.usage);
    expect((await run(...from, "http://127.0.0.1:1")).exitCode).toBe(EXIT.unreachable);
    const recovered = await json<{ added: number; size: number }>(...from, server.address);
    expect(recovered.added).toBeGreaterThan(0);
    expect(await json("fsck", "--config", at("copy", "touchstone.toml"))).toMatchObject({
      sound: true,
      entries: recovered.size,
    });
  });
});

describe("over all of this", () => {
  it("nothing that was printed holds a line of any private key", () => {
    const all = printed.join("\n");
    expect(all.length).toBeGreaterThan(1000);
    for (const file of readdirSync(at("log", "keys"))) {
      const lines = readFileSync(at("log", "keys", file), "utf8").split("\n");
      for (const line of lines.filter((each) => each.length > 20 && !each.startsWith("-----")))
        expect(all.includes(line), file).toBe(false);
    }
  });

  it("every command with --json printed one JSON value", async () => {
    const { output } = await run("policy", "show", "prod", ...toLog(), "--json");
    expect(JSON.parse(output)).toHaveProperty("profiles");
  });
});
