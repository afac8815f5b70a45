// Defines the ways in which a machine or its host lies, one for each check that must notice. Each is made with valid signatures wherever
// the attacker could have them, so that nothing but the check it aims at stands in its way.
import { makeKeyPair } from "./authority.ts";
import { GPU_TAMPERINGS } from "./gpu-tampering.ts";
import type { Machine } from "./machine.ts";
import { type Tampering, withClaims } from "./remake.ts";
import { SWITCH_TAMPERINGS } from "./switch-tampering.ts";
import { TDX_TAMPERINGS } from "./tdx-tampering.ts";

/**
 * Every tampering by name.
 * @example
 * ```ts
 * import { TAMPERINGS } from "touchstone/testing";
 * const { story, aimsAt } = TAMPERINGS["quote-edited"]; // what is wrong, and the check that must fail
 * ```
 */
export const TAMPERINGS = {
  ...TDX_TAMPERINGS,
  "channel-key-swapped": {
    story: "a man in the middle shows the machine's evidence with a key of his own",
    aimsAt: "binding",
    apply: async (machine) => ({ ...machine, channel: await makeKeyPair("P-256") }),
  },
  "evidence-replayed": {
    story: "the evidence answers an earlier challenge",
    aimsAt: "binding",
    apply: async (machine) => ({ ...machine, nonce: crypto.getRandomValues(new Uint8Array(32)) }),
  },
  "claims-edited": {
    story: "the guest said that its GPU is in devtools mode, and the host rewrote that",
    aimsAt: "binding",
    apply: async (machine) => {
      const honest = await withClaims({ ccMode: "devtools", devtools: true })(machine);
      const claims = { ...honest.evidence.claims, ccMode: "on", devtools: false } as const;
      return { ...honest, evidence: { ...honest.evidence, claims } };
    },
  },
  ...GPU_TAMPERINGS,
  ...SWITCH_TAMPERINGS,
} as const satisfies Record<string, Tampering>;

/**
 * @example
 * ```ts
 * import { type TamperingName, TAMPERINGS } from "touchstone/testing";
 * const names = Object.keys(TAMPERINGS) as TamperingName[];
 * ```
 */
export type TamperingName = keyof typeof TAMPERINGS;

/**
 * A bad machine made from a good one. @throws RangeError for a tampering with switches, where the machine has none.
 * @example
 * ```ts
 * import { makeMachine, tamper } from "touchstone/testing";
 * const edited = await tamper(await makeMachine({ at: new Date() }), "quote-edited"); // your integration must not trust it
 * ```
 */
export function tamper(machine: Machine, name: TamperingName): Promise<Machine> {
  const { needs, apply }: Tampering = TAMPERINGS[name];
  if (needs === "switches" && machine.switches.length === 0)
    throw new RangeError(`"${name}" needs a machine with switches, such as WHOLE_BOARD`);
  return apply(machine);
}
