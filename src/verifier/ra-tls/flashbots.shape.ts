// Reads what flashbots.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import { list, object, oneOf } from "../../protocol/shape/containers.ts";
import { atMost, from, safeInteger, upTo } from "../../protocol/shape/scalars.ts";

export type AttestedTlsMessage = {
  attestation_type: "gcp-tdx" | "dcap-tdx" | "qemu-tdx";
  attestation: number[];
};

export const attestedTlsMessage = object<AttestedTlsMessage>({
  attestation_type: oneOf("gcp-tdx", "dcap-tdx", "qemu-tdx"),
  attestation: list(safeInteger(from(0), upTo(255)), atMost(65536)),
});
