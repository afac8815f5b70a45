// Says which measurements a platform states: what the TDX module and the firmware measure of the virtual machine.
import { type MeasuredBy, stated } from "../measured-by.ts";

export const byPlatform: MeasuredBy<"platform"> = {
  kind: "platform",
  measurementsIn: ({ mrtd, rtmr0 }) => [...stated("mrtd", mrtd), ...stated("rtmr0", rtmr0)],
};
