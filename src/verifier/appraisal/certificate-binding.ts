// Checks whether a quote vouches for the key of a certificate in the way of others than Touchstone's own: the certificate says how, and holds
// the same quote. Bundlers make a chunk of this and what reads certificates, which only who sees its peer's loads.
import { decodeHex, encodeHex } from "../../protocol/encoding/hex.ts";
import type { Profile } from "../../protocol/entry/policy.ts";
import { VerificationError } from "../../protocol/errors.ts";
import {
  type Binding,
  bindingOfCertificate,
  type Freshness,
  freshnessOf,
  verifyBinding,
} from "../ra-tls/binding.ts";
import { readCertificateEvidence } from "../ra-tls/certificate-evidence.ts";
import type { RaTlsCode } from "../ra-tls/own-binding.ts";
import type { BindingInput } from "./channel-binding.ts";

type Format = Exclude<Profile["binding"]["format"], "touchstone-binding/v1">;

/** @returns how fresh the evidence is. @throws VerificationError "binding"; MalformedError for a certificate that cannot be read. */
export function requireBoundCertificate(format: Format, input: BindingInput): Freshness {
  const binding = bindingFor(format, input);
  verifyBinding(decodeHex(input.body.reportData), binding);
  return freshnessOf(binding, input.nonce);
}

function bindingFor(format: Format, { evidence, channel, nonce }: BindingInput): Binding {
  if (channel.certificate === undefined)
    throw new VerificationError<RaTlsCode>("binding", `${format} needs the peer's certificate`);
  const certified = readCertificateEvidence(channel.certificate);
  if (certified.form !== format)
    throw new VerificationError<RaTlsCode>(
      "binding",
      `the certificate's form is ${certified.form}, the policy wants ${format}`,
    );
  if (encodeHex(certified.spki) !== encodeHex(channel.key))
    throw new VerificationError<RaTlsCode>("binding", "the channel uses another key than the certificate");
  if (encodeHex(certified.quote) !== encodeHex(evidence.tdx.quote)) {
    throw new VerificationError<RaTlsCode>(
      "binding",
      "the certificate holds another quote than the evidence",
    );
  }
  const binding = bindingOfCertificate(certified, nonce);
  if (binding === null)
    throw new VerificationError<RaTlsCode>("binding", `${format} cannot be checked without a challenge`);
  return binding;
}
