// Lists the attributes of a TD that no platform should have, each with the rule of a policy that it breaks. What a platform states, every
// machine of it may be, so a weakness must be stated on purpose.
import type { Platform } from "../../protocol/entry/kinds/platform.ts";
import { VerificationError } from "../../protocol/errors.ts";
import { brokenAttributeRules, warningOfRule } from "../../verifier/tdx/attribute-rules.ts";
import { readTdAttributes } from "../../verifier/tdx/td-attributes.ts";
import type { DescribeCode } from "./describe-code.ts";

const DANGEROUS = { "sept-ve-disable-off": "sept-ve-disable", migratable: "not-migratable" } as const;
export type DangerousAttribute = keyof typeof DANGEROUS;
export const DANGEROUS_ATTRIBUTES = Object.keys(DANGEROUS) as [DangerousAttribute, ...DangerousAttribute[]];

/** @throws VerificationError "dangerous-attribute" for the first that is stated and not allowed. */
export function requireAllowedAttributes(
  { tdAttributes, xfam }: Pick<Platform, "tdAttributes" | "xfam">,
  allowed: readonly DangerousAttribute[],
): void {
  const broken = brokenAttributeRules(readTdAttributes(tdAttributes, xfam));
  const found = DANGEROUS_ATTRIBUTES.find(
    (name) => broken.includes(DANGEROUS[name]) && !allowed.includes(name),
  );
  if (found === undefined) return;
  throw new VerificationError<DescribeCode>(
    "dangerous-attribute",
    `${warningOfRule(DANGEROUS[found])}; state the platform with it on purpose: --allow-attribute ${found}`,
  );
}
