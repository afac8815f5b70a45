// A command line that is wrong: what is unknown or missing is named, all of it at once, and as JSON where that was asked for.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXIT } from "../../src/cli/context.ts";
import { createProgram, defineCommands } from "../../src/cli/program.ts";
import { fakeNetwork, status } from "../support/fake-fetch.ts";
import { runCli } from "../support/run-cli.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-missing-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const outside = {
  environment: {},
  now: () => new Date(),
  fetch: globalThis.fetch,
  print: () => undefined,
  warn: () => undefined,
  interactive: false,
  confirm: async () => true,
};
/** Those that do nothing by themselves: a word after one is a command, and not the file that another one takes. */
const GROUPS = (await defineCommands(createProgram(outside), outside)).commands
  .filter(({ commands, registeredArguments }) => commands.length > 0 && registeredArguments.length === 0)
  .map((command) => command.name());

describe("an unknown command", () => {
  it.each([
    [["nonsense"]],
    [["nonsense", "--help"]],
    [["help", "nonsense"]],
    [["--json", "nonsense"]],
    ...GROUPS.flatMap((group) => [[[group, "nonsense"]], [[group, "nonsense", "--help"]]]),
  ])("is named, and ends with 2: %s", async (args) => {
    const { exitCode, warnings, output } = await runCli(args);
    expect(exitCode).toBe(EXIT.usage);
    const [group] = args.filter((arg) => GROUPS.includes(arg));
    expect(warnings).toContain(`${group ?? "there is"}${group ? " has" : ""} no command 'nonsense', but `);
    expect(warnings).not.toContain("touchstone has");
    expect(output).toBe("");
  });

  it("may be a file where a command takes one, and that is named", async () => {
    const { exitCode, warnings } = await runCli(["measure", "nonsense"]);
    expect([exitCode, warnings]).toEqual([EXIT.usage, expect.stringContaining("nonsense")]);
  });

  it("is told from help that was asked for", async () => {
    for (const args of [
      ["--help"],
      ["help"],
      ["help", "policy"],
      ["policy", "--help"],
      ["help", "policy", "draft"],
    ])
      expect((await runCli(args)).exitCode, args.join(" ")).toBe(EXIT.good);
  });
});

describe("required options", () => {
  it("are marked in the help", async () => {
    const { output } = await runCli(["revoke", "--help"]);
    for (const option of ["--name", "--reason", "--key"])
      expect(output.replace(/\n {19,}/g, " ")).toMatch(new RegExp(`${option} .*\\(required\\)`));
    expect(output).not.toMatch(/--to .*\(required\)/);
  });

  it("that are missing are all named at once", async () => {
    const { exitCode, warnings } = await runCli(["revoke", "platform/x@1"]);
    expect(exitCode).toBe(EXIT.usage);
    expect(warnings).toBe("touchstone: missing: --name <name>, --reason <text>, --key <key...>");
  });
});

describe("with --json", () => {
  it.each([
    ["a missing option", ["sign", "x.json", "--json"], "missing: --key"],
    ["a missing argument", ["sign", "--json"], "missing required argument 'file'"],
    ["an unknown option", ["sign", "x.json", "--no-such", "--json"], "unknown option '--no-such'"],
    ["an unknown command", ["nonsense", "--json"], "there is no command 'nonsense'"],
    ["a value that is none", ["bundle", "fetch", "x", "--since", "x", "--json"], "is invalid"],
    ["no such file", ["sign", "none.json", "--key", "none.pem", "--json"], "none.pem: there is no such file"],
  ])("the error is one JSON value: %s", async (_, args, says) => {
    const { warnings, output } = await runCli(args);
    const { error } = JSON.parse(warnings) as { error: { code: string; message: string } };
    expect(error.message).toContain(says);
    expect(error.code).not.toBe("");
    expect(output).toBe("");
  });
});

