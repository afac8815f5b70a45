// Makes the members that every described release begins with: who it is, who built it, from what, and which provenance says so.
import { decodePublicKeyPem } from "../../protocol/cryptography/signature.ts";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import type { GspFirmware } from "../../protocol/entry/kinds/gsp-firmware.ts";
import type { Subject } from "../../protocol/envelope/statement.ts";
import { digestFile, withFile } from "./files/random-access.ts";
import { linkProvenance } from "./provenance.ts";

/** What a release engineer states; paths are read, and never enter the statement. */
export interface ReleaseInput {
  readonly name: string;
  readonly version: string;
  readonly channel: string;
  readonly svn: number;
  /** URI or name of who built it. */
  readonly builder: string;
  /** Where the source is. */
  readonly source: string;
  readonly sourceCommit?: string;
  /** Path of the source archive, to be digested. */
  readonly sourceArchive?: string;
  /** Path of a SLSA v1 provenance in a DSSE envelope or a sigstore bundle. */
  readonly provenance?: string;
  /** Path of the provenance builder's public key, PEM or base64 SPKI. */
  readonly provenanceKey?: string;
}

export type ReleaseFields = Pick<
  GspFirmware,
  "name" | "version" | "channel" | "svn" | "builder" | "source" | "provenance"
>;

/**
 * Digests the source archive and links the provenance to one of `subjects`, the artefacts of the release.
 * @throws MalformedError and VerificationError as `linkProvenance` does.
 */
export async function readReleaseFields(
  input: ReleaseInput,
  subjects: readonly Subject[],
): Promise<ReleaseFields> {
  const archive =
    input.sourceArchive === undefined ? null : await digestFile(input.sourceArchive, ["sha256"]);
  const key = input.provenanceKey === undefined ? undefined : await readPublicKey(input.provenanceKey);
  return {
    name: input.name,
    version: input.version,
    channel: input.channel,
    svn: input.svn,
    builder: { id: input.builder },
    source: { uri: input.source, commit: input.sourceCommit ?? null, sha256: archive?.sha256 ?? null },
    provenance: input.provenance === undefined ? null : await linkProvenance(input.provenance, subjects, key),
  };
}

async function readPublicKey(path: string): Promise<Uint8Array> {
  return await withFile(path, "public key", async (file) =>
    decodePublicKeyPem(decodeUtf8(await file.read(0, Math.min(file.size, 4096), "the key")).trimEnd()),
  );
}
