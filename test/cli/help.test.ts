// Every command of the tree can be learned from its help, and understands --json.
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { EXIT } from "../../src/cli/context.ts";
import { DESCRIBER_OPTIONS } from "../../src/cli/describer-options.ts";
import { createProgram, defineCommands } from "../../src/cli/program.ts";
import { runCli } from "../support/run-cli.ts";

const silent = {
  environment: {},
  now: () => new Date(),
  fetch: globalThis.fetch,
  print: () => undefined,
  warn: () => undefined,
  interactive: false,
  confirm: async () => true,
};
const leavesOf = (command: Command, path: string[] = []): Array<[string, Command]> =>
  command.commands.length === 0
    ? [[path.join(" "), command]]
    : command.commands.flatMap((each) => leavesOf(each, [...path, each.name()]));
/** All but `help`, which shows the help of others. */
const LEAVES = leavesOf(await defineCommands(createProgram(silent), silent)).filter(
  ([path]) => path !== "help",
);

describe.each(LEAVES)("touchstone %s", (path, command) => {
  it("has a description and --json", () => {
    expect(command.description()).not.toBe("");
    expect(command.options.map(({ long }) => long)).toContain("--json");
    for (const option of command.options) expect(option.description, option.flags).not.toBe("");
  });

  it("shows an example of itself in its help", async () => {
    const { exitCode, output } = await runCli([...path.split(" "), "--help"]);
    expect(exitCode).toBe(EXIT.good);
    const [, examples] = output.split(/^Examples?:$/m);
    expect(examples).toContain(`  touchstone ${path}`);
  });

  it("ends with 2 on an option that it does not know", async () => {
    expect((await runCli([...path.split(" "), "--no-such-option"])).exitCode).toBe(EXIT.usage);
  });
});

describe("touchstone", () => {
  it("has every command that an operator, a publisher and a verifier need", () => {
    const needed = [
      "init",
      "serve",
      "demo",
      "key generate",
      "key show",
      "sign",
      "publish",
      "entries list",
      "entries show",
      "entries find",
      "policy draft",
      "policy sign",
      "policy publish",
      "policy renew",
      "policy show",
      "revoke",
      "status publish",
      "trust-root draft",
      "trust-root sign",
      "trust-root publish",
      "bundle fetch",
      "bundle verify",
      "proof verify",
      "lookup",
      "audit",
      "mirror",
      "export",
      "backup",
      "recover",
      "fsck",
    ];
    expect(LEAVES.map(([path]) => path)).toEqual(expect.arrayContaining(needed));
  });

  it("shows the help of a command with `help`, too", async () => {
    const { exitCode, output } = await runCli(["help", "bundle", "verify"]);
    expect(exitCode).toBe(EXIT.good);
    expect(output).toBe((await runCli(["bundle", "verify", "--help"])).output);
  });

  it("lists every kind that it describes, and defines the options of the one that is asked for alone", async () => {
    const program = createProgram(silent);
    await program.parseAsync(["describe", "gpu-rim", "--help"], { from: "user" }).catch(() => undefined);
    const kinds = program.commands.find((command) => command.name() === "describe")?.commands ?? [];
    expect(kinds.flatMap((kind) => (kind.options.length > 0 ? [kind.name()] : []))).toEqual(["gpu-rim"]);
    const { output } = await runCli(["describe", "--help"]);
    for (const { kind, summary } of DESCRIBER_OPTIONS)
      expect(output.replace(/\s+/g, " ")).toContain(` ${kind} ${summary}`);
  });

  it("says its version, and ends with 2 on a command that it does not know", async () => {
    expect(await runCli(["--version"])).toMatchObject({
      exitCode: EXIT.good,
      output: expect.stringMatching(/^\d+\.\d+\.\d+/),
    });
    expect((await runCli(["no-such-command"])).exitCode).toBe(EXIT.usage);
    expect((await runCli([])).exitCode).toBe(EXIT.usage);
  });
});
