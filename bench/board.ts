// What a board of eight GPUs and four switches costs a verifier, beside one GPU: the appraisal of evidence with a bundle that is verified.
import {
  encodeEvidence,
  type MachineOptions,
  makeMachine,
  makeVendors,
  type Vendors,
  WHOLE_BOARD,
} from "../src/testing/index.ts";
import { appraiseEvidence } from "../src/verifier/appraisal/appraise.ts";
import { failedIds, makeWorld, optionsFor } from "../test/support/appraisal-world.ts";
import { NOW } from "../test/support/clock.ts";
import { interleave, type Measurement, ratios, spreadOf } from "./harness.ts";
import type { World } from "./world.ts";

/** How many times as long as one GPU's a board's appraisal may take. */
const MOST = 2.5;

export async function measureBoard({ rounds }: World): Promise<Measurement[]> {
  const vendors = await makeVendors(NOW);
  const samples = await interleave(rounds, {
    one: await appraisalOf({}, vendors),
    board: await appraisalOf(WHOLE_BOARD, vendors),
  });
  const ratio = ratios(samples.board, samples.one);
  return [
    {
      row: "board",
      what: "appraisal of 8 GPUs and 4 switches, in Node",
      unit: "ms",
      floor: spreadOf(samples.one),
      figure: spreadOf(samples.board),
      ratio,
      target: `≤ ${MOST} × the floor`,
      reached: ratio.median <= MOST,
      note: `floor: the same with one GPU; ${ratio.median.toFixed(2)} × the floor`,
    },
  ];
}

/** Appraises one machine's evidence; milliseconds. */
async function appraisalOf(
  options: Partial<MachineOptions>,
  vendors: Vendors,
): Promise<() => Promise<number>> {
  const machine = await makeMachine({ at: NOW, vendors, ...options });
  const { verified } = await makeWorld(machine);
  const evidence = encodeEvidence(machine.evidence);
  return async () => {
    const start = performance.now();
    const verdict = await appraiseEvidence(verified, evidence, optionsFor(machine));
    const took = performance.now() - start;
    if (verdict.verdict !== "trusted")
      throw new Error(`the machine is rejected: ${failedIds(verdict).join()}`);
    return took;
  };
}
