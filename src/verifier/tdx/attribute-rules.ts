// Says which rules for TD_ATTRIBUTES and XFAM a TD breaks, and what that means. A profile compares both with its platform's in any case;
// here is what no platform should say.
import { TD_ATTRIBUTE_RULES, type TdAttributeRule } from "../../protocol/entry/policy.ts";
import type { TdAttributes } from "./td-attributes.ts";

interface Rule {
  readonly holds: (attributes: TdAttributes) => boolean;
  /** What is to be said of a TD that breaks it. */
  readonly warning: string;
}

const RULES: Readonly<Record<TdAttributeRule, Rule>> = {
  "sept-ve-disable": {
    holds: ({ septVeDisable }) => septVeDisable,
    warning: "SEPT_VE_DISABLE is off: the host can inject #VE into the guest by removing its pages",
  },
  "not-migratable": {
    holds: ({ migratable }) => !migratable,
    warning: "MIGRATABLE is on: a migration TD may move this TD to another platform",
  },
  "reserved-zero": {
    holds: ({ reservedZero }) => reservedZero,
    warning: "TD_ATTRIBUTES or XFAM have bits set that are reserved: what they allow is not known",
  },
  "xfam-mandatory": {
    holds: ({ xfamMandatory }) => xfamMandatory,
    warning: "XFAM lacks x87 or SSE, which every TD has: no TDX module should report it",
  },
};

/** The rules that these attributes break, in the order of TD_ATTRIBUTE_RULES. */
export function brokenAttributeRules(attributes: TdAttributes): TdAttributeRule[] {
  return TD_ATTRIBUTE_RULES.filter((rule) => !RULES[rule].holds(attributes));
}

/** One sentence for a broken rule. */
export function warningOfRule(rule: TdAttributeRule): string {
  return RULES[rule].warning;
}
