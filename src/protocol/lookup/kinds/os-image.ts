// Says which measurements a guest image states: its registers for each way to boot it.
import { type MeasuredBy, stated } from "../measured-by.ts";

export const byOsImage: MeasuredBy<"os-image"> = {
  kind: "os-image",
  measurementsIn: ({ measurements }) =>
    measurements.flatMap(({ rtmr1, rtmr2 }) => [...stated("rtmr1", rtmr1), ...stated("rtmr2", rtmr2)]),
};
