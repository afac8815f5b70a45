// What people copy and read about the monitor: commands with options that exist, a file of expected entries that is one, and a page that
// knows every class and every code.
import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse as parseYaml } from "yaml";
import { parseExpected } from "../../../src/auditor/monitor/expected-entries.ts";
import { FINDING_CLASSES } from "../../../src/auditor/monitor/finding.ts";
import { createProgram, defineCommands } from "../../../src/cli/program.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { inProject, readProject } from "../../support/example-build.ts";

const outside = {
  environment: {},
  now: () => new Date(),
  fetch,
  print: () => undefined,
  warn: () => undefined,
  interactive: false,
  confirm: async () => true,
};
const program = await defineCommands(createProgram(outside), outside);
const OPTIONS = program.commands
  .find((command) => command.name() === "monitor")!
  .options.map(({ long }) => long);
const PAGE = readProject("docs/monitoring.md");
const SYSTEMD = "examples/monitor/systemd";

const optionsIn = (command: string) => command.match(/(?<=\s)--[a-z-]+/g) ?? [];

describe("examples/monitor", () => {
  it("calls the monitor with options that it has", () => {
    const { jobs } = parseYaml(readProject("examples/monitor/monitor.yml")) as {
      jobs: { monitor: { steps: Array<{ run?: string }> } };
    };
    const run = jobs.monitor.steps.find((step) => step.run?.includes(" monitor "))?.run ?? "";
    const [, start = ""] =
      /^ExecStart=(.*)$/m.exec(readProject(`${SYSTEMD}/touchstone-monitor.service`)) ?? [];
    for (const command of [run.replace("npx --yes", ""), start]) {
      expect(optionsIn(command).length).toBeGreaterThan(3);
      expect(OPTIONS).toEqual(expect.arrayContaining(optionsIn(command)));
    }
  });

  it("has a file of expected entries that is one", () => {
    expect(parseExpected(utf8(readProject("examples/monitor/expected.toml"))).entry).toHaveLength(1);
  });

  it("has units that systemd accepts", (test) => {
    const units = ["service", "timer"].map((type) => inProject(`${SYSTEMD}/touchstone-monitor.${type}`));
    const { error, stderr } = spawnSync("systemd-analyze", ["verify", ...units], { encoding: "utf8" });
    if (error !== undefined) return test.skip("systemd-analyze is not installed");
    // The program need not be installed here.
    const lines = stderr.split("\n").filter((line) => line.includes("touchstone-monitor"));
    expect(lines.filter((line) => !/not executable|No such file/.test(line))).toEqual([]);
  });
});

describe("docs/monitoring.md", () => {
  it("names every class, in its order, and no other", () => {
    const rows = [...PAGE.matchAll(/^\| `([a-z]+)` \| `/gm)].map(([, name]) => name);
    expect(rows).toEqual([...FINDING_CLASSES]);
  });

  it("names every code that the monitor makes", () => {
    const sources = globSync("src/auditor/monitor/*.ts", { cwd: inProject(".") }).map((file) =>
      readFileSync(inProject(file), "utf8"),
    );
    const codes = sources.flatMap((text) => [
      ...[...text.matchAll(/code: "([a-z-]+)"/g)].map(([, code = ""]) => code),
      ...[...text.matchAll(/(?:failure|witness)\(\s*"([a-z-]+)"/g)].map(([, code = ""]) => code),
    ]);
    expect(codes.length).toBeGreaterThan(12);
    for (const code of codes) expect(PAGE, code).toContain(`\`${code}\``);
  });

  it("names options that there are", () => {
    expect(OPTIONS).toEqual(expect.arrayContaining(["--state", "--alert", "--acknowledge"]));
    const named = [...PAGE.matchAll(/`(--[a-z-]+)/g)].map(([, option]) => option);
    expect([...OPTIONS, "--record", "--expect", "--file"]).toEqual(expect.arrayContaining(named));
  });
});
