// Defines the shapes of answers that several calls share.
import * as z from "zod";
import type { PublishedLog, ReadEntry } from "../../log/published-log.ts";
import { encodeBase64 } from "../../protocol/encoding/base64.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { integer, keyId, positive, sha256, time } from "../../protocol/entry/fields.schema.ts";
import { ruleId } from "../../protocol/entry/identity-rule.schema.ts";
import { kind } from "../../protocol/entry/kinds.schema.ts";
import { envelopeJson } from "../../protocol/envelope/dsse.schema.ts";
import { envelopeToJson, signersOf } from "../../protocol/envelope/dsse.ts";
import { isEntryRevoked, statementJson } from "./read-entry.ts";

export const index = integer.describe("Index of the entry, from 0");
export const treeSize = positive.describe("Number of entries under the checkpoint");
export const leafHash = sha256.describe("RFC 6962 leaf hash of the entry, hex");
export const payloadDigest = sha256.describe(
  "SHA-256 of the DSSE payload: by it other entries refer to this one",
);
export const envelope = envelopeJson.meta({
  id: "Envelope",
  description: "DSSE envelope (v1) around an in-toto statement",
});
export const hash = z
  .string()
  .regex(/^[A-Za-z0-9+/]{43}=$/)
  .describe("32-byte hash, base64");
export const checkpointText = z.string().describe("Signed and cosigned checkpoint (C2SP tlog-checkpoint)");
export const proofText = z
  .string()
  .describe("Proof file (C2SP tlog-proof): index, inclusion proof, cosigned checkpoint");

const statement = z
  .record(z.string(), z.unknown())
  .describe("The payload, decoded: an in-toto statement; its schema is schemas/<kind>.v1.json");

export const entrySummary = z
  .strictObject({
    index,
    kind,
    name: z.string(),
    version: z.string(),
    payloadDigest,
    leafHash,
    signers: z.array(keyId).describe("Keys that signed"),
    identities: z.array(ruleId).describe("Identity rules by whose tokens it was published"),
    revoked: z.boolean(),
  })
  .meta({ id: "EntrySummary", description: "What an entry is" });

export const provenEntry = z
  .strictObject({
    index,
    leafHash,
    payloadDigest,
    envelope,
    statement,
    proof: z.array(hash).max(63).describe("Inclusion proof to the checkpoint, leaf's sibling first"),
  })
  .meta({
    id: "ProvenEntry",
    description: "An entry and the proof that it is under the checkpoint beside it",
  });

export const detailedEntry = z
  .strictObject({
    index,
    leafHash,
    payloadDigest,
    envelope,
    statement,
    coveredBy: z
      .strictObject({ size: treeSize, cosignedAt: time, checkpoint: checkpointText })
      .describe("The first published checkpoint that covers the entry: it was logged not later than that"),
    revokedBy: z
      .array(index)
      .describe("Revocations that name it or a key that signed it; empty while it is trusted"),
  })
  .meta({ id: "Entry", description: "An entry of the log" });

export function summaryJson(log: PublishedLog, entry: ReadEntry): z.infer<typeof entrySummary> {
  const { kind: what, name, version } = entry.envelope.statement;
  const { signers, identities } = signersOf(entry.envelope);
  return {
    index: entry.index,
    kind: what,
    name,
    version,
    payloadDigest: entry.envelope.payloadDigest,
    leafHash: encodeHex(entry.leafHash),
    signers: [...signers],
    identities: [...identities],
    revoked: isEntryRevoked(log, entry),
  };
}

/** @param size of the checkpoint that the proof leads to. */
export async function provenJson(
  log: PublishedLog,
  entry: ReadEntry,
  size: number,
): Promise<z.infer<typeof provenEntry>> {
  const proof = await log.proveInclusion(entry.index, size);
  return { ...contentJson(entry), proof: proof.map(encodeBase64) };
}

export function contentJson(entry: ReadEntry) {
  return {
    index: entry.index,
    leafHash: encodeHex(entry.leafHash),
    payloadDigest: entry.envelope.payloadDigest,
    envelope: envelopeToJson(entry.envelope),
    statement: statementJson(entry.envelope),
  };
}
