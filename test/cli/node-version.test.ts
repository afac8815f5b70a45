// An older Node gets one line before anything else loads, outside npm too.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXIT } from "../../src/cli/context.ts";
import { OLDEST_NODE, refuseNode } from "../../src/cli/node-version.ts";
import { packagePath } from "../../src/node/package-root.ts";
import { installProgram } from "../support/installed-program.ts";

describe("refuseNode", () => {
  it.each(["v12.22.12", "v18.20.8", "v20.20.2", "v21.7.3", "v22.0.0", "v22.13.1"])(
    "refuses %s",
    (version) => {
      expect(refuseNode(version)).toBe(
        `touchstone needs Node.js 22.14 or newer, this is ${version.slice(1)}`,
      );
    },
  );

  it.each(["v22.14.0", "v22.20.1", "v23.0.0", "v24.0.0-nightly2025", "v100.1.0"])("takes %s", (version) => {
    expect(refuseNode(version)).toBeUndefined();
  });

  it("asks for what package.json's engines ask for", () => {
    const { engines } = JSON.parse(readFileSync(packagePath("package.json"), "utf8"));
    expect(engines).toEqual({ node: `>=${OLDEST_NODE}` });
  });
});

describe("the program", () => {
  let folder: string;
  let main: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "touchstone-node-"));
    main = await installProgram(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const pretend = (version: string) => {
    const file = join(folder, "pretend.mjs");
    writeFileSync(file, `Object.defineProperty(process, "version", { value: "${version}" });`);
    return spawnSync(process.execPath, ["--import", file, main, "--version"], { encoding: "utf8" });
  };

  it("says in one line that Node is too old, and ends with 2", () => {
    const { status, stdout, stderr } = pretend("v20.20.2");
    expect({ status, stdout, stderr }).toEqual({
      status: EXIT.usage,
      stdout: "",
      stderr: "touchstone needs Node.js 22.14 or newer, this is 20.20.2\n",
    });
  });

  it("runs on the oldest that will do", () => {
    expect(pretend("v22.14.0")).toMatchObject({ status: EXIT.good, stderr: "" });
  });

  const older = olderNode();
  const title = older === undefined ? " (skipped: there is no older Node on this machine)" : ` (${older})`;
  it.skipIf(older === undefined)(`says the same where Node really is older${title}`, () => {
    const { status, stderr } = spawnSync(older ?? "", [main], { encoding: "utf8" });
    expect(status).toBe(EXIT.usage);
    expect(stderr).toMatch(/^touchstone needs Node\.js 22\.14 or newer, this is \d+\.\d+\.\d+\n$/);
  });
});

/** The path of a Node on PATH that is too old. */
function olderNode(): string | undefined {
  const { stdout } = spawnSync("which", ["-a", "node"], { encoding: "utf8" });
  return (stdout ?? "")
    .split("\n")
    .filter((path) => path !== "")
    .find(
      (path) => refuseNode(spawnSync(path, ["--version"], { encoding: "utf8" }).stdout.trim()) !== undefined,
    );
}
