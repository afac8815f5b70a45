// Asks the kernel for a TDX quote over 64 bytes of REPORTDATA (Linux, Documentation/ABI/testing/configfs-tsm-report): a folder is made, the
// bytes are written into it, the quote is read from it.
import { randomBytes } from "node:crypto";
import { constants, mkdir, open, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { decodeHex } from "../../protocol/encoding/hex.ts";
import { parseTdxQuote } from "../../verifier/tdx/quote.ts";
import { AttestingError } from "./attesting-error.ts";

/** A folder of configfs: whoever makes an entry finds the kernel's attributes in it. */
export interface ReportFolder {
  /** @returns the path of a new entry. */
  make(): Promise<string>;
  read(entry: string, attribute: string): Promise<Uint8Array>;
  write(entry: string, attribute: string, value: Uint8Array): Promise<void>;
  remove(entry: string): Promise<void>;
}

const PROVIDER = "tdx_guest";
/** More than any quote has (TSM_REPORT_OUTBLOB_MAX of Linux is 32 KiB). */
const MAX_ATTRIBUTE_BYTES = 64 * 1024;
/** The kernel says so while the quoting enclave is busy with another guest's quote. */
const AGAIN = ["EBUSY", "EINTR", "EAGAIN"];
const REMEDY: Readonly<Record<string, string>> = {
  ENOENT: "only a TDX guest has it, with Linux 6.7 or newer, configfs mounted and tdx-guest loaded",
  EACCES: "only root makes entries there",
  EIO: "the host does not answer: is its quote generation service running?",
};
const ATTEMPTS = 5;
const PAUSE_MS = 200;

/** The kernel's folder below a root, which is / but in tests. */
export function configfs(root: string): ReportFolder {
  const folder = join(root, "sys/kernel/config/tsm/report");
  return {
    async make() {
      const entry = join(folder, `touchstone-${randomBytes(8).toString("hex")}`);
      await mkdir(entry);
      return entry;
    },
    read: (entry, attribute) => readAttribute(join(entry, attribute)),
    write: (entry, attribute, value) => writeAttribute(join(entry, attribute), value),
    remove: (entry) => rmdir(entry),
  };
}

/** Opened for nothing but writing: configfs refuses whoever asks for more of inblob, root too. What was written counts when it is closed. */
async function writeAttribute(path: string, value: Uint8Array): Promise<void> {
  const file = await open(path, constants.O_WRONLY);
  try {
    await file.writeFile(value);
  } finally {
    await file.close();
  }
}

/** Attributes have no size that could be asked for: they are read until nothing comes. */
async function readAttribute(path: string): Promise<Uint8Array> {
  const file = await open(path, "r");
  try {
    const buffer = new Uint8Array(MAX_ATTRIBUTE_BYTES);
    for (let length = 0; ; ) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length);
      if (bytesRead === 0) return buffer.subarray(0, length);
      length += bytesRead;
    }
  } finally {
    await file.close();
  }
}

/**
 * A quote over REPORTDATA, without the bytes after its signature.
 * @param reportData 64 bytes.
 * @throws AttestingError where the kernel gives none, or one that is not over these bytes.
 */
export async function requestQuote(folder: ReportFolder, reportData: Uint8Array): Promise<Uint8Array> {
  try {
    const quote = await quoteOf(folder, reportData);
    const { body, trailingBytes } = parseTdxQuote(quote);
    if (!equalBytes(decodeHex(body.reportData), reportData))
      throw new AttestingError("the kernel's quote is over other REPORTDATA than was written");
    return quote.subarray(0, quote.length - trailingBytes);
  } catch (error) {
    const remedy = REMEDY[(error as NodeJS.ErrnoException).code ?? ""];
    throw AttestingError.of(`no quote from configfs-tsm${remedy === undefined ? "" : ` (${remedy})`}`, error);
  }
}

async function quoteOf(folder: ReportFolder, reportData: Uint8Array): Promise<Uint8Array> {
  const entry = await folder.make();
  try {
    const provider = await text(folder, entry, "provider");
    if (provider !== PROVIDER)
      throw new AttestingError(
        `its provider is ${JSON.stringify(provider)}, expected ${PROVIDER}: no TDX guest`,
      );
    const before = Number(await text(folder, entry, "generation"));
    await folder.write(entry, "inblob", reportData);
    const quote = await readPatiently(folder, entry);
    // Each write counts: another one means that somebody else wrote into this entry, and the quote may be his.
    const after = Number(await text(folder, entry, "generation"));
    if (after !== before + 1)
      throw new AttestingError(
        `its generation went from ${before} to ${after}: somebody else wrote into the entry`,
      );
    return quote;
  } finally {
    await folder.remove(entry);
  }
}

async function readPatiently(folder: ReportFolder, entry: string): Promise<Uint8Array> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await folder.read(entry, "outblob");
    } catch (error) {
      if (attempt === ATTEMPTS || !AGAIN.includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

async function text(folder: ReportFolder, entry: string, attribute: string): Promise<string> {
  return new TextDecoder().decode(await folder.read(entry, attribute)).trim();
}
