// The parser behind each extension, for hostile input by the thousand: making a certificate around each would take minutes.
import { parseEvidence } from "../../../src/verifier/evidence.ts";
import { parseEvidenceWrapper } from "../../../src/verifier/ra-tls/cmw.ts";
import { parseContrastEvidence } from "../../../src/verifier/ra-tls/contrast.ts";
import { parseDiceEvidence } from "../../../src/verifier/ra-tls/dice.ts";
import { parseDstackAttestation } from "../../../src/verifier/ra-tls/dstack.ts";
import { derOctets, readDer } from "../../../src/verifier/x509/der.ts";
import { OID } from "./containers.ts";

export const parsers: Record<string, (content: Uint8Array) => unknown> = {
  [OID.wrapper]: (content) => parseEvidence(parseEvidenceWrapper(content)),
  [OID.dice]: parseDiceEvidence,
  [OID.dstackQuote]: (content) => derOctets(readDer(content)),
  [OID.dstackAttestation]: (content) => parseDstackAttestation(derOctets(readDer(content))),
  [OID.contrast]: parseContrastEvidence,
};
