// A kind of release that Touchstone does not have: firmware of a network card.
import * as z from "zod";
import { attachment } from "../../src/protocol/entry/attachment.ts";
import { positive, sha256 } from "../../src/protocol/entry/fields.ts";
import { releaseKind } from "../../src/protocol/entry/kind.ts";
import { kernelPatchSet } from "../../src/protocol/entry/kinds/kernel-patch-set.ts";
import { referenceTo } from "../../src/protocol/entry/reference.ts";
import { file, releaseShape } from "../../src/protocol/entry/release.ts";
import { canonicalDigest } from "../../src/protocol/envelope/canonical-digest.ts";

export const nicFirmware = releaseKind({
  kind: "nic-firmware",
  schema: z.strictObject({
    ...releaseShape,
    file,
    driver: referenceTo(kernelPatchSet),
    blockSize: positive,
    blocksDigest: sha256,
    blocks: attachment,
  }),
  profile: null,
  references: { driver: kernelPatchSet },
  attachment: { of: ({ blocks }) => [blocks], content: z.array(sha256) },
  recompute: {
    "nic-blocks-differ": ({ blocksDigest }, blocks) =>
      blocks === null || canonicalDigest(blocks) === blocksDigest ? null : "blocksDigest is another list's",
  },
});
