// The workflows that publish without a stored key: they hold no secret, pin what they run, and may do no more than they need.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse as parseYaml } from "yaml";
import * as z from "zod";
import { createProgram, defineCommands } from "../../../src/cli/program.ts";
import { packagePath } from "../../../src/node/package-root.ts";
import { parseReleaseFile } from "../../../src/publisher/release/release-file.ts";
import { apiTool } from "../../support/api-tools.ts";
import { scratchFolder } from "../describe/scratch-folder.ts";

const FOLDER = packagePath("examples", "github-release");
const folder = scratchFolder();
const read = (name: string) => readFileSync(join(FOLDER, name), "utf8");
const job = z.object({
  permissions: z.record(z.string(), z.string()),
  environment: z.string().optional(),
  needs: z.string().optional(),
  steps: z.array(
    z.object({
      uses: z.string().optional(),
      run: z.string().optional(),
      with: z.record(z.string(), z.unknown()).default({}),
    }),
  ),
});
const workflow = z.object({
  on: z.strictObject({ push: z.strictObject({ tags: z.array(z.string()) }) }),
  permissions: z.strictObject({}),
  jobs: z.record(z.string(), job),
});

describe.each(["release.yml", "release-with-people.yml"])("examples/github-release/%s", (name) => {
  const text = read(name);
  const { jobs } = workflow.parse(parseYaml(text));
  const all = Object.values(jobs);
  const steps = all.flatMap((one) => one.steps);

  it("has no secret, and runs on tags alone", () => {
    expect(text).not.toContain("secrets.");
    expect(text).not.toMatch(/pull_request|workflow_run|issue_comment/);
  });

  it("pins every action by commit, with its version beside it", () => {
    for (const { uses } of steps) if (uses !== undefined) expect(uses).toMatch(/@[0-9a-f]{40}$/);
    const lines = text.split("\n").filter((line) => line.includes("uses:"));
    for (const line of lines) expect(line).toMatch(/@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    for (const step of steps)
      if (step.with.repository !== undefined) expect(step.with.ref).toMatch(/^[0-9a-f]{40}$/);
  });

  it("leaves no credentials of the repository for what is built", () => {
    const checkouts = steps.filter(({ uses }) => uses?.startsWith("actions/checkout@"));
    expect(checkouts.length).toBeGreaterThan(0);
    for (const checkout of checkouts) expect(checkout.with["persist-credentials"]).toBe(false);
  });

  it("gives the token to the last job alone, which builds no artefact and waits for a person", () => {
    const withToken = all.filter(({ permissions }) => "id-token" in permissions);
    expect(withToken).toEqual([jobs.release]);
    expect(jobs.release?.permissions).toEqual({ contents: "read", "id-token": "write" });
    expect(jobs.release?.environment).toBe("release");
    expect(jobs.release?.steps.map(({ run }) => run)).not.toContain("make image");
    for (const one of all) if (one !== jobs.release) expect(one.permissions).toEqual({ contents: "read" });
  });

  it("runs the release command with options that it has, publishing by identity once", async () => {
    const context = {
      environment: {},
      now: () => new Date(),
      fetch,
      print: () => {},
      warn: () => {},
      interactive: false,
      confirm: async () => true,
    };
    const program = await defineCommands(createProgram(context), context);
    const release = program.commands.find((command) => command.name() === "release");
    const known = release?.options.map(({ long }) => long);
    const runs = steps.flatMap(({ run }) => (run?.includes("main.js release") ? [run] : []));
    for (const run of runs)
      for (const [option] of run.matchAll(/--[a-z-]+/g)) expect(known).toContain(option);
    expect(runs.filter((run) => run.includes("--identity github --publish-claims"))).toHaveLength(1);
  });

  const actionlint = packagePath(".scratch", "bin", "actionlint");
  it.skipIf(!existsSync(actionlint))(
    "is clean for actionlint (skipped where .ci/run has not installed it)",
    () => {
      const { stdout, status } = spawnSync(actionlint, ["-color=false", join(FOLDER, name)], {
        encoding: "utf8",
      });
      expect(status, stdout).toBe(0);
    },
  );

  const zizmor = apiTool("python", "bin", "zizmor");
  it.skipIf(!existsSync(zizmor))("is clean for zizmor (skipped where .ci/run has not installed it)", () => {
    const place = join(folder.path, ".github", "workflows");
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, name), text);
    const { stdout, stderr, status } = spawnSync(zizmor, ["--offline", "--no-progress", join(place, name)], {
      encoding: "utf8",
    });
    expect(status, `${stdout}${stderr}`).toBe(0);
  });
});

it("have a release file without keys", () => {
  folder.write("trust-root.json", "{}");
  const file = folder.write("release.toml", read("release.toml"));
  const environment = { RELEASE_VERSION: "v1.4.0", GITHUB_SHA: "0123456789abcdef0123456789abcdef01234567" };
  const { keys, artefacts } = parseReleaseFile(readFileSync(file, "utf8"), {
    file,
    environment,
    artefactsMustExist: false,
  });
  expect(keys).toEqual({});
  expect(artefacts.map(({ table }) => table)).toEqual(["kernel", "driver"]);
});
