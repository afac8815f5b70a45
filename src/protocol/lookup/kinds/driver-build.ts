// Says which measurement a driver build states: the version that a GPU's report names.
import { type MeasuredBy, stated } from "../measured-by.ts";

export const byDriverBuild: MeasuredBy<"driver-build"> = {
  kind: "driver-build",
  measurementsIn: ({ upstream }) => stated("driver", upstream.version),
};
