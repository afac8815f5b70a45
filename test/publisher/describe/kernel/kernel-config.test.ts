import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { kernelPatchSet } from "../../../../src/protocol/entry/kinds/kernel-patch-set.schema.ts";
import { HARDENING_OPTIONS } from "../../../../src/publisher/describe/kernel/hardening-options.ts";
import {
  readKernelConfig,
  stateOptions,
  toolchainOf,
} from "../../../../src/publisher/describe/kernel/kernel-config.ts";
import { malformedOf } from "../../../support/refusals.ts";
import { scratchFolder } from "../scratch-folder.ts";

const folder = scratchFolder();
const CONFIG = `#
# Automatically generated file; DO NOT EDIT.
# Linux/x86 6.12.107 Kernel Configuration
#
CONFIG_CC_VERSION_TEXT="gcc-14 (Debian 14.2.0-19) 14.2.0"
CONFIG_LD_VERSION=24400
CONFIG_PAHOLE_VERSION=0
CONFIG_INTEL_TDX_GUEST=y
CONFIG_EROFS_FS=m
# CONFIG_KEXEC is not set
CONFIG_DEVMEM=y
CONFIG_PHYSICAL_START=0x1000000
CONFIG_PANIC_TIMEOUT=-1
`;

describe("a resolved kernel configuration", () => {
  it("gives its digest, its version and the state of options: set, not set, and absent", async () => {
    const config = await readKernelConfig(folder.write("config", CONFIG));
    expect(config.sha256).toBe(createHash("sha256").update(CONFIG).digest("hex"));
    expect(config.kernelVersion).toBe("6.12.107");
    expect(
      stateOptions(config, [
        { option: "CONFIG_INTEL_TDX_GUEST", required: "set" },
        { option: "CONFIG_EROFS_FS", required: "set" },
        { option: "CONFIG_KEXEC", required: "not-set" },
        { option: "CONFIG_DEVMEM", required: "not-set" },
        { option: "CONFIG_DM_VERITY", required: "set" },
        { option: "CONFIG_PANIC_TIMEOUT", required: "set" },
      ]).map(({ actual }) => actual),
    ).toEqual(["y", "m", null, "y", null, "-1"]);
  });

  it("names the tools that it was resolved for, and not those it lacks", async () => {
    expect(toolchainOf(await readKernelConfig(folder.write("config", CONFIG)))).toEqual([
      { name: "cc", version: "gcc-14 (Debian 14.2.0-19) 14.2.0" },
      { name: "ld", version: "24400" },
    ]);
  });

  it.each([
    [
      "an option twice, of which two readers would believe different ones",
      "CONFIG_DEVMEM=y\n# CONFIG_DEVMEM is not set\n",
      2,
    ],
    ["a line that is neither option nor comment", "# x\nDEVMEM=y\n", 2],
    ["a value that Kconfig cannot write", "CONFIG_DEVMEM=yes\n", 1],
    ["a string without end", 'CONFIG_X="\n', 1],
    ["trailing white space that hides a value", "CONFIG_DEVMEM=n \n", 1],
  ])("is refused with %s", async (_why, text, line) => {
    const error = await malformedOf(() => readKernelConfig(folder.write("bad", text)));
    expect(error?.at).toBe(`line ${line}`);
    expect(error?.message).toContain(folder.path);
  });

  it("is held against a list without doubles, that fits an entry", () => {
    expect(new Set(HARDENING_OPTIONS.map(({ option }) => option)).size).toBe(HARDENING_OPTIONS.length);
    const options = kernelPatchSet.shape.config.unwrap().shape.options;
    expect(
      options.safeParse(stateOptions({ sha256: "", kernelVersion: null, values: new Map() })).success,
    ).toBe(true);
  });
});
