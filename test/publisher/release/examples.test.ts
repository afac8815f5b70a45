// The examples that people copy: the release file is one, and the workflow runs commands that exist with the variables that it needs.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse as parseYaml } from "yaml";
import * as z from "zod";
import { createProgram, defineCommands } from "../../../src/cli/program.ts";
import { parseReleaseFile } from "../../../src/publisher/release/release-file.ts";
import { scratchFolder } from "../describe/scratch-folder.ts";

const folder = scratchFolder();
const example = (path: string) => readFileSync(new URL(`../../../examples/${path}`, import.meta.url), "utf8");

const step = z.object({
  uses: z.string().optional(),
  run: z.string().optional(),
  env: z.record(z.string(), z.string()).default({}),
});
const job = z.object({
  env: z.record(z.string(), z.string()).default({}),
  environment: z.string().optional(),
  steps: z.array(step),
});
const workflow = z.object({
  permissions: z.object({ contents: z.literal("read") }),
  jobs: z.object({ build: job, release: job }),
});
const { jobs } = workflow.parse(parseYaml(example("release-pipeline/release.yml")));
const releasing = jobs.release.steps.filter(({ run }) => run?.includes("main.js release"));

/** What a GitHub runner sets by itself. */
const RUNNER = { GITHUB_SHA: "0123456789abcdef0123456789abcdef01234567" };
const read = (name: string, environment: Record<string, string>) => {
  folder.write("trust-root.json", "{}");
  const file = folder.write("release.toml", example(name));
  return parseReleaseFile(readFileSync(file, "utf8"), { file, environment, artefactsMustExist: false });
};

describe("examples/release-pipeline", () => {
  it("has a release file with every kind that a build makes, whose references lead to tables or to the log", () => {
    const { artefacts, policy } = read("release-pipeline/release.toml", { RELEASE_VERSION: "1", ...RUNNER });
    expect(artefacts.map(({ table }) => table)).toEqual(["kernel", "driver", "gsp", "image"]);
    expect(policy).toMatchObject({ name: "production", platforms: ["platform/acme/h100-8vcpu@2026.11"] });
  });

  it("has a workflow that gives each release step all of its variables, and the key to no other", () => {
    expect(releasing).toHaveLength(2);
    for (const { env } of releasing) {
      const environment = { ...RUNNER, ...jobs.release.env, ...env };
      const { keys } = read("release-pipeline/release.toml", environment);
      for (const source of [...(keys.publisher ?? []), ...(keys.policy ?? [])])
        expect(environment).toHaveProperty(source.replace("env:", ""));
    }
    const others = [...jobs.build.steps, ...jobs.release.steps].filter((one) => !releasing.includes(one));
    expect(JSON.stringify(others)).not.toContain("secrets.");
    expect(jobs.release.environment, "the key is a secret that a person releases").toBe("release");
  });

  it("has a workflow that runs the release command with options that it has", async () => {
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
    for (const { run } of releasing)
      for (const [option] of run?.matchAll(/--[a-z-]+/g) ?? []) expect(known).toContain(option);
  });
});

describe("examples/real-release", () => {
  it("has a release file whose variables run.sh sets, every one of them", () => {
    const names = [...example("real-release/release.toml").matchAll(/"env:([A-Z0-9_]+)"/g)].map(
      ([, name]) => name as string,
    );
    const script = example("real-release/run.sh");
    for (const name of names) expect(script, `run.sh sets ${name}`).toMatch(new RegExp(`\\b${name}=`));
    const environment = Object.fromEntries(names.map((name) => [name, `/tmp/${name}`]));
    folder.write("trust-root.json", "{}");
    const { artefacts } = read("real-release/release.toml", {
      ...environment,
      LAYOUT: "edk2-202411",
      BOOT: "uki-kernel:edk2-202411",
      LOG_URL: "http://127.0.0.1:1",
      LOG_TRUST: `${folder.path}/trust-root.json`,
    });
    expect(artefacts).toHaveLength(7);
  });
});
