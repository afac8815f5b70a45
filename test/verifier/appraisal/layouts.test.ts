// What becomes of each layout of GPUs and switches, good and tampered with, as one table: the check that refuses it and how many others do
// beside it, or that it is trusted. A machine without switches cannot tell lies about them: –.
import { expect, test } from "vitest";
import {
  type Machine,
  type MachineOptions,
  TAMPERINGS,
  type Tampering,
  type TamperingName,
  tamper,
  WHOLE_BOARD,
} from "../../../src/testing/index.ts";
import { failedIds, judge, machineOf, makeWorld, type World } from "../../support/appraisal-world.ts";

const EIGHT = Array.from({ length: 8 }, () => ({}));

/** The layouts of a machine that NVIDIA supports, and how many GPUs and switches each has. */
const LAYOUTS: ReadonlyArray<readonly [string, Partial<MachineOptions>]> = [
  ["1 GPU", {}],
  ["8 GPUs", { gpus: EIGHT }],
  ["8 GPUs, 4 switches", WHOLE_BOARD],
];

/** Lies about GPUs can be told by any machine; the others by a board alone. */
const LIES = [
  "gpu-missing",
  "gpu-shown-twice",
  "gpu-is-a-switch",
  "gpu-ppcie",
  "gpu-multi-pass-through",
  "gpu-mode-not-stated",
  "gpu-mode-claimed-otherwise",
  "gpu-report-of-another-session",
  "gpu-firmware-changed",
  "gpu-revoked",
  "switches-not-shown",
  "switch-left-out",
  "switch-shown-twice",
  "switch-is-a-gpu",
  "switch-report-of-another-session",
  "switch-firmware-changed",
  "switch-vbios-other",
  "switch-revoked",
  "switch-not-claimed",
  "switch-under-another-name",
  "board-in-mixed-modes",
  "gpus-linked-to-other-switches",
  "gpu-linked-to-another-switch",
  "switch-lists-another-gpu",
  "switches-list-fewer-gpus",
  "switches-list-other-gpus",
] as const satisfies readonly TamperingName[];

interface Case {
  readonly good: Machine;
  readonly world: World;
}

async function outcome({ good, world }: Case, lie: (typeof LIES)[number] | null): Promise<string> {
  const { needs }: Partial<Tampering> = lie === null ? {} : TAMPERINGS[lie];
  if (needs === "switches" && good.switches.length === 0) return "–";
  const shown = lie === null ? good : await tamper(good, lie);
  const verdict = await judge(world, shown);
  if (lie === null || verdict.verdict === "trusted") return verdict.verdict;
  const failed = failedIds(verdict);
  const { aimsAt } = TAMPERINGS[lie];
  const first = failed.includes(aimsAt) ? aimsAt : failed[0];
  return failed.length > 1 ? `${first} +${failed.length - 1}` : `${first}`;
}

const TABLE = `
                                   1 GPU                8 GPUs               8 GPUs, 4 switches
good                               trusted              trusted              trusted
gpu-missing                        gpu.count            gpu.count            gpu.count
gpu-shown-twice                    gpu.distinct +2      gpu.distinct +2      gpu.distinct +2
gpu-is-a-switch                    gpu.architecture +2  gpu.architecture +2  gpu.architecture +2
gpu-ppcie                          gpu.mode             gpu.mode             gpu.switches +1
gpu-multi-pass-through             gpu.mode             gpu.mode             gpu.mode +2
gpu-mode-not-stated                gpu.mode             gpu.mode             gpu.mode +2
gpu-mode-claimed-otherwise         gpu.claimed-mode     gpu.claimed-mode     gpu.claimed-mode
gpu-report-of-another-session      gpu.nonce            gpu.nonce            gpu.nonce
gpu-firmware-changed               gpu.measurements     gpu.measurements     gpu.measurements
gpu-revoked                        gpu.revocation       gpu.revocation       gpu.revocation
switches-not-shown                 –                    –                    switch.count
switch-left-out                    –                    –                    topology.switches
switch-shown-twice                 –                    –                    switch.distinct +2
switch-is-a-gpu                    –                    –                    switch.architecture
switch-report-of-another-session   –                    –                    switch.nonce
switch-firmware-changed            –                    –                    switch.measurements
switch-vbios-other                 –                    –                    switch.vbios.allowed +1
switch-revoked                     –                    –                    switch.revocation
switch-not-claimed                 –                    –                    gpu.claims
switch-under-another-name          –                    –                    topology.certificates
board-in-mixed-modes               –                    –                    gpu.mode
gpus-linked-to-other-switches      –                    –                    topology.switches
gpu-linked-to-another-switch       –                    –                    gpu.switches +1
switch-lists-another-gpu           –                    –                    topology.gpus
switches-list-fewer-gpus           –                    –                    topology.gpus +1
switches-list-other-gpus           –                    –                    topology.certificates
`;

test("each layout is trusted as it is, and each lie is refused by a check of its own", async () => {
  const cases: Case[] = [];
  for (const [, options] of LAYOUTS) {
    const good = await machineOf(options);
    cases.push({ good, world: await makeWorld(good) });
  }
  const rows = [["", ...LAYOUTS.map(([name]) => name)]];
  for (const lie of [null, ...LIES]) {
    const outcomes: string[] = [];
    for (const one of cases) outcomes.push(await outcome(one, lie));
    rows.push([lie ?? "good", ...outcomes]);
  }
  const table = rows.map(([name = "", ...cells]) =>
    [name.padEnd(34), ...cells.map((cell) => cell.padEnd(20))].join(" ").trimEnd(),
  );
  expect(`\n${table.join("\n")}\n`).toBe(TABLE);
}, 120_000);
