// Names the checks of a TDX quote. The names are apart from what makes the checks: whoever only names them does not load that.

/** Every check, in the order in which it is made. A check whose input another check refused stays "not-evaluated". */
export const TDX_CHECKS = [
  "tdx.quote.format",
  "tdx.quote.header",
  "tdx.collateral.format",
  "tdx.root",
  "tdx.crl.root",
  "tdx.tcb-info.signature",
  "tdx.tcb-info.format",
  "tdx.qe-identity.signature",
  "tdx.qe-identity.format",
  "tdx.crl.pck",
  "tdx.pck.chain",
  "tdx.pck.revocation",
  "tdx.pck.extension",
  "tdx.collateral.window",
  "tdx.qe-report.signature",
  "tdx.qe-report.binding",
  "tdx.qe.identity",
  "tdx.quote.signature",
  "tdx.fmspc",
  "tdx.module.identity",
  "tdx.tcb.level",
] as const;
export type TdxCheckId = (typeof TDX_CHECKS)[number];

/** What a policy asks of it beyond being genuine. */
export const TDX_POLICY_CHECKS = [
  "tdx.policy.body",
  "tdx.policy.tcb-status",
  "tdx.policy.tcb-evaluation-data-number",
  "tdx.policy.tee-tcb-svn",
  "tdx.policy.mr-seam",
  "tdx.policy.debug",
  "tdx.policy.attributes",
  "tdx.policy.service-td",
] as const;
