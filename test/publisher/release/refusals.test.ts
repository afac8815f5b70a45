// What a release file may not say: each refusal names the table and the key, and none of them repeats a secret.
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { generateSigningKey } from "../../../src/node/signing/signing-key.ts";
import { ARTEFACTS, policyParts, REQUIREMENTS, releaseToml, smallWorld } from "./small-release.ts";

const world = smallWorld();
const SECRET = generateSigningKey();
const SECRET_LINE = SECRET.split("\n")[1] as string;
const KEYS = 'publisher = "env:RELEASE_KEY"';
const toml = (parts: Partial<Parameters<typeof releaseToml>[0]> = {}) =>
  releaseToml({ version: "1.0", log: world.url(), keys: KEYS, ...parts });
const environment = () => ({ RELEASE_KEY: world.key("publisher") });

async function refusal(text: string, ...options: string[]): Promise<string> {
  const file = world.folder.write("bad.toml", text);
  const before = await world.size();
  const { said, error } = await world.run(["release", file, ...options], { environment: environment() });
  expect(error, "must be refused").not.toBeNull();
  expect(await world.size(), "nothing is published").toBe(before);
  expect(`${said}${error}`).not.toContain(SECRET_LINE);
  return error as string;
}
const replaced = (from: string, to: string) => {
  expect(toml()).toContain(from);
  return toml().replace(from, to);
};

describe("a release file is refused, by table and key", () => {
  const cases: ReadonlyArray<readonly [string, () => string, RegExp]> = [
    ["an unknown kind", () => replaced('kind = "platform"', 'kind = "bios"'), /artefacts\.vm\.kind/],
    ["an unknown key", () => replaced('config = "config"', 'konfig = "config"'), /konfig.*artefacts\.linux/],
    [
      "a key of another kind",
      () => replaced('files = ["gsp', 'uki = "x"\nfiles = ["gsp'),
      /uki.*artefacts\.gsp/,
    ],
    [
      "a file that is not there",
      () => replaced('"OVMF.fd"', '"lost.fd"'),
      /lost\.fd does not exist.*artefacts\.vm\.firmware/,
    ],
    [
      "a file that is not there, in a list",
      () => replaced('"gsp_ga10x.bin"', '"lost.bin"'),
      /artefacts\.gsp\.files\.0/,
    ],
    ["a file of another format", () => replaced('"OVMF.fd"', '"vmlinuz"'), /artefacts\.vm\.firmware/],
    [
      "patches without a series",
      () => replaced('directory = "patches"', 'directory = "modules"'),
      /series does not exist.*artefacts\.linux/,
    ],
    [
      "a field that nobody gives",
      () => replaced('channel = "stable"\n', ""),
      /neither here nor in \[release\].*artefacts\.vm\.channel/,
    ],
    ["a number that is a text", () => replaced("svn = 7", 'svn = "7"'), /artefacts\.linux\.svn/],
    ["a name that the log does not take", () => replaced('"acme/gold"', '"Acme Gold"'), /artefacts\.vm/],
    [
      "a reference to no table",
      () => replaced('kernel = "linux"', 'kernel = "bsd"'),
      /artefacts\.bsd.*artefacts\.driver\.kernel/,
    ],
    [
      "a reference to the wrong kind",
      () => replaced('kernel = "linux"', 'kernel = "gsp"'),
      /is a gsp-firmware.*artefacts\.driver\.kernel/,
    ],
    [
      "a reference of no form",
      () => replaced('kernel = "linux"', 'kernel = "acme/gold"'),
      /kind|kernel-patch-set\/name@version.*artefacts\.driver\.kernel/,
    ],
    [
      "a reference to nothing in the log",
      () => replaced('kernel = "linux"', 'kernel = "kernel-patch-set/a@1"'),
      /the log has no .*artefacts\.driver\.kernel/,
    ],
    [
      "two tables of one identity",
      () =>
        toml({
          more: ARTEFACTS.slice(
            ARTEFACTS.indexOf("[artefacts.gsp]"),
            ARTEFACTS.indexOf("[artefacts.linux]"),
          ).replace("artefacts.gsp", "artefacts.gsp2"),
        }),
      /is gsp-firmware\/acme\/gold@1\.0, as artefacts\.gsp is.*artefacts\.gsp2/,
    ],
    ["a reserved table name", () => replaced("[artefacts.vm]", "[artefacts.plan]"), /artefacts\.plan/],
    [
      "a table name that is a path",
      () => replaced("[artefacts.vm]", '[artefacts."../vm"]'),
      /artefacts\.\.\.\/vm/,
    ],
    [
      "no artefact",
      () => `${toml().slice(0, toml().indexOf("[artefacts.driver]"))}[artefacts]\n`,
      /names no artefact.*artefacts/,
    ],
    ["a log that is no URL", () => toml({ log: "log.example" }), /log\.url/],
    ["an unknown section", () => `${toml()}\n[extra]\na = 1\n`, /extra/],
    ["broken TOML", () => `${toml()}\nx = = 1\n`, /line \d+/],
    [
      "an environment variable that is not set",
      () => replaced('version = "1.0"', 'version = "env:NO_SUCH_TAG"'),
      /NO_SUCH_TAG is not set.*release\.version/,
    ],
    [
      "a policy without its requirements",
      () => toml({ policy: '[policy]\nname = "prod"\ndays = 3\nrequirements = "no.toml"' }),
      /policy\.requirements/,
    ],
    [
      "a policy over a file without an image",
      () => toml({ policy: policyParts("9").policy }),
      /the file has no os-image.*policy\.osImage/,
    ],
    [
      "requirements that lack a member",
      () => toml({ policy: policyParts("9").policy.replace("requirements.toml", "short.toml") }),
      /policy\.(osImage|requirements\.tdx\.debug)/,
    ],
    [
      "requirements that are not TOML",
      () => toml({ policy: policyParts("9").policy.replace("requirements.toml", "broken.toml") }),
      /policy\.requirements, line \d+/,
    ],
    [
      "an image that the log does not have",
      () =>
        toml({
          policy: `${policyParts("9").policy}osImage = "os-image/acme/lost@1"\ngpuRims = ["gpu-rim/a@1"]\n`,
        }),
      /the log has no os-image\/acme\/lost@1.*policy\.osImage/,
    ],
  ];
  it.each(cases)("%s", async (_, make, expected) => {
    world.folder.write("requirements.toml", REQUIREMENTS);
    world.folder.write("broken.toml", REQUIREMENTS.replace("[gpu]", "[[gpu"));
    world.folder.write("short.toml", REQUIREMENTS.replace("debug = false\n", ""));
    expect(await refusal(make())).toMatch(expected);
    expect(existsSync(world.at("bad.d/plan.json")), "there is no plan of a release that failed").toBe(false);
  });

  it.each([
    ["--dry-run", "--prepare"],
    ["--prepare", "--publish"],
  ])("%s together with %s", async (one, other) => {
    const values = (option: string) => (option === "--dry-run" ? [option] : [option, world.at("x")]);
    expect(await refusal(toml(), ...values(one), ...values(other))).toMatch(/give one of/);
  });
});

