// A kind of release that Touchstone does not have: firmware of a network card.
import * as z from "zod";
import { attachment } from "../../src/protocol/entry/attachment.schema.ts";
import { positive, sha256 } from "../../src/protocol/entry/fields.schema.ts";
import { releaseKind } from "../../src/protocol/entry/kind.ts";
import { kernelPatchSet } from "../../src/protocol/entry/kinds/kernel-patch-set.ts";
import { referenceTo } from "../../src/protocol/entry/reference.schema.ts";
import { file, releaseShape } from "../../src/protocol/entry/release.schema.ts";
import { canonicalDigest } from "../../src/protocol/envelope/canonical-digest.ts";

/** What `npm run generate` would make a validator of. */
export const nicFirmwareSchema = z.strictObject({
  ...releaseShape,
  file,
  driver: referenceTo(kernelPatchSet),
  blockSize: positive,
  blocksDigest: sha256,
  blocks: attachment,
});
export const nicBlocks = z.array(sha256);

export const nicFirmware = releaseKind({
  kind: "nic-firmware",
  profile: null,
  references: { driver: kernelPatchSet },
  attachments: ({ blocks }) => [blocks],
  recompute: {
    "nic-blocks-differ": ({ blocksDigest }, blocks: readonly string[] | null) =>
      blocks === null || canonicalDigest(blocks) === blocksDigest ? null : "blocksDigest is another list's",
  },
});
