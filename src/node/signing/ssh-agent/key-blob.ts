// Reads public keys as OpenSSH writes them (RFC 8709 §4, RFC 5656 §3.1), in an agent's list and in .pub files.
import { createHash } from "node:crypto";
import { ed25519Spki } from "../../../protocol/cryptography/signature.ts";
import { decodeBase64 } from "../../../protocol/encoding/base64.ts";
import { concatBytes } from "../../../protocol/encoding/bytes.ts";
import { decodeHex } from "../../../protocol/encoding/hex.ts";
import { MalformedError, printable } from "../../../protocol/errors.ts";
import { SshReader } from "./wire.ts";

const FORMAT = "SSH public key";
const P256_SPKI = decodeHex("3059301306072a8648ce3d020106082a8648ce3d030107034200");
const UNCOMPRESSED = 0x04;
const POINT_BYTES = 65;

export type SshKeyType = "ssh-ed25519" | "ecdsa-sha2-nistp256";

export interface SshKey {
  readonly type: SshKeyType;
  /** The key as SSH writes it, by which an agent knows it. */
  readonly blob: Uint8Array;
  /** DER of its SubjectPublicKeyInfo, by which a trust root knows it. */
  readonly spki: Uint8Array;
}

/** `SHA256:` and base64 without padding, as `ssh-add -l` and `ssh-keygen -l` show it. */
export function fingerprintOf(blob: Uint8Array): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

/** The one line of a .pub file: type, base64, comment. @throws MalformedError as `parseKeyBlob`, and for a private key. */
export function parsePublicKeyLine(text: string): SshKey {
  if (text.includes("PRIVATE KEY"))
    throw new MalformedError(FORMAT, "it holds a private key: give the .pub beside it, and ssh-add this one");
  const [, type, base64] = /^([!-~]{1,64}) ([A-Za-z0-9+/=]{1,4096})(?: [^\n]*)?\r?\n?$/.exec(text) ?? [];
  if (base64 === undefined) throw new MalformedError(FORMAT, "expected one line: type, base64, comment");
  const key = parseKeyBlob(decodeBase64(base64));
  if (key.type !== type) throw new MalformedError(FORMAT, "the type is not that of the key");
  return key;
}

/** @throws MalformedError for a key that cannot sign entries, saying why. */
export function parseKeyBlob(blob: Uint8Array): SshKey {
  const reader = new SshReader(blob, FORMAT);
  const type = reader.name();
  if (type === "ssh-ed25519") {
    const raw = reader.string();
    reader.end();
    return { type, blob, spki: ed25519Spki(raw) };
  }
  if (type !== "ecdsa-sha2-nistp256") throw new MalformedError(FORMAT, whyNot(type));
  const curve = reader.name();
  const point = reader.string();
  reader.end();
  if (curve !== "nistp256" || point.length !== POINT_BYTES || point[0] !== UNCOMPRESSED)
    throw new MalformedError(FORMAT, "expected an uncompressed point of nistp256");
  return { type, blob, spki: concatBytes(P256_SPKI, point) };
}

function whyNot(type: string): string {
  const name = printable(type);
  if (type.startsWith("sk-"))
    return `${name} is a FIDO key: it signs the message's hash with flags and a counter, which no verifier of entries knows; use a key of ssh-ed25519 or ecdsa-sha2-nistp256`;
  if (type.includes("-cert-")) return `${name} is a certificate: give the key that it certifies`;
  return `${name} signs no entries: use a key of ssh-ed25519 or ecdsa-sha2-nistp256`;
}
