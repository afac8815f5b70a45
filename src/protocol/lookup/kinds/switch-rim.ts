// Says which measurements a switch's RIM states: the version of its VBIOS, its file and its table.
import { type MeasuredBy, stated, statedVbios } from "../measured-by.ts";

export const bySwitchRim: MeasuredBy<"switch-rim"> = {
  kind: "switch-rim",
  measurementsIn: ({ rim, tableDigest }) => [
    ...statedVbios(rim.componentVersion),
    ...stated("rim", rim.sha256),
    ...stated("rim-table", tableDigest),
  ],
};
