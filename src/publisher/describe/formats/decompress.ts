// Decompresses kernel modules, which are shipped plain, or as .gz (RFC 1952), .xz or .zst (RFC 8878). The content is unpacked into a
// private temporary file, with a limit on its size, so that what reads it has random access and a decompression bomb ends early.
import { spawn } from "node:child_process";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { ToolMissingError } from "../../../node/run-tool.ts";
import { MalformedError } from "../../../protocol/errors.ts";
import { RandomAccess, withFile } from "../files/random-access.ts";

/** The most bytes that a compressed file may hold. nvidia.ko with its debug information has about 250 MiB. */
export const MAX_UNPACKED = 1024 * 1024 * 1024;

const MAGIC = [
  { packing: "gzip", bytes: [0x1f, 0x8b] },
  { packing: "xz", bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00] },
  { packing: "zstd", bytes: [0x28, 0xb5, 0x2f, 0xfd] },
] as const;
type Packing = (typeof MAGIC)[number]["packing"];

/** Decoder memory is limited too: both formats let a file ask for gigabytes of window. */
const COMMANDS = {
  xz: ["--decompress", "--stdout", "--format=xz", "--memlimit-decompress=256MiB", "--no-warn", "--quiet"],
  zstd: ["--decompress", "--stdout", "--memory=256MiB", "--quiet", "--no-progress"],
} as const;

/**
 * Calls `use` with the content of the file at `path`, unpacked when its first bytes say that it is compressed.
 * @throws MalformedError when it does not unpack, or to more than `limit` bytes; ToolMissingError without xz or zstd.
 */
export async function withUnpacked<T>(
  path: string,
  format: string,
  use: (file: RandomAccess) => Promise<T>,
  limit = MAX_UNPACKED,
): Promise<T> {
  const packing = await withFile(path, format, readPacking);
  if (packing === null) return await withFile(path, format, use);
  const folder = await mkdtemp(join(tmpdir(), "touchstone-unpack-"));
  try {
    const unpacked = join(folder, "content");
    await unpack(path, packing, unpacked, format, limit);
    return await useUnpacked(path, unpacked, format, use);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function useUnpacked<T>(
  path: string,
  unpacked: string,
  format: string,
  use: (file: RandomAccess) => Promise<T>,
): Promise<T> {
  const handle = await open(unpacked, "r");
  try {
    // Errors name the file that was given and the offset in its unpacked content.
    const { size } = await handle.stat();
    return await use(new RandomAccess(handle, `unpacked ${format}`, path, 0, size));
  } finally {
    await handle.close();
  }
}

async function readPacking(file: RandomAccess): Promise<Packing | null> {
  const start = await file.read(0, Math.min(6, file.size), "the first bytes");
  return MAGIC.find(({ bytes }) => bytes.every((byte, i) => start[i] === byte))?.packing ?? null;
}

async function unpack(path: string, packing: Packing, to: string, format: string, limit: number) {
  const packed = createReadStream(path);
  const bounded = limitBytes(`${format} ${path}`, limit);
  const target = createWriteStream(to, { flags: "wx", mode: 0o600 });
  try {
    if (packing === "gzip") await pipeline(packed, createGunzip(), bounded, target);
    else await unpackWith(packing, packed, bounded, target);
  } catch (error) {
    packed.destroy();
    if (error instanceof MalformedError || error instanceof ToolMissingError) throw error;
    throw new MalformedError(
      `${format} ${path}`,
      `does not unpack as ${packing}: ${(error as Error).message}`,
    );
  }
}

async function unpackWith(
  tool: "xz" | "zstd",
  packed: Readable,
  bounded: Transform,
  target: NodeJS.WritableStream,
) {
  const child = spawn(tool, COMMANDS[tool], { stdio: ["pipe", "pipe", "ignore"] });
  const ended = new Promise<void>((resolve, reject) => {
    child.on("error", (error: NodeJS.ErrnoException) =>
      reject(error.code === "ENOENT" ? new ToolMissingError(tool) : error),
    );
    child.on("close", (code) => (code === 0 ? resolve() : reject(new Error(`${tool} ended with ${code}`))));
  });
  // The program's own verdict wins over the broken pipe that follows from it.
  const fed = pipeline(packed, child.stdin).catch(() => {});
  const written = pipeline(child.stdout, bounded, target).catch((error: unknown) => {
    child.kill("SIGKILL");
    throw error;
  });
  const [output, exit] = await Promise.allSettled([written, ended, fed]);
  if (output.status === "rejected" && output.reason instanceof MalformedError) throw output.reason;
  if (exit.status === "rejected") throw exit.reason;
  if (output.status === "rejected") throw output.reason;
}

function limitBytes(what: string, limit: number): Transform {
  let length = 0;
  return new Transform({
    transform(piece: Buffer, _encoding, done) {
      length += piece.length;
      if (length > limit) done(new MalformedError(what, `unpacks to more than ${limit} bytes`));
      else done(null, piece);
    },
  });
}
