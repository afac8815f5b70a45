// The vendor's tools: run without a shell, and believed in nothing but what they print in a known form.
import { describe, expect, it } from "vitest";
import { collectDevices, parseCollector } from "../../../src/attester/machine/collector.ts";
import { parseGpuState, readGpuState } from "../../../src/attester/machine/gpu-state.ts";
import { STATE, STATE_OF_BOARD } from "../../support/made-up-guest.ts";

const NONCE = new Uint8Array(32).fill(0xab);
const print = "process.stdout.write(process.argv.slice(1).join())";

describe("a collector", () => {
  it("gets the nonce in hex, and its words as they stand: no shell reads them", async () => {
    const collector = [
      process.execPath,
      "-e",
      `throw new Error(process.argv.slice(1).join())`,
      "$HOME;`id`",
      "--nonce={nonce}",
    ];
    await expect(collectDevices([collector], NONCE)).rejects.toThrow(
      `$HOME;\`id\`,--nonce=${"ab".repeat(32)}`,
    );
  });

  it("that takes no nonce is none", () => {
    expect(() => parseCollector("nvattest collect-evidence")).toThrow("{nonce}");
    expect(() => parseCollector("{nonce}")).toThrow("{nonce}");
    expect(parseCollector("  nvattest   --nonce {nonce} ")).toEqual(["nvattest", "--nonce", "{nonce}"]);
  });

  it.each([
    ["is not installed", ["touchstone-no-such-tool", "{nonce}"], /not installed/],
    ["fails", [process.execPath, "-e", "process.exit(3)", "{nonce}"], /ended with 3/],
    ["prints something else", [process.execPath, "-e", print, "{nonce}"], /hex text/],
  ])("that %s gives no evidence", async (_, collector, words) => {
    await expect(collectDevices([collector], NONCE)).rejects.toThrow(words);
  });
});

describe("the mode of the GPUs", () => {
  it.each([
    ["confidential", STATE.q, STATE.d, { ccMode: "on", devtools: false, mode: "single" }],
    ["off", STATE.q.replace(": ON", ": OFF"), STATE.d, { ccMode: "off", devtools: false, mode: "single" }],
    [
      "open to debuggers",
      STATE.q,
      "DevTools Mode: ON",
      { ccMode: "devtools", devtools: true, mode: "single" },
    ],
    [
      "protected PCIe, of which the driver says OFF",
      STATE_OF_BOARD,
      STATE.d,
      { ccMode: "on", devtools: false, mode: "ppcie" },
    ],
  ])("%s", (_, state, devtools, expected) => {
    expect(parseGpuState(state, devtools)).toEqual(expected);
  });

  it.each([
    ["another mode", STATE.q.replace("None", "NVLE"), STATE.d, /"NVLE" is not known/],
    ["no state", "", STATE.d, /says nothing of "Multi-GPU Mode"/],
    ["two states", `${STATE.q}\n CC State : OFF`, STATE.d, /two things of "CC State"/],
    ["a word that is neither on nor off", STATE.q, "DevTools Mode: MAYBE", /"MAYBE", expected ON or OFF/],
  ])("is not guessed: %s", (_, state, devtools, words) => {
    expect(() => parseGpuState(state, devtools)).toThrow(words);
  });

  it("is not known without the driver's tool", async () => {
    await expect(readGpuState("touchstone-no-such-tool")).rejects.toThrow("not installed");
  });
});
