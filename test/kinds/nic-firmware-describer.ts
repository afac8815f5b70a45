// Describes the made-up kind: a firmware file, in blocks whose digests are attached.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { positive } from "../../src/protocol/entry/fields.schema.ts";
import { kernelPatchSet } from "../../src/protocol/entry/kinds/kernel-patch-set.ts";
import { canonicalDigest } from "../../src/protocol/envelope/canonical-digest.ts";
import { formatStatement } from "../../src/protocol/envelope/statement.ts";
import { attachDocument } from "../../src/publisher/describe/described.ts";
import { describer } from "../../src/publisher/describe/describer.ts";
import { readReleaseFields } from "../../src/publisher/describe/release-fields.ts";
import { readStatementReference } from "../../src/publisher/describe/statement-reference.ts";
import { reference } from "../../src/publisher/describe/table-fields.ts";
import { nicFirmware } from "./nic-firmware.ts";

const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const digestOfBlocks = (bytes: Uint8Array, blockSize: number) =>
  Array.from({ length: Math.ceil(bytes.length / blockSize) }, (_, i) =>
    hash(bytes.subarray(i * blockSize, (i + 1) * blockSize)),
  );

export const nicFirmwareDescriber = describer({
  // The type of a registered kind is that of the list; a test's is not in it.
  kind: nicFirmware as never,
  summary: "firmware of a network card",
  options: [
    { flags: "--firmware <file>", description: "the firmware", required: true },
    { flags: "--driver <file>", description: "statement of the kernel with its driver", required: true },
    {
      flags: "--block-size <bytes>",
      description: "bytes that it checks at once",
      required: true,
      value: "count",
    },
  ],
  example:
    "\nExample:\n  touchstone describe nic-firmware --firmware nic.bin --driver kernel.json --block-size 4096 …",
  table: (path) => ({ firmware: path, driver: reference, blockSize: positive }),
  read: (options: { firmware: string; driver: string; blockSize: number }) => options,
  async describe({ firmware, driver, blockSize, release }) {
    const bytes = new Uint8Array(await readFile(firmware));
    const described = { fileName: basename(firmware), sha256: hash(bytes), size: bytes.length };
    const subjects = [{ name: described.fileName, digest: { sha256: described.sha256 } }];
    const blocks = digestOfBlocks(bytes, blockSize);
    const attached = attachDocument(blocks);
    const predicate = {
      ...(await readReleaseFields(release, subjects)),
      file: described,
      driver: await readStatementReference(driver, kernelPatchSet),
      blockSize,
      blocksDigest: canonicalDigest(blocks),
      blocks: attached.reference,
    };
    const payload = formatStatement(nicFirmware.kind as never, predicate as never, subjects);
    return { payload, attachments: [attached] };
  },
});
