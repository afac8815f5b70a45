// Asks the machine that an attester runs in for what it can show: quotes, event log, devices, and what the driver says of them.
import { readFile } from "node:fs/promises";
import type { CollectedDevice } from "../forms/device-evidence.ts";
import { type GuestEventLog, readEventLog } from "../forms/event-log.ts";
import { AttestingError } from "./attesting-error.ts";
import { type Collector, collectDevices } from "./collector.ts";
import { type GpuState, readGpuState } from "./gpu-state.ts";
import { type ReportFolder, requestQuote } from "./tsm-report.ts";

export interface Machine {
  /** A quote over 64 bytes. */
  quote(reportData: Uint8Array): Promise<Uint8Array>;
  /** The log of what was measured; null where the machine keeps none. */
  eventLog(): Promise<GuestEventLog | null>;
  /** Reports that answer a nonce of 32 bytes. */
  devices(nonce: Uint8Array): Promise<CollectedDevice[]>;
  gpuState(): Promise<GpuState>;
}

export interface GuestOptions {
  readonly reports: ReportFolder;
  /** Path of the event log; null where there is none. */
  readonly eventLog: string | null;
  readonly collectors: readonly Collector[];
  readonly nvidiaSmi: string;
}

/** What a machine without GPUs says of them. */
const NO_GPUS: GpuState = { ccMode: "off", devtools: false, mode: "single" };

/** This machine, a TDX guest with NVIDIA's tools. Each method throws AttestingError. */
export function thisMachine({ reports, eventLog, collectors, nvidiaSmi }: GuestOptions): Machine {
  return {
    quote: (reportData) => requestQuote(reports, reportData),
    eventLog: async () => (eventLog === null ? null : await readLog(eventLog)),
    devices: (nonce) => collectDevices(collectors, nonce),
    gpuState: async () => (collectors.length === 0 ? NO_GPUS : await readGpuState(nvidiaSmi)),
  };
}

async function readLog(path: string): Promise<GuestEventLog> {
  try {
    return readEventLog(new Uint8Array(await readFile(path)));
  } catch (error) {
    throw AttestingError.of(`no event log from ${path}`, error);
  }
}
