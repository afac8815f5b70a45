// Writes collateral in the form that dcap-qvl reads in all of its languages.
import type { TdxCollateral } from "../../src/verifier/tdx/collateral.ts";

/** Bytes stay hex. */
export function collateralOfDcapQvl(collateral: TdxCollateral) {
  return {
    tcb_info: collateral.tcbInfo,
    tcb_info_signature: collateral.tcbInfoSignature,
    tcb_info_issuer_chain: collateral.tcbInfoIssuerChain,
    qe_identity: collateral.qeIdentity,
    qe_identity_signature: collateral.qeIdentitySignature,
    qe_identity_issuer_chain: collateral.qeIdentityIssuerChain,
    pck_crl: collateral.pckCrl,
    pck_crl_issuer_chain: collateral.pckCrlIssuerChain,
    root_ca_crl: collateral.rootCaCrl,
  };
}