describe("keys", () => {
  it("come from the environment", async () => {
    const file = world.folder.write("env.toml", toml({ version: "env:TAG" }));
    const { said, error } = await world.run(["release", file], {
      environment: { ...environment(), TAG: "7.0" },
    });
    expect(error).toBeNull();
    expect(said).toContain("driver-build/acme/gold@7.0");
    expect(said).not.toContain(world.key("publisher").split("\n")[1]);
  });

  const secrets: ReadonlyArray<readonly [string, string, RegExp]> = [
    [
      "a key that was pasted into the file",
      `publisher = """${SECRET}"""`,
      /never the key itself.*keys\.publisher/,
    ],
    [
      "a key that was pasted in one line",
      `publisher = "-----BEGIN PRIVATE KEY-----${SECRET_LINE}"`,
      /keys\.publisher/,
    ],
    ["a key in a line that is not TOML", `publisher = ${SECRET_LINE}`, /line \d+/],
    [
      "a variable that is not set",
      'publisher = "env:MISSING_KEY"',
      /MISSING_KEY is not set.*keys\.publisher/,
    ],
    ["a variable that holds no key", 'publisher = "env:BROKEN_KEY"', /keys\.publisher/],
    ["a file that is not there", 'publisher = "lost.pem"', /keys\.publisher/],
    ["none", "", /keys\.publisher: not given/],
  ];
  it.each(secrets)("are refused without being shown: %s", async (_, keys, expected) => {
    const file = world.folder.write("keys.toml", toml({ keys }));
    const broken = { BROKEN_KEY: `-----BEGIN PRIVATE KEY-----\n${SECRET_LINE}` };
    const { said, error } = await world.run(["release", file], { environment: broken });
    expect(error).toMatch(expected);
    expect(`${said}${error}`).not.toContain(SECRET_LINE);
  });
});
