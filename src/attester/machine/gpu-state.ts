// Asks the driver in which confidential-computing mode it runs the GPUs. No report says so: it is the measured guest's own statement, and
// goes into the claims that REPORTDATA covers (docs/appraisal.md, `gpu.cc-mode`).

import { runTool } from "../../node/run-tool.ts";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import type { GpuClaims } from "../../verifier/evidence.ts";
import { AttestingError } from "./attesting-error.ts";

export type GpuState = Pick<GpuClaims, "ccMode" | "devtools" | "mode">;

const MAX_OUTPUT = 64 * 1024;
const MODES: Readonly<Record<string, GpuState["mode"]>> = { None: "single", "Protected PCIe": "ppcie" };

/** @param nvidiaSmi the program, such as nvidia-smi. @throws AttestingError */
export async function readGpuState(nvidiaSmi: string): Promise<GpuState> {
  try {
    const [state, devtools] = await Promise.all(
      ["-q", "-d"].map(async (flag) =>
        decodeUtf8(await runTool(nvidiaSmi, ["conf-compute", flag], { maxOutput: MAX_OUTPUT })),
      ),
    );
    return parseGpuState(state ?? "", devtools ?? "");
  } catch (error) {
    throw AttestingError.of("the driver does not say in which mode the GPUs are", error);
  }
}

/**
 * Reads the answers of `nvidia-smi conf-compute -q` and `-d`. In protected PCIe the driver calls the state of confidential computing off, since
 * it names there what single GPUs do; GPUs and switches are protected as a whole.
 * @throws AttestingError where a line is missing or says something unknown.
 */
export function parseGpuState(state: string, devtools: string): GpuState {
  const multi = lineOf(state, "Multi-GPU Mode");
  const mode = MODES[multi];
  if (mode === undefined) throw new AttestingError(`multi-GPU mode ${JSON.stringify(multi)} is not known`);
  const isOn = onOff(state, "CC State") || mode === "ppcie";
  const isDevtools = onOff(devtools, "DevTools Mode");
  return { ccMode: isDevtools ? "devtools" : isOn ? "on" : "off", devtools: isDevtools, mode };
}

function onOff(text: string, name: string): boolean {
  const value = lineOf(text, name).toUpperCase();
  if (value !== "ON" && value !== "OFF")
    throw new AttestingError(`"${name}" is ${JSON.stringify(value)}, expected ON or OFF`);
  return value === "ON";
}

function lineOf(text: string, name: string): string {
  const lines = text.split("\n").map((line) => line.split(":"));
  const found = lines.filter(([label = ""]) => label.trim() === name).map(([, value = ""]) => value.trim());
  const [value, ...others] = new Set(found);
  if (value === undefined || others.length > 0)
    throw new AttestingError(
      `nvidia-smi conf-compute says ${found.length === 0 ? "nothing" : "two things"} of "${name}"`,
    );
  return value;
}
