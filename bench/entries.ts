// Entries of 2 KiB, made fast: one statement as a template in which the name and three digests change.
import { createHash, createPrivateKey, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSigningKey } from "../src/node/signing/signing-key.ts";
import { canonicalize } from "../src/protocol/envelope/canonical-json.ts";
import { preAuthEncoding } from "../src/protocol/envelope/dsse.ts";
import { formatStatement } from "../src/protocol/envelope/statement.ts";

export const ENTRY_BYTES = 2048;
const NAME = "bench/entry-name";
const SUBJECT = "1".repeat(64);
const MRTD = "2".repeat(96);
const RTMR0 = "3".repeat(96);

/** A platform with a source address of the given length, as its canonical payload. */
function template(padding: number): string {
  const predicate = {
    name: NAME,
    version: "1",
    channel: "stable",
    svn: 1,
    builder: { id: "https://builds.example/pipeline" },
    source: { uri: `https://git.example/${"x".repeat(padding)}`, commit: null, sha256: null },
    provenance: null,
    firmware: null,
    mrtd: MRTD,
    pageAddOrder: "observed" as const,
    rtmr0: RTMR0,
    rtmr0From: "a benchmark",
    rtmr0Derivation: "observed" as const,
    layout: "edk2-202411" as const,
    vmm: { name: "qemu" as const, package: null, sha256: null, arguments: [] },
    events: null,
    acpi: null,
    shape: { machineType: "q35", vcpus: 8, memoryBytes: 2 ** 36, gpus: 1 },
    tdAttributes: "0000001000000000",
    xfam: "e702060000000000",
  };
  const subject = [{ name: "firmware.fd", digest: { sha256: SUBJECT } }];
  return new TextDecoder().decode(formatStatement("platform", predicate, subject));
}

const leafOf = (payload: Uint8Array, keyid: string, sig: string) =>
  Buffer.from(
    canonicalize({
      payload: Buffer.from(payload).toString("base64"),
      payloadType: "application/vnd.in-toto+json",
      signatures: [{ keyid, sig }],
    }),
  );

/** The template with which a leaf has 2 KiB, give or take the length of a name. */
function paddedTemplate(): string {
  const length = leafOf(Buffer.from(template(0)), "0".repeat(64), "x".repeat(88)).length;
  return template(Math.floor(((ENTRY_BYTES - length) * 3) / 4) - 8);
}

/** @returns what makes the payload of the platform `bench/<name>`. */
export function payloadMaker(): (name: string) => Buffer {
  const text = paddedTemplate();
  return (name) => {
    const digest = createHash("sha384").update(name).digest("hex");
    return Buffer.from(
      text
        .replace("entry-name", name)
        .replace(SUBJECT, digest.slice(0, 64))
        .replace(MRTD, digest)
        .replace(RTMR0, digest.slice(48) + digest.slice(0, 48)),
    );
  };
}

/** @returns what makes signed leaves, with the publisher's key of the log in a folder. */
export async function entryMaker(folder: string): Promise<(name: string) => Buffer> {
  const pem = readFileSync(join(folder, "keys", "publisher.pem"), "utf8");
  const { keyId } = parseSigningKey(pem);
  const key = createPrivateKey(pem);
  const payloadOf = payloadMaker();
  return (name) => {
    const payload = payloadOf(name);
    return leafOf(payload, keyId, sign(null, preAuthEncoding(payload), key).toString("base64"));
  };
}

/** The same leaves with a signature that is none: for trees of a million entries, where nobody looks at it. */
export function unsignedMaker(keyId: string): (name: string) => { payload: Buffer; leaf: Buffer } {
  const payloadOf = payloadMaker();
  const signature = Buffer.alloc(64).toString("base64");
  return (name) => {
    const payload = payloadOf(name);
    return { payload, leaf: leafOf(payload, keyId, signature) };
  };
}
