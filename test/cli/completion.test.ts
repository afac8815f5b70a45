// Completion scripts hold every command and option, and bash completes with them.
import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { DESCRIBER_OPTIONS } from "../../src/cli/describer-options.ts";
import { runCli } from "../support/run-cli.ts";

const scriptOf = async (shell: string) => (await runCli(["completion", shell])).output;
const WANTED = [
  "policy",
  "draft",
  "requirements",
  "trust-root",
  "describe",
  "os-image",
  "completion",
  "json",
];
/** Whether a shell is installed. */
const has = (shell: string) => {
  try {
    execFileSync(shell, ["-c", "true"]);
    return true;
  } catch {
    return false;
  }
};

describe("touchstone completion", () => {
  it.each(["bash", "zsh", "fish"])("%s names every command and option", async (shell) => {
    const script = await scriptOf(shell);
    for (const word of WANTED) expect(script).toMatch(new RegExp(`\\b${word}\\b`));
  });

  it.each(["bash", "zsh", "fish"])("%s is a script that the shell can read", async (shell) => {
    if (!has(shell)) return console.warn(`skipped: ${shell} is not installed`);
    execFileSync(shell, ["-n"], { input: await scriptOf(shell) });
  });

  it("knows every option of every kind that is described", async () => {
    const script = await scriptOf("bash");
    for (const { kind, options } of DESCRIBER_OPTIONS) {
      const [, line = ""] = new RegExp(`"describe ${kind}"\\) (.*)`).exec(script) ?? [];
      for (const { flags } of options) expect(line).toContain(/--[a-z-]+/.exec(flags)?.[0]);
      expect(line).toContain("--svn");
      expect(line).toContain("--json");
    }
  });

  it("knows no other shell", async () => {
    expect((await runCli(["completion", "csh"])).warnings).toContain("bash, zsh, fish");
  });

  it.each([
    ["pol", "policy"],
    ["policy ", "draft sign publish renew show export help"],
    ["policy dr", "draft"],
    ["policy draft prod --req", "--requirements"],
    ["describe os-", "os-image"],
    ["bundle fetch prod --", "--to --state --since --output --json --help"],
    ["bundle fetch prod ", ""],
  ])("in bash completes 'touchstone %s'", async (line, expected) => {
    const words = ["touchstone", ...line.split(" ")];
    const commands = `${await scriptOf("bash")}
      COMP_WORDS=(${words.map((word) => `"${word}"`).join(" ")}); COMP_CWORD=${words.length - 1}
      _touchstone; echo "\${COMPREPLY[*]}"`;
    const completed = execFileSync("bash", ["-c", commands], { encoding: "utf8" }).trim().split(" ");
    const wanted = expected.split(" ").filter((word) => word !== "help");
    expect(completed.filter((word) => word !== "help").sort()).toEqual(wanted.sort());
  });
});
