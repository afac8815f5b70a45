// Says what bytes look like that are not of the wanted format, such as hex text where a binary file was expected, and what to do.
// For error messages only: nothing is ever accepted because of what it looks like.

/** More than this does not change what a file looks like. */
const SAMPLE = 4096;
const MIN_DIGITS = 16;
const MIN_BASE64 = 24;
const MAX_NAMES = 4;

export type LikenessKind =
  | "base64"
  | "der"
  | "disk"
  | "download"
  | "empty"
  | "envelope"
  | "hex"
  | "json"
  | "packed"
  | "pem"
  | "text"
  | "xml";

export interface Likeness {
  readonly kind: LikenessKind;
  /** Such as "hex text" or "PEM (CERTIFICATE)". */
  readonly what: string;
  /** Such as "decode it first (xxd -r -p)". */
  readonly remedy: string;
}

const PACKED = [
  { what: "a gzip file", remedy: "unpack it first (gunzip)", magic: [0x1f, 0x8b] },
  { what: "an xz file", remedy: "unpack it first (unxz)", magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00] },
  { what: "a zstd file", remedy: "unpack it first (unzstd)", magic: [0x28, 0xb5, 0x2f, 0xfd] },
  { what: "a bzip2 file", remedy: "unpack it first (bunzip2)", magic: [0x42, 0x5a, 0x68] },
  { what: "a zip file", remedy: "unpack it first (unzip)", magic: [0x50, 0x4b, 0x03, 0x04] },
  {
    what: "a qcow2 image",
    remedy: "make it raw first (qemu-img convert -O raw)",
    magic: [0x51, 0x46, 0x49, 0xfb],
  },
] as const;
const OTHER_FILE = "give the file that is wanted here";

/**
 * What `bytes`, a whole file or its beginning, look like; undefined where they look like no other thing that people hand over.
 * @param bytes only the first 4,096 are looked at.
 */
export function recognise(bytes: Uint8Array): Likeness | undefined {
  const sample = bytes.subarray(0, SAMPLE);
  if (sample.length === 0) return { kind: "empty", what: "an empty file", remedy: "make it again" };
  return recognisePacked(sample) ?? recogniseDisk(sample) ?? recogniseDer(sample) ?? recogniseText(sample);
}

/**
 * The end of a message: ": it looks like hex text, decode it first (xxd -r -p)", or nothing.
 * @param wanted kinds that the reader takes, of which nothing is said.
 * @example
 * throw new MalformedError("TDX quote", `version ${version} is not supported${likeness(bytes)}`, 0);
 */
export function likeness(bytes: Uint8Array, ...wanted: readonly LikenessKind[]): string {
  const found = recognise(bytes);
  return found === undefined || wanted.includes(found.kind)
    ? ""
    : `: it looks like ${found.what}, ${found.remedy}`;
}

function recognisePacked(sample: Uint8Array): Likeness | undefined {
  const found = PACKED.find(({ magic }) => magic.every((byte, i) => sample[i] === byte));
  return found && { kind: "packed", what: found.what, remedy: found.remedy };
}

/** The header of a partition table, in the second sector of 512 bytes. */
function recogniseDisk(sample: Uint8Array): Likeness | undefined {
  if (new TextDecoder("latin1").decode(sample.subarray(512, 520)) !== "EFI PART") return undefined;
  return { kind: "disk", what: "a whole disk", remedy: "give the partition's content" };
}

/** A SEQUENCE with a length of two bytes around another: a certificate, a key or a signature. */
function recogniseDer(sample: Uint8Array): Likeness | undefined {
  if (sample[0] !== 0x30 || sample[1] !== 0x82 || sample[4] !== 0x30) return undefined;
  return { kind: "der", what: "DER, such as a certificate", remedy: OTHER_FILE };
}

function recogniseText(sample: Uint8Array): Likeness | undefined {
  if ((sample[0] === 0xff && sample[1] === 0xfe) || (sample[0] === 0xfe && sample[1] === 0xff))
    return { kind: "text", what: "UTF-16 text", remedy: "give the file that it was made from" };
  if (!isText(sample)) return undefined;
  // The end of the sample may cut a character.
  const text = new TextDecoder().decode(sample).trim();
  return (
    recognisePem(text) ??
    recogniseDownload(text) ??
    recogniseJson(text) ??
    recogniseDigits(text) ?? {
      kind: "text",
      what: `text that begins ${JSON.stringify(text.slice(0, 40))}`,
      remedy: OTHER_FILE,
    }
  );
}

/** No control characters but white space and escape: a binary file has others within its first bytes. */
function isText(sample: Uint8Array): boolean {
  return sample.every((byte) => byte >= 32 || (byte >= 9 && byte <= 13) || byte === 27);
}

function recognisePem(text: string): Likeness | undefined {
  const label = /-----BEGIN ([A-Z0-9 ]{1,40})-----/.exec(text)?.[1];
  if (label === undefined) return undefined;
  return { kind: "pem", what: `PEM (${label})`, remedy: "give the bytes that it holds, its base64 decoded" };
}

/** What stands where a file should be when it was not really fetched. */
function recogniseDownload(text: string): Likeness | undefined {
  if (text.startsWith("version https://git-lfs.github.com/spec/"))
    return { kind: "download", what: "a Git LFS pointer", remedy: "fetch the file itself (git lfs pull)" };
  if (/^<(?:!doctype html|html)\b/i.test(text))
    return {
      kind: "download",
      what: "an HTML page",
      remedy: "download the file again: a web page was answered",
    };
  if (text.startsWith("<")) return { kind: "xml", what: "XML", remedy: OTHER_FILE };
  return undefined;
}

function recogniseJson(text: string): Likeness | undefined {
  if (!/^(?:\{\s*["}]|\[\s*["[{\]\d])/.test(text)) return undefined;
  const names = [...text.matchAll(/"([A-Za-z_$][\w$.-]{0,39})"\s*:/g)].slice(0, MAX_NAMES);
  const members = names.length === 0 ? "" : ` with ${names.map(([, name]) => `"${name}"`).join(", ")}`;
  if (names.some(([, name]) => name === "payloadType" || name === "dsseEnvelope"))
    return {
      kind: "envelope",
      what: `a signed envelope${members}`,
      remedy: "give the statement that was signed: its payload, decoded",
    };
  return { kind: "json", what: `JSON${members}`, remedy: "take the value out of it (jq -r) and decode it" };
}

function recogniseDigits(text: string): Likeness | undefined {
  const digits = text.replace(/^0x/i, "").replace(/[\s:]/g, "");
  if (digits.length >= MIN_DIGITS && /^[0-9a-f]+$/i.test(digits))
    return { kind: "hex", what: "hex text", remedy: "decode it first (xxd -r -p)" };
  const words = text.replace(/[\r\n]/g, "");
  if (words.length < MIN_BASE64 || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(words)) return undefined;
  return { kind: "base64", what: "base64 text", remedy: "decode it first (base64 -d)" };
}
