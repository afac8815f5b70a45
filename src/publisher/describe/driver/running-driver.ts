// Reads what a running host says of its NVIDIA driver: /proc/driver/nvidia/version, /sys/module/nvidia*, nvidia-smi and the firmware
// folder. All of it is the host's own word: observed, and proof of nothing. Serial numbers and UUIDs are left out.
import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { DOMParser, type Element } from "@xmldom/xmldom";
import { runTool, ToolError } from "../../../node/run-tool.ts";
import { decodeUtf8 } from "../../../protocol/encoding/text.ts";
import type { DriverBuild } from "../../../protocol/entry/kinds/driver-build.ts";
import { MalformedError } from "../../../protocol/errors.ts";
import { findFiles } from "../files/find-files.ts";
import { digestFile } from "../files/random-access.ts";

const FORMAT = "running driver";
const MAX_XML = 16 * 1024 * 1024;
const MAX_GPUS = 32;
const NVRM = /^NVRM version:.*?\s(\d{3,4}\.\d{1,3}(?:\.\d{1,3})?)\s/m;
const CC_STATUS = /^CC status:\s*(\S[^\n]{0,60})$/m;
const MODULE = /^nvidia[a-z_]{0,40}$/;

export type Observation = NonNullable<DriverBuild["observed"]>;
type Gpu = Observation["gpus"][number];

/** Runs nvidia-smi with these arguments and gives its output. */
export type NvidiaSmi = (args: readonly string[]) => Promise<Uint8Array>;
const installedSmi: NvidiaSmi = (args) => runTool("nvidia-smi", args, { maxOutput: MAX_XML });

/**
 * Observes the driver that is loaded on the host whose file system is at `root`.
 * @throws MalformedError when no NVIDIA driver is loaded, or the sources name different versions; ToolMissingError without nvidia-smi.
 */
export async function observeRunningDriver(root = "/", smi: NvidiaSmi = installedSmi): Promise<Observation> {
  const driverVersion = await readDriverVersion(root);
  const report = parseSmiXml(decodeUtf8(await smi(["-q", "-x"])), await readCcState(smi));
  if (report.driverVersion !== driverVersion)
    throw new MalformedError(FORMAT, `/proc says ${driverVersion}, nvidia-smi ${report.driverVersion}`);
  return {
    driverVersion,
    modules: await readModules(root),
    gpus: report.gpus,
    firmwareFiles: await readFirmware(join(root, "lib/firmware/nvidia", driverVersion)),
  };
}

async function readDriverVersion(root: string): Promise<string> {
  const text = await readFile(join(root, "proc/driver/nvidia/version"), "utf8").catch(() => undefined);
  if (text === undefined)
    throw new MalformedError(FORMAT, "no NVIDIA driver is loaded: /proc/driver/nvidia/version is missing");
  const version = NVRM.exec(text)?.[1];
  if (version === undefined) throw new MalformedError(FORMAT, "/proc/driver/nvidia/version names no version");
  return version;
}

async function readModules(root: string): Promise<Observation["modules"]> {
  const folder = join(root, "sys/module");
  const names = (await readdir(folder)).filter((name) => MODULE.test(name)).sort();
  return await Promise.all(
    names.map(async (name) => ({
      name,
      srcversion: await readFile(join(folder, name, "srcversion"), "utf8").then(
        (text) => text.trim(),
        () => null,
      ),
    })),
  );
}

async function readFirmware(folder: string): Promise<Observation["firmwareFiles"]> {
  const files = await findFiles(folder, /\.bin$/).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return await Promise.all(
    files.map(async ({ path }) => ({ fileName: basename(path), ...(await digestFile(path, ["sha256"])) })),
  );
}

/** "ON" or "OFF" as `nvidia-smi conf-compute -f` says; null where the tool knows no such command or the GPU no such mode. */
async function readCcState(smi: NvidiaSmi): Promise<string | null> {
  try {
    const text = decodeUtf8(await smi(["conf-compute", "-f"]));
    return CC_STATUS.exec(text)?.[1]?.trim() ?? null;
  } catch (error) {
    if (error instanceof ToolError) return null;
    throw error;
  }
}

/**
 * Reads the XML of `nvidia-smi -q -x` (nvsmi_device_v12.dtd).
 * @throws MalformedError when it is not well formed, declares entities, or lacks a field.
 */
export function parseSmiXml(xml: string, ccState: string | null): { driverVersion: string; gpus: Gpu[] } {
  const fail = (detail: string) => new MalformedError("nvidia-smi XML", detail);
  if (xml.length > MAX_XML) throw fail(`longer than ${MAX_XML} characters`);
  if (xml.includes("<!ENTITY")) throw fail("declares entities");
  const root = parseXml(xml, fail);
  if (root.tagName !== "nvidia_smi_log") throw fail(`the root is ${root.tagName}`);
  const gpus = childrenOf(root, "gpu");
  if (gpus.length > MAX_GPUS) throw fail(`${gpus.length} GPUs`);
  return {
    driverVersion: requiredText(root, "driver_version"),
    gpus: gpus.map((gpu) => readGpu(gpu, ccState)),
  };
}

function parseXml(xml: string, fail: (detail: string) => MalformedError): Element {
  const onError = (_level: string, message: string) => {
    throw fail(message.slice(0, 200));
  };
  try {
    const root = new DOMParser({ onError }).parseFromString(xml, "text/xml").documentElement;
    if (root === null) throw fail("no root element");
    return root;
  } catch (error) {
    throw error instanceof MalformedError ? error : fail((error as Error).message.slice(0, 200));
  }
}

function readGpu(gpu: Element, ccState: string | null): Gpu {
  const gsp = textOf(gpu, "gsp_firmware_version");
  return {
    product: requiredText(gpu, "product_name"),
    vbiosVersion: requiredText(gpu, "vbios_version"),
    gspFirmwareVersion: gsp === undefined || gsp === "N/A" ? null : gsp,
    ccState,
  };
}

function childrenOf(parent: Element, name: string): Element[] {
  return [...parent.childNodes].filter((node): node is Element => node.nodeName === name);
}

function textOf(parent: Element, name: string): string | undefined {
  const [element, second] = childrenOf(parent, name);
  if (second !== undefined) throw new MalformedError("nvidia-smi XML", `two ${name} in one element`);
  return element?.textContent?.trim();
}

function requiredText(parent: Element, name: string): string {
  const value = textOf(parent, name);
  if (value === undefined || value === "") throw new MalformedError("nvidia-smi XML", `no ${name}`);
  return value;
}
