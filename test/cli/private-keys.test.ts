// A private key that is put where a path, a name or a URL belongs shows nowhere: not in what is printed, not in a request, not on the disk.
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Argument, Command, Option } from "commander";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { EXIT } from "../../src/cli/context.ts";
import { createProgram, defineCommands } from "../../src/cli/program.ts";
import { holdsPrivateKey, withoutPrivateKeys } from "../../src/protocol/encoding/private-key-text.ts";
import { ED25519, formatPrivateKey, createPrivateKey as noteKey } from "../../src/protocol/note/key.ts";
import { formatConfig } from "../../src/service/config.ts";
import { runCli } from "../support/run-cli.ts";

const { privateKey } = generateKeyPairSync("ed25519");
const PEM = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const DER = privateKey.export({ type: "pkcs8", format: "der" });
const SEED = DER.subarray(-32);
const P256 = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const P256_DER = P256.export({ type: "pkcs8", format: "der" });
const NOTE_KEY = formatPrivateKey(await noteKey("log.example", ED25519, SEED));

/** The ways in which people paste a key. */
const FORMS: ReadonlyArray<readonly [string, string]> = [
  ["PEM", PEM],
  ["PEM with \\n", PEM.replaceAll("\n", "\\n")],
  ["PEM in one line", PEM.replaceAll("\n", " ")],
  ["base64 of PEM", Buffer.from(PEM).toString("base64")],
  ["base64", DER.toString("base64")],
  ["hex", DER.toString("hex")],
  ["the key of a log", NOTE_KEY],
  ["P-256", P256.export({ type: "pkcs8", format: "pem" }).toString()],
  ["P-256, SEC 1", P256.export({ type: "sec1", format: "pem" }).toString()],
  ["P-256, base64", P256_DER.toString("base64")],
  ["P-256, hex", P256_DER.toString("hex")],
];

/** Pieces of the secret numbers in every spelling that is looked for. */
const scalar = P256_DER.subarray(36, 68);
const PIECES = [
  ...[SEED, scalar].flatMap((secret) => [
    secret.toString("hex").slice(8, 40),
    ...[0, 1, 2].map((shift) => secret.subarray(shift).toString("base64").slice(4, 28)),
  ]),
  Buffer.from(PEM).toString("base64").slice(60, 90),
  NOTE_KEY.slice(-30),
];

let folder: string;
let keyFile: string;
const asked: string[] = [];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-secret-"));
  keyFile = join(folder, "key.pem");
  writeFileSync(keyFile, PEM, { mode: 0o600 });
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => void asked.splice(0));

const network = (async (input: unknown, init?: RequestInit) => {
  asked.push(`${String(input)} ${String(init?.body ?? "")}`);
  return new Response(`no ${String(input)}`, { status: 404 });
}) as typeof fetch;

function expectNoSecret(where: string, text: string): void {
  for (const piece of PIECES)
    for (const spelling of [piece, piece.toUpperCase()])
      expect(text.includes(spelling), `${where}: ${text.slice(0, 300)}`).toBe(false);
}

/** Names and contents of all files but the key's own. */
function filesIn(path: string): string {
  return readdirSync(path, { withFileTypes: true, recursive: true })
    .map((entry) => {
      const file = join(entry.parentPath, entry.name);
      return file === keyFile || !entry.isFile() ? entry.name : `${file}\n${readFileSync(file, "latin1")}`;
    })
    .join("\n");
}

async function showsNothing(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<void> {
  const { output, warnings, exitCode } = await runCli(args, { environment, fetch: network });
  expect(exitCode).not.toBe(EXIT.good);
  expect(`${output}${warnings}`, "it says something").not.toBe("");
  expectNoSecret(args[0] ?? "", [output, warnings, ...asked, filesIn(folder)].join("\n"));
}

const leavesOf = (command: Command, path: string[] = []): Array<[string[], Command]> =>
  command.commands.length === 0
    ? [[path, command]]
    : command.commands.flatMap((each) => leavesOf(each, [...path, each.name()]));
const silent = {
  environment: {},
  now: () => new Date(),
  fetch: network,
  print: () => undefined,
  warn: () => undefined,
  interactive: false,
  confirm: async () => true,
};
const LEAVES = leavesOf(await defineCommands(createProgram(silent), silent)).filter(
  ([path]) => path[0] !== "help",
);

/** Something that the option or argument accepts, so that the command goes on to its own work. */
function plausible({ flags }: Pick<Option, "flags">): string {
  const what = /[<[]([^>\]]+)[>\]]/.exec(flags)?.[1] ?? "";
  if (/time/.test(what)) return "2026-11-23T14:00:00Z";
  if (/number|bytes|size/.test(what)) return "1";
  if (/url|mirror/.test(what)) return "http://log.example";
  if (/file|dir|envelope|proof/.test(what)) return join(folder, "none");
  return "x";
}
const withValue = (option: Option) => [option.long ?? "", plausible(option)];
const nameOf = (argument: Argument) => ({ flags: `<${argument.name()}>` });

