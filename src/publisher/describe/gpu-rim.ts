// Describes the golden measurements of one NVIDIA RIM file for a GPU: of its driver or of its VBIOS.
import { formatStatement } from "../../protocol/envelope/statement.ts";
import type { Described } from "./described.ts";
import { describeRim, type RimInput } from "./rim-file.ts";

/** @throws as describeRim does. */
export async function describeGpuRim(input: RimInput): Promise<Described> {
  const { predicate, covers, subjects } = await describeRim(input, "gpu");
  const rim = { ...predicate.rim, covers };
  return { payload: formatStatement("gpu-rim", { ...predicate, rim }, subjects), attachments: [] };
}
