// Defines the kind os-image: a released guest image. What the TDX module and the firmware measure of it, and what must be true inside it.
import { releaseKind } from "../kind.ts";
import { driverBuild } from "./driver-build.ts";
import { kernelPatchSet } from "./kernel-patch-set.ts";
import type { OsImage } from "./os-image.shape.ts";

export type { OsImage } from "./os-image.shape.ts";

export type BootMeasurements = OsImage["measurements"][number];

export const osImage = releaseKind({
  kind: "os-image",
  profile: { member: "osImage" },
  references: { kernelPatchSet, driverBuild },
  attachments: ({ measurements }) => measurements.map(({ attachment }) => attachment),
});

/** Whether the events of a boot are in one place. */
export function listsEventsOnce({ events, attachment }: BootMeasurements): boolean {
  return events === null || attachment === null;
}

export function differInBoot(rows: readonly BootMeasurements[]): boolean {
  return new Set(rows.map(({ bootPath, layout }) => `${bootPath} ${layout}`)).size === rows.length;
}
