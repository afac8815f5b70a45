// Reads from a quote which platform it is from, and thereby which of Intel's documents belong to it.
import { MalformedError } from "../../protocol/errors.ts";
import { parseTdxQuote } from "../../verifier/tdx/quote.ts";
import { parseSgxExtension, SGX_EXTENSION } from "../../verifier/tdx/sgx-extension.ts";
import { parsePemCertificates } from "../../verifier/x509/pem.ts";

export interface Platform {
  /** 6 bytes, hex. */
  readonly fmspc: string;
  /** Common name of the CA that issued the PCK certificate: Platform or Processor CA. */
  readonly pckIssuer: string;
}

const CHAIN_LENGTH = 3;

/** @throws MalformedError */
export function platformOf(quote: Uint8Array): Platform {
  const [pck, ca] = parsePemCertificates(parseTdxQuote(quote).pckChainPem, CHAIN_LENGTH);
  const extension = pck?.extensions.get(SGX_EXTENSION);
  if (extension === undefined || ca === undefined)
    throw new MalformedError("PCK certificate", "it has no SGX extension");
  return { fmspc: parseSgxExtension(extension).fmspc, pckIssuer: ca.commonName };
}
