// Where a file is named, "-" is standard input or output; what is written in place leaves links where they are.
import { spawnSync } from "node:child_process";
import { lstatSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXIT } from "../../src/cli/context.ts";
import { installCommands } from "../drills/practice.ts";
import { runCli } from "../support/run-cli.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/release/example-kernel.json", import.meta.url));
let folder: string;
const at = (...path: string[]) => join(folder, ...path);
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-streams-"));
  await installCommands(folder);
  for (const name of ["a", "b"]) await runCli(["key", "generate", "-o", at(`${name}.pem`)]);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true }));

function touchstone(args: string[], input: string | Uint8Array = "") {
  const { status, stdout, stderr } = spawnSync(at("bin", "touchstone"), args, { input, encoding: "utf8" });
  return { status, stdout, stderr };
}

describe("-", () => {
  it("is standard input and output of sign: two signers in one pipe, and the report goes beside it", () => {
    const first = touchstone(["sign", "-", "--key", at("a.pem")], readFileSync(EXAMPLE));
    expect(first.status, first.stderr).toBe(EXIT.good);
    const second = touchstone(["sign", "-", "--key", at("b.pem"), "-o", "-"], first.stdout);
    expect(JSON.parse(second.stdout).signatures).toHaveLength(2);
    expect(second.stderr).toContain("2 signature(s)");
  });

  it("is a private key's place, too, and where one goes it is refused", () => {
    const ran = touchstone(["sign", EXAMPLE, "--key", "-", "-o", "-"], readFileSync(at("a.pem")));
    expect(JSON.parse(ran.stdout).signatures).toHaveLength(1);
    expect(touchstone(["key", "show", "-"], readFileSync(at("a.pem"))).stdout).toContain("PUBLIC KEY");
    const made = touchstone(["key", "generate", "-o", "-"]);
    expect(made).toMatchObject({ status: EXIT.usage, stdout: "" });
  });

  it("that is empty, or is asked for twice, is said to be", () => {
    expect(touchstone(["sign", "-", "--key", at("a.pem")]).stderr).toContain("standard input is empty");
    const twice = touchstone(["sign", "-", "--key", "-"], readFileSync(at("a.pem")));
    expect(twice).toMatchObject({ status: EXIT.usage, stderr: expect.stringContaining("was read already") });
  });
});

describe("writing in place", () => {
  it("through a symbolic link replaces the file that it leads to, and keeps the link", async () => {
    const [real, link, second] = [at("real.dsse.json"), at("link.dsse.json"), at("second.dsse.json")];
    await runCli(["sign", EXAMPLE, "--key", at("a.pem"), "-o", real]);
    symlinkSync("real.dsse.json", link);
    symlinkSync(link, second);
    const ran = await runCli(["sign", second, "--key", at("b.pem")]);
    expect(ran.exitCode, ran.warnings).toBe(EXIT.good);
    for (const each of [link, second]) expect(lstatSync(each).isSymbolicLink()).toBe(true);
    expect(JSON.parse(readFileSync(real, "utf8")).signatures).toHaveLength(2);
  });

  it("through a link to what is not there yet makes it, and through a circle of links ends with 2", async () => {
    symlinkSync("later.json", at("dangling.json"));
    await runCli(["sign", EXAMPLE, "--key", at("a.pem"), "-o", at("dangling.json")]);
    expect(lstatSync(at("later.json")).isFile()).toBe(true);
    symlinkSync("circle.json", at("circle.json"));
    const ran = await runCli(["sign", EXAMPLE, "--key", at("a.pem"), "-o", at("circle.json")]);
    expect(ran.exitCode).toBe(EXIT.usage);
  });

  it("to a device or a pipe writes to it, and never replaces it by a file", async () => {
    const command = `"${at("bin", "touchstone")}" sign "${EXAMPLE}" --key "${at("a.pem")}" -o /dev/stdout | cat`;
    const { stdout } = spawnSync("bash", ["-c", command], { encoding: "utf8" });
    expect(stdout).toMatch(/^\{"payload/m);
    await runCli(["sign", EXAMPLE, "--key", at("a.pem"), "-o", "/dev/null"]);
    expect(lstatSync("/dev/null").isCharacterDevice()).toBe(true);
  });
});

describe("a reader that leaves", () => {
  /** The reader is gone before the command writes its first line. */
  const PIPE = 'exec 3>&1; { while [ -e "$2" ]; do sleep 0.01; done; "$1" $3; echo "$?" >&3; } | rm "$2"';
  const unread = (args: string) => {
    writeFileSync(at("reading"), "");
    const run = ["-c", PIPE, "bash", at("bin", "touchstone"), at("reading"), args];
    const { stdout, stderr } = spawnSync("bash", run, { encoding: "utf8" });
    return { stdout, stderr };
  };

  it("ends a command without a word, as it ends every other program", () => {
    expect(unread("completion bash")).toEqual({ stdout: "141\n", stderr: "" });
    expect(unread("--help")).toEqual({ stdout: "141\n", stderr: "" });
  });
});
