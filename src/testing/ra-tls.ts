// Self-signed RA-TLS certificates: a channel key with evidence in an extension.
import "reflect-metadata";
import { Extension } from "@peculiar/x509";
import { type Certified, certify, type KeyPair, type Validity } from "./authority.ts";
import { encodeEvidence, type Machine } from "./machine.ts";

/** Extension of `touchstone-ra-tls/v1`: the value is `evidence.json`, byte for byte. */
const TOUCHSTONE_RA_TLS = "2.25.148360392970094050719439852796609641302";

export interface RaTlsFields extends Validity {
  readonly commonName: string;
  /** Extension values by dotted OID; an OID may be there twice. */
  readonly extensions: ReadonlyArray<readonly [oid: string, value: Uint8Array]>;
}

/** A self-signed certificate of `key` with any extensions. */
export function makeRaTlsCertificate(key: KeyPair, fields: RaTlsFields): Promise<Certified> {
  const { commonName, extensions, notBefore, notAfter } = fields;
  return certify(
    {
      notBefore,
      notAfter,
      subject: `CN=${commonName}`,
      curve: key.curve,
      ca: false,
      extensions: extensions.map(([oid, value]) => new Extension(oid, false, Uint8Array.from(value))),
    },
    key,
  );
}

/** The certificate that a machine would show to TLS clients, valid for a day before and after the time it was made for. */
export function makeEvidenceCertificate(machine: Machine): Promise<Certified> {
  const at = machine.options.at.getTime();
  return makeRaTlsCertificate(machine.channel, {
    commonName: "synthetic.invalid",
    notBefore: new Date(at - 86_400_000),
    notAfter: new Date(at + 86_400_000),
    extensions: [[TOUCHSTONE_RA_TLS, encodeEvidence(machine.evidence)]],
  });
}
