// Says which measurements a policy states: the drivers, VBIOSes and tables that it accepts of GPUs and switches.
import { type MeasuredBy, stated, statedVbios } from "../measured-by.ts";

export const byPolicy: MeasuredBy<"policy"> = {
  kind: "policy",
  measurementsIn: ({ profiles }) =>
    profiles.flatMap(({ gpu }) => [
      ...stated("driver", ...gpu.driverVersions),
      ...[gpu, ...(gpu.switches === null ? [] : [gpu.switches])].flatMap(({ vbiosVersions, rimTables }) => [
        ...statedVbios(...vbiosVersions),
        ...stated("rim-table", ...rimTables),
      ]),
    ]),
};
