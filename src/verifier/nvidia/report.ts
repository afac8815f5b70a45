// Reads a GPU's attestation report: NVIDIA's SPDM report with the opaque data of a GPU.
import { decodeOpaqueData, type GpuStatement } from "./opaque-data.ts";
import { parseSpdmReport, type SpdmReport } from "./spdm-report.ts";

export interface GpuReport extends SpdmReport, GpuStatement {}

/**
 * Parses a report of at most 16 KiB. Says nothing about who signed it.
 * @throws MalformedError naming the field and its byte offset.
 */
export function parseGpuReport(bytes: Uint8Array): GpuReport {
  return parseSpdmReport(bytes, "GPU report", decodeOpaqueData);
}
