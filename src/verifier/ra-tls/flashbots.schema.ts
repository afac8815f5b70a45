// Gives the schema of Flashbots' attested-tls message (flashbots.ts).
import * as z from "zod";

export const attestedTlsMessage = z.strictObject({
  attestation_type: z.enum(["gcp-tdx", "dcap-tdx", "qemu-tdx"]),
  attestation: z.array(z.int().min(0).max(255)).max(64 * 1024),
});
