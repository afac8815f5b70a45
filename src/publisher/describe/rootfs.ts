// Reads the root file system of a guest image: an EROFS image under dm-verity, whose tree covers all of it.
import { formatTime } from "../../protocol/entry/fields.ts";
import type { OsImage } from "../../protocol/entry/kinds/os-image.ts";
import { VerificationError } from "../../protocol/errors.ts";
import type { DescribeCode } from "./describe-code.ts";
import { digestContent, type RandomAccess, withFile } from "./files/random-access.ts";
import {
  findVeritySuperblock,
  readVeritySuperblock,
  recomputeVerityRoot,
  treeOffset,
} from "./formats/dm-verity.ts";
import { readErofsSuperblock } from "./formats/erofs.ts";

export interface RootfsInput {
  /** Path of the EROFS image. */
  readonly image: string;
  /** Path of the file with the verity superblock and tree; without it they follow the file system in the image. */
  readonly verity?: string;
  /** Bytes before the verity superblock; without it 0 beside the image, or the end of the file system inside it. */
  readonly verityOffset?: number;
  readonly mkfsArguments: readonly string[];
  readonly sourceDateEpoch?: number;
}

/**
 * @throws MalformedError on broken formats and where the tree differs from the data; VerificationError "verity-coverage" when the
 * tree covers less than the file system, "source-date-epoch" when the image was built at another time.
 */
export async function describeRootfs(
  input: RootfsInput,
): Promise<{ fileName: string } & Pick<OsImage, "rootfs" | "verity">> {
  return await withFile(input.image, "EROFS image", async (image) => {
    const { blocks, buildTime, features, ...superblock } = await readErofsSuperblock(image);
    const epoch = input.sourceDateEpoch ?? null;
    if (epoch !== null && epoch !== buildTime)
      throw new VerificationError<DescribeCode>(
        "source-date-epoch",
        `${input.image} was built at ${buildTime}, not at ${epoch}`,
      );
    const rootfs = {
      format: "erofs" as const,
      ...(await digestContent(image, ["sha256"])),
      ...superblock,
      buildTime: formatTime(new Date(buildTime * 1000)),
      features: [...features],
      mkfsArguments: [...input.mkfsArguments],
      sourceDateEpoch: epoch,
    };
    return {
      fileName: image.name,
      rootfs,
      verity: await readVerity(input, image, blocks * superblock.blockSize),
    };
  });
}

async function readVerity(
  input: RootfsInput,
  image: RandomAccess,
  fileSystemSize: number,
): Promise<OsImage["verity"]> {
  if (input.verity === undefined)
    return await checkVerity(
      image,
      image,
      await appendedOffset(input, image, fileSystemSize),
      fileSystemSize,
    );
  return await withFile(input.verity, "dm-verity tree", (tree) =>
    checkVerity(image, tree, input.verityOffset ?? 0, fileSystemSize),
  );
}

async function appendedOffset(
  input: RootfsInput,
  image: RandomAccess,
  fileSystemSize: number,
): Promise<number> {
  if (input.verityOffset !== undefined) return input.verityOffset;
  const offset = await findVeritySuperblock(image, fileSystemSize);
  if (offset !== undefined) return offset;
  throw image.malformed(
    "no dm-verity superblock follows the file system: say where it begins (--verity-offset), or give the file that has it (--verity)",
    fileSystemSize,
  );
}

async function checkVerity(
  image: RandomAccess,
  tree: RandomAccess,
  offset: number,
  fileSystemSize: number,
): Promise<OsImage["verity"]> {
  const parameters = await readVeritySuperblock(tree, offset);
  const covered = parameters.dataBlocks * parameters.dataBlockSize;
  if (covered < fileSystemSize)
    throw new VerificationError<DescribeCode>(
      "verity-coverage",
      `${tree.path}: the tree covers ${covered} bytes, the file system has ${fileSystemSize}`,
    );
  const rootHash = await recomputeVerityRoot(image, tree, treeOffset(offset, parameters), parameters);
  return { rootHash, ...parameters };
}
