// Says which measurements a GPU's RIM states: the version of what it covers, its file and its table.
import { type MeasuredBy, stated, statedVbios } from "../measured-by.ts";

export const byGpuRim: MeasuredBy<"gpu-rim"> = {
  kind: "gpu-rim",
  measurementsIn: ({ rim: { covers, componentVersion, sha256 }, tableDigest }) => [
    ...(covers === "vbios" ? statedVbios(componentVersion) : stated(covers, componentVersion)),
    ...stated("rim", sha256),
    ...stated("rim-table", tableDigest),
  ],
};
