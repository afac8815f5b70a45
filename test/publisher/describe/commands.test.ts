// The commands as a release engineer types them: what is printed, what is written, and that nothing is when something is wrong.
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { CliContext } from "../../../src/cli/context.ts";
import { createProgram } from "../../../src/cli/program.ts";
import { parseStatement } from "../../../src/protocol/envelope/statement.ts";
import { runCli } from "../../support/run-cli.ts";
import { makeElf } from "./formats/make-elf.ts";
import { scratchFolder } from "./scratch-folder.ts";

const folder = scratchFolder();
const RELEASE =
  "--name acme/gold --version 1.0 --channel stable --svn 0 --builder ci --source https://example.com".split(
    " ",
  );

async function run(...args: string[]): Promise<string> {
  const printed: string[] = [];
  const context = { print: (line: string) => void printed.push(line) } as unknown as CliContext;
  await createProgram(context).parseAsync(["describe", ...args], { from: "user" });
  return printed.join("\n");
}

const PATCH = "Subject: x\n\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n";
function longSeries(): string {
  const names = Array.from({ length: 250 }, (_, i) => `${i}.patch`);
  folder.write("series/series", names.join("\n"));
  for (const name of names) folder.write(`series/${name}`, `${name}\n${PATCH}`);
  return `${folder.path}/series`;
}

describe("touchstone describe", () => {
  it("kernel-patch-set writes statement and attachment side by side, and says their digests", async () => {
    folder.write("out/x", "");
    const output = `${folder.path}/out/kernel.json`;
    const printed = await run(
      "kernel-patch-set",
      ...RELEASE,
      "--series",
      longSeries(),
      "--base-version",
      "6.12",
      "-o",
      output,
      "--json",
    );
    const { attachments } = JSON.parse(printed) as { attachments: string[] };
    expect(parseStatement(new Uint8Array(readFileSync(output)))).toMatchObject({
      kind: "kernel-patch-set",
      name: "acme/gold",
    });
    expect(JSON.parse(readFileSync(attachments[0] ?? "", "utf8"))).toHaveLength(250);
    expect(readdirSync(`${folder.path}/out`).sort()).toEqual([
      "kernel.json",
      expect.stringMatching(/^sha256-[0-9a-f]{64}\.json$/),
      "x",
    ]);
  });

  it("gsp-firmware writes the same bytes when run again", async () => {
    const bytes = (text: string) => new TextEncoder().encode(text);
    const file = folder.write(
      "gsp_ga10x.bin",
      makeElf([
        { name: ".fwimage", bytes: bytes("x") },
        { name: ".fwversion", bytes: bytes("550.1") },
        { name: ".fwsignature_gh100", bytes: bytes("y") },
      ]),
    );
    const outputs = ["one.json", "two.json"].map((name) => `${folder.path}/${name}`);
    for (const output of outputs) await run("gsp-firmware", ...RELEASE, "--file", file, "-o", output);
    const [one, two] = outputs.map((path) => readFileSync(path));
    expect(one).toEqual(two);
  });

  it("writes nothing when an input is hostile", async () => {
    folder.write("empty/x", "");
    folder.write("hostile/series", "../../../../etc/passwd\n");
    const output = `${folder.path}/empty/kernel.json`;
    const call = run(
      "kernel-patch-set",
      ...RELEASE,
      "--series",
      `${folder.path}/hostile`,
      "--base-version",
      "6.12",
      "-o",
      output,
    );
    await expect(call).rejects.toThrow(/"..\/..\/..\/..\/etc\/passwd" is not a relative file name/);
    expect(readdirSync(`${folder.path}/empty`)).toEqual(["x"]);
  });

  it.each([
    ["no patches", ["kernel-patch-set", ...RELEASE, "-o", "x"], /give the patches/],
    [
      "a repository without a range",
      ["kernel-patch-set", ...RELEASE, "--git", ".", "-o", "x"],
      /--git and --range belong together/,
    ],
    [
      "a range of one end",
      ["kernel-patch-set", ...RELEASE, "--git", ".", "--range", "main", "-o", "x"],
      /expected base..tip/,
    ],
    [
      "a range that is an option",
      ["kernel-patch-set", ...RELEASE, "--git", ".", "--range=--all..x", "-o", "x"],
      /expected base..tip/,
    ],
    [
      "a tool without version",
      ["kernel-patch-set", ...RELEASE, "--tool", "gcc", "-o", "x"],
      /expected name=version/,
    ],
    [
      "a RIM without id",
      ["driver-build", ...RELEASE, "--modules", ".", "--kernel", "k", "--rim", "r", "-o", "x"],
      /--rim needs --rim-id/,
    ],
    ["no time for a RIM", ["gpu-rim", ...RELEASE, "--rim", "r", "-o", "x"], /^missing: --as-of <time>$/],
    [
      "an unknown option",
      ["gsp-firmware", ...RELEASE, "--file", "f", "--fwid", "00", "-o", "x"],
      /unknown option '--fwid'/,
    ],
  ])("refuses %s", async (_why, args, message) => {
    await expect(run(...args)).rejects.toThrow(message);
  });

  it.each(["kernel-patch-set", "driver-build", "gsp-firmware", "gpu-rim", "switch-rim"])(
    "%s shows an example in its help",
    async (kind) => {
      const { output: help } = await runCli(["describe", kind, "--help"]);
      expect(help).toContain(`touchstone describe ${kind} --name`);
    },
  );
});
