import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { ToolError, ToolMissingError } from "../../../../src/node/run-tool.ts";
import {
  type NvidiaSmi,
  observeRunningDriver,
  parseSmiXml,
} from "../../../../src/publisher/describe/driver/running-driver.ts";
import { malformedOf } from "../../../support/refusals.ts";
import { scratchFolder } from "../scratch-folder.ts";
import { H100, smiXml } from "./smi-xml.ts";

const folder = scratchFolder();
const NVRM =
  "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  550.163.01  Release Build  (builder@host)  Tue Apr  8 12:00:00 UTC 2025\nGCC version:  gcc version 14.2.0 (Debian 14.2.0-19)\n";

function host(name: string): string {
  folder.write(`${name}/proc/driver/nvidia/version`, NVRM);
  folder.write(`${name}/sys/module/nvidia/srcversion`, "0123456789ABCDEF0123456\n");
  folder.write(`${name}/sys/module/nvidia_uvm/srcversion`, "FEDCBA9876543210FEDCBA9\n");
  folder.write(`${name}/sys/module/nvidia_drm/refcnt`, "0\n");
  folder.write(`${name}/sys/module/ext4/srcversion`, "X\n");
  folder.write(`${name}/lib/firmware/nvidia/550.163.01/gsp_ga10x.bin`, "firmware");
  return `${folder.path}/${name}`;
}

const smi =
  (xml: string, confCompute: string | Error = "CC status: ON\n"): NvidiaSmi =>
  async (args) => {
    if (args[0] === "-q") return new TextEncoder().encode(xml);
    if (typeof confCompute !== "string") throw confCompute;
    return new TextEncoder().encode(confCompute);
  };

describe("a running driver", () => {
  it("is observed: version, modules, GPUs, CC state and firmware; no serial number, no UUID", async () => {
    const observed = await observeRunningDriver(host("good"), smi(smiXml("550.163.01", [H100, H100])));
    expect(observed).toEqual({
      driverVersion: "550.163.01",
      modules: [
        { name: "nvidia", srcversion: "0123456789ABCDEF0123456" },
        { name: "nvidia_drm", srcversion: null },
        { name: "nvidia_uvm", srcversion: "FEDCBA9876543210FEDCBA9" },
      ],
      gpus: [H100, H100].map(({ product, vbios, gsp }) => ({
        product,
        vbiosVersion: vbios,
        gspFirmwareVersion: gsp,
        ccState: "ON",
      })),
      firmwareFiles: [
        { fileName: "gsp_ga10x.bin", sha256: createHash("sha256").update("firmware").digest("hex"), size: 8 },
      ],
    });
    expect(JSON.stringify(observed)).not.toMatch(/1650523018762|7d0b2f2c/);
  });

  it("has no CC state and no GSP version where the tools give none", async () => {
    const xml = smiXml("550.163.01", [{ ...H100, gsp: "N/A" }]);
    const observed = await observeRunningDriver(
      host("old"),
      smi(xml, new ToolError("nvidia-smi: unknown command")),
    );
    expect(observed.gpus[0]).toMatchObject({ gspFirmwareVersion: null, ccState: null });
  });

  it("is refused where no driver is loaded, nvidia-smi is missing, or the two disagree", async () => {
    const none = await malformedOf(() => observeRunningDriver(`${folder.path}/nowhere`, smi("")));
    expect(none?.message).toMatch(/no NVIDIA driver is loaded/);
    const missing: NvidiaSmi = async () => {
      throw new ToolMissingError("nvidia-smi");
    };
    await expect(observeRunningDriver(host("bare"), missing)).rejects.toThrow("nvidia-smi is not installed");
    const other = await malformedOf(() =>
      observeRunningDriver(host("mixed"), smi(smiXml("580.95.05", [H100]))),
    );
    expect(other?.message).toMatch(/\/proc says 550.163.01, nvidia-smi 580.95.05/);
  });

  it.each([
    [
      "entities of its own",
      smiXml("1.2", []).replace('.dtd">', '.dtd" [<!ENTITY a "b">]>'),
      /declares entities/,
    ],
    ["another root", "<log/>", /the root is log/],
    ["no version", "<nvidia_smi_log/>", /no driver_version/],
    ["a GPU without VBIOS version", smiXml("550.1", [H100]).replace(/<vbios.*\n/, ""), /no vbios_version/],
    [
      "two product names",
      smiXml("550.1", [H100]).replace("<serial>", "<product_name>x</product_name><serial>"),
      /two product_name/,
    ],
    [
      "33 GPUs",
      smiXml(
        "550.1",
        Array.from({ length: 33 }, () => H100),
      ),
      /33 GPUs/,
    ],
    ["its end missing", smiXml("550.1", [H100]).slice(0, 400), /./],
    ["no XML", "NVIDIA-SMI has failed", /./],
  ])("is refused with XML of %s", async (_why, xml, message) => {
    expect((await malformedOf(() => parseSmiXml(xml, null)))?.message).toMatch(message);
  });
});