describe("an address", () => {
  it.each([
    ["localhost:1", "http://localhost:1"],
    ["127.0.0.1:1/prefix", "http://127.0.0.1:1/prefix"],
    ["[::1]:1", "http://[::1]:1"],
    ["log.example.com:443", "https://log.example.com:443"],
    ["https://log.example.com", "https://log.example.com"],
  ])("%s is no folder, for audit as for every --to", async (given, url) => {
    const { fetch, asked } = fakeNetwork(status(404));
    await runCli(["audit", given, "--tofu"], { fetch });
    await runCli(["entries", "show", "1", "--to", given], { fetch });
    expect(asked[0]).toBe(`${url}/checkpoint`);
    expect(asked.at(-1)).toBe(`${url}/v1/entries/1`);
  });

  it("that is a folder's name all the same is the folder", async () => {
    const { fetch, asked } = fakeNetwork(status(404));
    await runCli(["audit", folder, "--tofu"], { fetch });
    expect(asked).toEqual([]);
  });

  it.each([["audit"], ["entries"], ["recover"]])(
    "with a password in it is refused, and not shown: %s",
    async (command) => {
      const url = "https://operator:hunter2@log.example";
      const args = {
        audit: ["audit", url, "--tofu"],
        entries: ["entries", "show", "1", "--to", url],
        recover: ["recover", "--from", url],
      }[command]!;
      const { fetch, asked } = fakeNetwork(status(404));
      const { exitCode, warnings, output } = await runCli(args, { fetch });
      expect(exitCode).toBe(EXIT.usage);
      expect(warnings).toContain("a user name or a password");
      expect(warnings + output).not.toMatch(/hunter2|operator/);
      expect(asked).toEqual([]);
    },
  );

  it("with a password in a configuration is refused, and not shown", async () => {
    const file = join(folder, "touchstone.toml");
    const toml = (url: string, witness: string) =>
      `origin = "x"\nurl = "${url}"\nlisten = { port = 1 }\nstorage = { database = "d", highWater = "h" }\nkeys = { log = "l" }\nwitnesses = [{ name = "w", url = "${witness}" }]\n`;
    const secret = "https://a:hunter2@w.example";
    for (const text of [toml(secret, "https://w.example"), toml("https://w.example", secret)]) {
      writeFileSync(file, text);
      const { exitCode, warnings } = await runCli(["serve", "--config", file]);
      expect(exitCode).toBe(EXIT.usage);
      expect(warnings).toContain("a user name or a password stands in the URL");
      expect(warnings).not.toContain("hunter2");
    }
  });
});

describe("a text that an editor has changed", () => {
  const BOM = "\ufeff";
  it.each([
    ["empty", Buffer.alloc(0), "the file is empty"],
    [
      "a byte order mark",
      Buffer.from(`${BOM}{}`),
      "begins with a byte order mark: save it as UTF-8 without one",
    ],
    ["UTF-16", Buffer.from(`${BOM}{}`, "utf16le"), "it is UTF-16 text: save it as UTF-8"],
    ["UTF-16 without a mark", Buffer.from("{}", "utf16le"), "it is UTF-16 text: save it as UTF-8"],
    ["line ends of Windows", Buffer.from("{\r\n"), "the line ends of Windows"],
  ])("is named with the repair, for own files and for judged ones: %s", async (_, bytes, repair) => {
    const file = join(folder, "edited.json");
    writeFileSync(file, bytes);
    const key = join(folder, "k.pem");
    rmSync(key, { force: true });
    await runCli(["key", "generate", "-o", key]);
    const sign = await runCli(["sign", file, "--key", key]);
    expect(sign).toMatchObject({ exitCode: EXIT.usage, warnings: expect.stringContaining(`${file}: `) });
    expect(sign.warnings).toContain(repair);
    const seal = await runCli(["trust-root", "seal", file, "-o", join(folder, "x")]);
    expect(seal.warnings).toContain(repair);
  });
});

describe("demo", () => {
  it("--once tells each machine for what it is, and leaves nothing behind", {
    timeout: 120_000,
  }, async () => {
    const left = () => readdirSync(tmpdir()).filter((name) => name.startsWith("touchstone-demo-"));
    const before = left();
    const { exitCode, warnings, output } = await runCli(["demo", "--once"], {
      now: () => new Date(),
      fetch: globalThis.fetch,
    });
    expect(exitCode, warnings).toBe(EXIT.good);
    expect(left()).toEqual(before);
    const told = [...output.matchAll(/^ +(trusted|rejected) +the machine (.*)(?:\n +([a-z0-9.-]+):)?/gm)];
    expect(told.map(([, verdict, what, check]) => [verdict, what, check])).toEqual([
      ["trusted", "runs exactly what was published", undefined],
      ["rejected", "booted another image", "tuple.rtmr1"],
      ["rejected", "is a debug TD", "tdx.policy.debug"],
      ["rejected", "has its GPU's confidential mode off", "gpu.cc-mode"],
      ["rejected", "has another GPU driver", "gpu.driver.allowed"],
      ["rejected", "has a GPU whose certificate was revoked", "gpu.revocation"],
    ]);
    expect(output).toContain("the reply streams: “It means that you should rest for a week.”");
    expect(output).toMatch(/refused: tuple\.rtmr1: differs/);
    expect(output).toContain("the other machine has seen 0 requests and 0 bytes of the prompt");
    expect(output).toMatch(/the reply is cut: .*os-image example\/inference is revoked/);
    expect(output).toMatch(/the client asks again: refused: .*is revoked/);
    expect(output).toMatch(/no verifier takes the policy any more: .*os-image example\/inference is revoked/);
    expect(output).toContain("findings: 0");
  });
});
