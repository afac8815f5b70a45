// Writes a made-up machine's parts in the forms in which other tools leave them.
import { decodeHex } from "../../src/protocol/encoding/hex.ts";
import type { TdxCollateral } from "../../src/verifier/tdx/collateral.ts";

export interface PccsAnswer {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** What a PCCS answers, by path: issuer chains are in headers, percent-encoded (PCCS API v4). */
export function pccsAnswers(collateral: TdxCollateral, fmspc: string): PccsAnswer[] {
  const chain = (pem: string) => encodeURIComponent(pem);
  return [
    {
      path: `/tdx/certification/v4/tcb?fmspc=${fmspc}`,
      headers: { "TCB-Info-Issuer-Chain": chain(collateral.tcbInfoIssuerChain) },
      body: `{"tcbInfo":${collateral.tcbInfo},"signature":"${collateral.tcbInfoSignature}"}`,
    },
    {
      path: "/tdx/certification/v4/qe/identity",
      headers: { "SGX-Enclave-Identity-Issuer-Chain": chain(collateral.qeIdentityIssuerChain) },
      body: `{"enclaveIdentity":${collateral.qeIdentity},"signature":"${collateral.qeIdentitySignature}"}`,
    },
    {
      path: "/sgx/certification/v4/pckcrl?ca=platform&encoding=der",
      headers: { "SGX-PCK-CRL-Issuer-Chain": chain(collateral.pckCrlIssuerChain) },
      body: decodeHex(collateral.pckCrl),
    },
    // In hex, as a PCCS has it whatever is asked for.
    { path: "/sgx/certification/v4/rootcacrl", headers: {}, body: collateral.rootCaCrl },
  ];
}

/** As `curl -i` writes it. */
export function asCurlWrites({ headers, body }: PccsAnswer): Buffer {
  const lines = Object.entries({ "Content-Type": "application/json", ...headers });
  const header = ["HTTP/1.1 200 OK", ...lines.map(([name, value]) => `${name}: ${value}`), "", ""].join(
    "\r\n",
  );
  return Buffer.concat([Buffer.from(header), Buffer.from(body)]);
}

/** As dcap-qvl writes its QuoteCollateralV3. */
export function asDcapQvlWrites(collateral: TdxCollateral, pckChain: string): string {
  const renamed = Object.entries(collateral).map(([name, value]) => [
    name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    value,
  ]);
  return JSON.stringify({ ...Object.fromEntries(renamed), pck_certificate_chain: pckChain }, null, 2);
}

export function asPem(label: string, der: Uint8Array): string {
  const lines = Buffer.from(der)
    .toString("base64")
    .replace(/(.{64})(?=.)/g, "$1\n");
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}