function commandLine(
  path: readonly string[],
  command: Command,
  put: Option | Argument,
  value: string,
): string[] {
  const required = command.options.filter(({ description }) => description.endsWith("(required)"));
  const options = required.filter((option) => option !== put).flatMap(withValue);
  const args = command.registeredArguments.map((argument) =>
    argument === put ? value : plausible(nameOf(argument)),
  );
  return [...path, ...args, ...options, ...("long" in put ? [put.long ?? "", value] : [])];
}

describe.each(LEAVES.map(([path, command]) => [path.join(" "), path, command] as const))(
  "touchstone %s",
  (_, path, command) => {
    const places = [
      ...command.options.filter(({ required, optional }) => required || optional),
      ...command.registeredArguments,
    ];
    it("shows no key that stands in place of any option's or argument's value", async () => {
      for (const place of places)
        for (const [, form] of FORMS) await showsNothing(commandLine(path, command, place, form));
    });

    it("shows nothing of a key file that is given in place of any file", async () => {
      for (const place of places) {
        const flags = "flags" in place ? place.flags : nameOf(place).flags;
        if (!/file|config|envelope|proof|dir|url|key/.test(flags) || /output|-key <file>/.test(flags))
          continue;
        if (["key show", "audit"].includes(path.join(" ")) || flags.includes("<url>")) continue;
        await showsNothing(commandLine(path, command, place, keyFile));
      }
    });
  },
);

describe("the environment", () => {
  it.each(FORMS)("shows no key that stands in a variable of its own: %s", async (_, form) => {
    const config = join(folder, "touchstone.toml");
    writeFileSync(config, CONFIG);
    for (const name of ["URL", "LOG_LEVEL", "HOST", "PORT", "DATABASE", "HIGH_WATER"])
      await showsNothing(["serve", "--config", config], { [`TOUCHSTONE_${name}`]: form });
  });

  it.each([
    ...FORMS.filter(([name]) => !["PEM", "P-256"].includes(name)),
    ["a seed in hex", SEED.toString("hex")] as const,
    ["a seed in base64", SEED.toString("base64")] as const,
    ["PEM that was cut", PEM.slice(0, -30)] as const,
    ["two keys", `${PEM}${PEM}`] as const,
  ])("shows nothing of a key that it cannot use: %s", async (_, form) => {
    const statement = join(folder, "none.json");
    await showsNothing(["sign", statement, "--key", "env:KEY"], { KEY: form });
    await showsNothing(["sign", statement, "--key", form]);
    await showsNothing(["sign", statement, `--key=${form}`, "--json"]);
  });
});

const CONFIG = formatConfig({
  origin: "log.example",
  url: "https://log.example",
  listen: { host: "127.0.0.1", port: 0 },
  storage: { database: "log.db", highWater: "high-water" },
  keys: { log: "keys/log.key", cosigner: "keys/cosigner.key", status: "keys/status.pem" },
  witnesses: [{ name: "w", url: "https://w.example" }],
});

describe("a configuration", () => {
  const values = [...CONFIG.matchAll(/"[^"]+"/g)];
  it.each(FORMS)("shows no key that stands in place of any of its values: %s", async (_, form) => {
    mkdirSync(join(folder, "config"), { recursive: true });
    const config = join(folder, "config", "touchstone.toml");
    for (const [i] of values.entries()) {
      for (const literal of [JSON.stringify(form), `'''${form}'''`, form]) {
        let at = -1;
        const text = CONFIG.replace(/"[^"]+"/g, (value) => (++at === i ? literal : value));
        writeFileSync(config, text);
        const { output, warnings, exitCode } = await runCli(["serve", "--config", config]);
        rmSync(config);
        expect(exitCode).toBe(EXIT.usage);
        expectNoSecret("serve", output + warnings);
      }
    }
  });

  it("of a release the same", async () => {
    const file = join(folder, "release.toml");
    for (const [, form] of FORMS) {
      const at = JSON.stringify(form);
      for (const text of [
        `[log]\nurl = ${at}`,
        `[keys]\npublisher = [${at}]`,
        `[keys]\npublisher = ${form}`,
      ]) {
        writeFileSync(file, text);
        const { output, warnings, exitCode } = await runCli(["release", file]);
        rmSync(file);
        expect(exitCode).toBe(EXIT.usage);
        expectNoSecret("release", output + warnings);
      }
    }
  });
});

describe("a private key in text", () => {
  it.each(FORMS)("is seen and taken out: %s", (_, form) => {
    expect(holdsPrivateKey(`open '/tmp/${form}'`)).toBe(true);
    const cleaned = withoutPrivateKeys(`ENOENT: open '${form}' failed`);
    expect(cleaned).toMatch(/^ENOENT: open '\[a private key\]/);
    expectNoSecret("cleaned", cleaned);
  });

  it("is not seen in what is public", () => {
    const spki = createPrivateKey(PEM);
    for (const text of [
      "",
      "keys/root.pem",
      "-----BEGIN PUBLIC KEY-----",
      "-----BEGIN CERTIFICATE-----\nMIIC",
      "log.example+1a2b3c4d+AQ==",
      "PRIVATE+KEY+…",
      spki.asymmetricKeyType ?? "",
      SEED.toString("hex"),
    ])
      expect(holdsPrivateKey(text), text).toBe(false);
  });
});
