// `touchstone describe os-image` and `describe platform` as commands: options, output, help, and that failure writes nothing.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CliContext } from "../../../src/cli/context.ts";
import { createProgram } from "../../../src/cli/program.ts";
import { parseStatement } from "../../../src/protocol/envelope/statement.ts";
import { makeCcel, measured } from "../../../src/testing/event-log.ts";
import { EV_SEPARATOR } from "../../../src/verifier/tdx/event-type.ts";
import { makeTdvf, SECTIONS } from "../../publisher/describe/formats/make-tdvf.ts";

const RELEASE = [
  "--name",
  "acme/vm",
  "--version",
  "1.0",
  "--channel",
  "stable",
  "--svn",
  "1",
  "--builder",
  "ci",
  "--source",
  "git",
];
const SHAPE = ["--machine-type", "q35", "--vcpus", "2", "--memory", "1073741824", "--gpus", "0"];
const TD = ["--td-attributes", "0000001000000000", "--xfam", "e702060000000000"];

let folder: string;
const at = (name: string) => join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-describe-"));
  writeFileSync(at("OVMF.fd"), makeTdvf(SECTIONS));
  writeFileSync(at("ccel.bin"), makeCcel([measured(0, EV_SEPARATOR, new Uint8Array(4))]));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function run(...args: string[]): Promise<string> {
  const printed: string[] = [];
  const context: CliContext = {
    environment: {},
    now: () => new Date(0),
    fetch: () => Promise.reject(new Error("no network")),
    print: (text) => printed.push(text),
    warn: (text) => printed.push(text),
    interactive: false,
    confirm: async () => true,
  };
  try {
    await createProgram(context).parseAsync(["describe", ...args], { from: "user" });
  } catch (error) {
    printed.push(error instanceof Error ? error.message : String(error));
  }
  return printed.join("\n");
}

const VM = ["--layout", "edk2-202411", "--vmm", "qemu"];

describe("touchstone describe platform", () => {
  const good = ["platform", ...RELEASE, ...SHAPE, ...TD, ...VM, "--page-add-order", "two-pass"];

  it("writes the statement and says under which digest", async () => {
    const said = await run(
      ...good,
      "--firmware",
      at("OVMF.fd"),
      "--event-log",
      at("ccel.bin"),
      "-o",
      at("platform.json"),
      "--json",
    );
    const statement = parseStatement(readFileSync(at("platform.json")));
    expect(statement).toMatchObject({
      kind: "platform",
      name: "acme/vm",
      version: "1.0",
      predicate: { pageAddOrder: "two-pass" },
    });
    expect(JSON.parse(said)).toMatchObject({ output: at("platform.json"), subjects: [{ name: "OVMF.fd" }] });
  });

  it("writes nothing when a file is broken, an option missing or a number none", async () => {
    writeFileSync(at("cut.fd"), makeTdvf(SECTIONS).subarray(0, 100));
    const files = readdirSync(folder);
    const output = ["-o", at("failed.json"), "--event-log", at("ccel.bin")];
    expect(await run(...good, ...output, "--firmware", at("cut.fd"))).toMatch(/TDX firmware .*cut\.fd: /);
    expect(await run(...good, ...output, "--firmware", at("missing.fd"))).toMatch(/ENOENT.*missing\.fd/);
    const options = [...good, ...output, "--firmware", at("OVMF.fd")];
    expect(await run(...options, "--acpi", at("missing"))).toMatch(/ENOENT.*etc_table-loader/);
    expect(await run(...options, "--boot-option", "1=x")).toMatch(/four hex digits/);
    expect(await run(...options, "--disk-device", "20.0")).toMatch(/device\.function in hex/);
    expect(await run(...good, ...output, "--vcpus", "-1")).toMatch(/whole number/);
    expect(await run("platform", ...RELEASE, ...VM, ...output)).toMatch(/^missing: --machine-type/);
    expect(readdirSync(folder)).toEqual(files);
  });
});

describe("touchstone describe os-image", () => {
  const good = [
    "os-image",
    ...RELEASE,
    "--uki",
    "u",
    "--kernel-patch-set",
    "k",
    "--driver-build",
    "d",
    "--boot",
    "uki-kernel:edk2-202411",
  ];

  it("refuses a boot that is none", async () => {
    const boot = ["--boot", "uki-kernel", "-o", at("failed.json"), "--rootfs", at("OVMF.fd")];
    expect(await run(...good, ...boot)).toMatch(
      /--boot takes a path and a layout, as uki-kernel:edk2-202411/,
    );
  });

  it("refuses an image that is none and a list of removed parts that is none", async () => {
    const files = readdirSync(folder);
    const output = ["-o", at("failed.json"), "--rootfs", at("OVMF.fd")];
    expect(await run(...good, ...output)).toMatch(
      /EROFS image .*OVMF\.fd: no EROFS magic number \(at byte 1024\)/,
    );
    writeFileSync(at("removed.json"), '{"packages":["sshd"],"daemons":[],"kernelModules":[7]}');
    expect(await run(...good, ...output, "--removed", at("removed.json"))).toMatch(
      /removed\.json: .*\(at \/kernelModules\/0\)/,
    );
    expect(readdirSync(folder)).toEqual([...files, "removed.json"].sort());
  });

  it.each(["os-image", "platform"])("shows an example in the help of %s", async (kind) => {
    expect(await run(kind, "--help")).toContain(`Example:\n  touchstone describe ${kind} --name acme/`);
  });
});
