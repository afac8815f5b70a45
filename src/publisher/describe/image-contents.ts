// Looks into the root file system: it must hold the driver-build that the image names, module by module and library by library, and the GSP
// firmware, byte for byte. erofs-utils unpack it; without them that is said, and nothing is checked.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { runTool, ToolMissingError } from "../../node/run-tool.ts";
import type { DriverBuild } from "../../protocol/entry/kinds/driver-build.ts";
import type { OsImage } from "../../protocol/entry/kinds/os-image.ts";
import { VerificationError } from "../../protocol/errors.ts";
import type { DescribeCode } from "./describe-code.ts";
import { type FoundFile, findFiles } from "./files/find-files.ts";
import { digestContent, digestFile, withFile } from "./files/random-access.ts";
import { withUnpacked } from "./formats/decompress.ts";

const TOOL = "fsck.erofs";
const PACKED = /\.(?:gz|xz|zst)$/;
const UNPACK_LIMIT_MS = 600_000;

type Content = NonNullable<OsImage["contents"]>["files"][number];

interface Wanted {
  readonly role: Content["role"];
  /** Last name of the file, without what a packer adds. */
  readonly name: string;
  /** SHA-256 of the file, or of what is packed in it, hex. */
  readonly sha256: string;
  readonly unpackedSha256: string | null;
}

/**
 * @param image path of the EROFS image; @param firmware paths of the GSP firmware files.
 * @returns where each file is, or null without erofs-utils.
 * @throws VerificationError "image-content" naming the first file that the image does not hold, or holds otherwise.
 */
export async function checkContents(
  image: string,
  driver: Pick<DriverBuild, "modules" | "libraries">,
  firmware: readonly string[],
): Promise<OsImage["contents"]> {
  const wanted = [...wantedOf(driver), ...(await wantedFirmware(firmware))];
  const folder = await mkdtemp(join(tmpdir(), "touchstone-image-"));
  try {
    const root = join(folder, "root");
    const args = [`--extract=${root}`, "--no-preserve", "--overwrite", resolve(image)];
    await runTool(TOOL, args, { timeoutMs: UNPACK_LIMIT_MS });
    const found = await findFiles(root, patternOf(wanted));
    const files: Content[] = [];
    for (const one of wanted) files.push(...(await placesOf(image, one, found)));
    return { checkedWith: TOOL, files };
  } catch (error) {
    if (error instanceof ToolMissingError) return null;
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function wantedOf({ modules, libraries }: Pick<DriverBuild, "modules" | "libraries">): Wanted[] {
  return [
    ...modules.map(({ fileName, sha256, uncompressedSha256 }) => ({
      role: "module" as const,
      name: lastName(fileName).replace(PACKED, ""),
      sha256,
      unpackedSha256: uncompressedSha256,
    })),
    ...libraries.map(({ fileName, sha256 }) => ({
      role: "library" as const,
      name: lastName(fileName),
      sha256,
      unpackedSha256: null,
    })),
  ];
}

async function wantedFirmware(paths: readonly string[]): Promise<Wanted[]> {
  const wanted: Wanted[] = [];
  for (const path of paths) {
    const { sha256 } = await digestFile(path, ["sha256"]);
    wanted.push({ role: "firmware", name: lastName(path), sha256, unpackedSha256: sha256 });
  }
  return wanted;
}

function lastName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function patternOf(wanted: readonly Wanted[]): RegExp {
  const names = wanted.map(({ name }) => name.replaceAll(/[^A-Za-z0-9_-]/g, "\\$&"));
  return new RegExp(`^(?:${names.join("|")})(?:\\.gz|\\.xz|\\.zst)?$`);
}

/** Every file of that name must be the one wanted: which of two a kernel loads is not for us to say. */
async function placesOf(image: string, wanted: Wanted, found: readonly FoundFile[]): Promise<Content[]> {
  const named = found.filter(({ fileName }) => lastName(fileName).replace(PACKED, "") === wanted.name);
  if (named.length === 0) throw refuse(image, `holds no ${wanted.role} ${wanted.name}`);
  const places: Content[] = [];
  for (const { path, fileName } of named) {
    const sha256 = await withFile(
      path,
      "file",
      async (file) => (await digestContent(file, ["sha256"])).sha256,
    );
    if (sha256 !== wanted.sha256 && (await unpackedDigest(path)) !== wanted.unpackedSha256)
      throw refuse(
        image,
        `holds another ${wanted.role} /${fileName} than the one of that name that it is said to hold`,
      );
    places.push({ role: wanted.role, path: `/${fileName}`, sha256 });
  }
  return places;
}

async function unpackedDigest(path: string): Promise<string | undefined> {
  const digest = () => withUnpacked(path, "packed file", (file) => digestContent(file, ["sha256"]));
  return PACKED.test(path) ? (await digest()).sha256 : undefined;
}

function refuse(image: string, what: string): VerificationError<DescribeCode> {
  return new VerificationError<DescribeCode>("image-content", `${image} ${what}`);
}
