// Runs the vendor's collectors for GPUs and switches, without a shell: words between spaces, in which {nonce} stands for the 64 hex digits of
// the nonce that the reports must answer.

import { runTool } from "../../node/run-tool.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { type CollectedDevice, readDeviceEvidence } from "../forms/device-evidence.ts";
import { AttestingError } from "./attesting-error.ts";

const NONCE = "{nonce}";
const MAX_OUTPUT = 2 * 1024 * 1024;

/** A command whose output is evidence of GPUs or switches, such as `nvattest collect-evidence --device gpu --nonce {nonce}`. */
export type Collector = readonly string[];

/** @throws RangeError for a command that does not take the nonce. */
export function parseCollector(command: string): Collector {
  const words = command.split(" ").filter((word) => word !== "");
  if (!words.slice(1).some((word) => word.includes(NONCE)))
    throw new RangeError(`expected a command with ${NONCE} where the nonce belongs`);
  return words;
}

/** The devices of all collectors, in their order. @throws AttestingError */
export async function collectDevices(
  collectors: readonly Collector[],
  nonce: Uint8Array,
): Promise<CollectedDevice[]> {
  const collected = await Promise.all(collectors.map((collector) => collect(collector, encodeHex(nonce))));
  return collected.flat();
}

async function collect([tool = "", ...words]: Collector, nonce: string): Promise<CollectedDevice[]> {
  try {
    const args = words.map((word) => word.replaceAll(NONCE, nonce));
    return readDeviceEvidence(await runTool(tool, args, { maxOutput: MAX_OUTPUT }));
  } catch (error) {
    throw AttestingError.of(`no evidence from ${tool}`, error);
  }
}
