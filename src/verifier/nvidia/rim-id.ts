// Makes the ids under which NVIDIA serves the RIMs of a GPU, made from its signed opaque data. An id does not name the values: they change
// under it.
import type { GpuReport } from "./report.ts";

export interface RimIds {
  readonly driver: string;
  /** Null where the report does not state project, project SKU and chip SKU. */
  readonly vbios: string | null;
}

/** @param chip as the certificate chain names it, such as "GH100". */
export function rimIdsOf(report: GpuReport, chip: string): RimIds {
  const { project, projectSku, chipSku, vbiosVersion } = report;
  const parts = [project, projectSku, chipSku, vbiosVersion.replaceAll(".", "")];
  return {
    driver: driverRimId(report.chipInfo ?? chip, report.driverVersion),
    vbios: parts.includes(null) ? null : `NV_GPU_VBIOS_${parts.join("_")}`.toUpperCase(),
  };
}

/** Hopper and the architectures after it have different prefixes. */
export function driverRimId(chip: string, version: string): string {
  return chip.startsWith("GH") ? `NV_GPU_DRIVER_${chip}_${version}` : `NV_GPU_CC_DRIVER_${chip}_${version}`;
}
