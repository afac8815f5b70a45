// Says where a PCCS has the collateral for one platform (Intel SGX and TDX PCS API v4; PCCS API).
import type { Platform } from "./platform.ts";

export interface PccsPaths {
  readonly tcbInfo: string;
  readonly qeIdentity: string;
  readonly pckCrl: string;
  readonly rootCaCrl: string;
}

/** Paths below a PCCS's address, such as https://localhost:8081/. */
export function pathsOf({ fmspc, pckIssuer }: Platform): PccsPaths {
  const ca = pckIssuer.includes("Processor") ? "processor" : "platform";
  return {
    tcbInfo: `tdx/certification/v4/tcb?fmspc=${fmspc}`,
    qeIdentity: "tdx/certification/v4/qe/identity",
    pckCrl: `sgx/certification/v4/pckcrl?ca=${ca}&encoding=der`,
    rootCaCrl: "sgx/certification/v4/rootcacrl",
  };
}
