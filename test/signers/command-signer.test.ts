// A program that signs: whatever form its signature has, it is verified before it is used, and a program that misbehaves is stopped.
import { sign } from "node:crypto";
import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commandSigner } from "../../src/node/signing/command-signer.ts";
import { openSigner } from "../../src/node/signing/open-signer.ts";
import { importPublicKey, verifySignature } from "../../src/protocol/cryptography/signature.ts";
import { decodeBase64 } from "../../src/protocol/encoding/base64.ts";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import { type MadeKey, SignerFiles } from "../support/signer-files.ts";

const MESSAGE = utf8("DSSEv1 of a statement\n");
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const files = new SignerFiles();
let ed25519: MadeKey;
let p256: MadeKey;
beforeAll(() => {
  ed25519 = files.key("ed25519", "ed25519");
  p256 = files.key("p256", "p256");
});
afterAll(() => files.remove());

const surroundings = { environment: process.env, warn: () => undefined };
const open = (source: string, key: MadeKey) => openSigner(`cmd:${key.publicFile} ${source}`, surroundings);

/** A program that writes this file, whatever it is given. */
function writing(name: string, bytes: Uint8Array): string {
  writeFileSync(files.path(`${name}.bin`), bytes);
  return files.program(name, `cat >/dev/null; cat ${files.path(`${name}.bin`)}`);
}

async function expectGood(source: string, key: MadeKey): Promise<void> {
  const signer = await open(source, key);
  const signature = await signer.sign(MESSAGE);
  expect(signature).toHaveLength(64);
  expect(await verifySignature(await importPublicKey(decodeBase64(signer.spki)), MESSAGE, signature)).toBe(
    true,
  );
}

describe("OpenSSL signs", () => {
  it("with P-256, whose DER becomes r and s", async () => {
    await expectGood(`openssl dgst -sha256 -sign ${p256.privateFile}`, p256);
  });

  it("with Ed25519, by a script of the user", async () => {
    const [key, file] = [ed25519.privateFile, files.path("message")];
    const script = `cat >${file}; openssl pkeyutl -sign -rawin -inkey ${key} -in ${file}`;
    await expectGood(files.program("sign-ed25519", script), ed25519);
    await expectGood(files.program("sign-base64", `{ ${script}; } | openssl base64 -A; echo`), ed25519);
  });

  it("with P-256 in base64, as the programs of clouds answer", async () => {
    const script = `openssl dgst -sha256 -sign ${p256.privateFile} | openssl base64 -A; echo`;
    await expectGood(files.program("sign-cloud", script), p256);
  });
});

describe("what a program writes", () => {
  const der = () => sign("sha256", MESSAGE, p256.privateKey);

  it("may be a signature with high S or low: the log takes either", async () => {
    const raw = sign("sha256", MESSAGE, { key: p256.privateKey, dsaEncoding: "ieee-p1363" });
    const other = Buffer.from(raw);
    const s = ORDER - BigInt(`0x${raw.subarray(32).toString("hex")}`);
    other.write(s.toString(16).padStart(64, "0"), 32, "hex");
    await expectGood(writing("one-s", raw), p256);
    await expectGood(writing("other-s", other), p256);
    await expectGood(writing("other-s-der", toDer(other)), p256);
  });

  it.each<[string, () => Uint8Array, RegExp]>([
    ["nothing", () => new Uint8Array(), /wrote 0 bytes that are no signature/],
    ["63 bytes", () => new Uint8Array(63), /wrote 63 bytes that are no signature/],
    ["DER with something behind it", () => Buffer.concat([der(), Buffer.of(0)]), /are no signature/],
    ["cut DER", () => der().subarray(0, -1), /are no signature/],
    ["DER with a leading zero too many", () => toDer(new Uint8Array(64), 1), /are no signature/],
    ["two lines", () => utf8(`${Buffer.alloc(64).toString("base64")}\n\n`), /are no signature/],
    ["PEM", () => utf8("-----BEGIN SIGNATURE-----\nAAAA\n-----END SIGNATURE-----\n"), /are no signature/],
    ["zeros", () => new Uint8Array(64), /its signature is not one of key/],
    [
      "a signature over another message",
      () => sign("sha256", utf8("x"), p256.privateKey),
      /is not one of key/,
    ],
    ["10 MB", () => new Uint8Array(10_000_000), /wrote more than 4096 bytes/],
  ])("is refused: %s", async (name, bytes, reason) => {
    const signer = await open(writing(`bad-${name.replaceAll(" ", "-")}`, bytes()), p256);
    await expect(signer.sign(MESSAGE)).rejects.toThrow(reason);
  });

  it("is refused where another key signed, which errors name", async () => {
    const other = files.key("other", "ed25519");
    const signer = await open(writing("another", sign(null, MESSAGE, other.privateKey)), ed25519);
    await expect(signer.sign(MESSAGE)).rejects.toThrow(`not one of key ${signer.keyId} over the message`);
  });

  it("is refused as DER where the key is Ed25519", async () => {
    const signer = await open(writing("der", der()), ed25519);
    await expect(signer.sign(MESSAGE)).rejects.toThrow(/are no signature/);
  });
});

describe("a program", () => {
  it("gets the message as it is, its arguments unexpanded, and the key's id and algorithm", async () => {
    const log = files.path("seen");
    const program = files.program(
      "curious",
      `cat >${log}; printf '|%s' "$@" "$TOUCHSTONE_KEYID" "$TOUCHSTONE_ALGORITHM" >>${log}; exit 1`,
    );
    const signer = await open(`${program} $HOME * ;id`, ed25519);
    await expect(signer.sign(MESSAGE)).rejects.toThrow(/ended with 1 and has not signed/);
    const { readFileSync } = await import("node:fs");
    expect(readFileSync(log, "utf8")).toBe(`DSSEv1 of a statement\n|$HOME|*|;id|${signer.keyId}|ed25519`);
  });

  it("is heard on standard error, without what would move the cursor", async () => {
    const said: string[] = [];
    const program = files.program("loud", `printf 'touch the key\\033[2J\\n\\nPIN: ' >&2; exit 3`);
    const source = { publicKey: ed25519.publicFile, program, arguments: [] };
    const signer = await commandSigner(source, { ...surroundings, warn: (text) => void said.push(text) });
    await expect(signer.sign(MESSAGE)).rejects.toThrow(/ended with 3/);
    expect(said.join("\n")).toBe("touch the key [2J\nPIN: ");
  });

  it.each([
    ["that hangs", "sleep 600"],
    ["whose child keeps its output open", "cat >/dev/null; sleep 600 & exit 0"],
  ])("%s is given up", async (name, script) => {
    const program = files.program(`slow-${name.length}`, script);
    const source = { publicKey: ed25519.publicFile, program, arguments: [] };
    const signer = await commandSigner(source, { ...surroundings, limitMs: 300 });
    await expect(signer.sign(MESSAGE)).rejects.toThrow(/has not signed within 0.3 s/);
  });

  it("that reads nothing is no fault of the pipe", async () => {
    const message = new Uint8Array(1_000_000);
    writeFileSync(files.path("deaf.bin"), sign(null, message, ed25519.privateKey));
    const signer = await open(files.program("deaf", `cat ${files.path("deaf.bin")}`), ed25519);
    expect(await signer.sign(message)).toHaveLength(64);
  });

  it.each([
    ["that is not there", "/nonexistent/signer", /there is no such program/],
    ["that is a folder", "/", /it is not executable/],
  ])("%s is named", async (_, program, reason) => {
    const signer = await open(program, ed25519);
    await expect(signer.sign(MESSAGE)).rejects.toThrow(reason);
  });
});

describe("the public key beside it", () => {
  it.each([
    ["is missing", "/nonexistent.pem", /nonexistent\.pem, the public key of a command/],
    ["is a private key", () => ed25519.privateFile, /it holds a private key/],
  ])("%s: it is said", async (_, file, reason) => {
    const path = typeof file === "string" ? file : file();
    await expect(openSigner(`cmd:${path} true`, surroundings)).rejects.toThrow(reason);
  });

  it("and the program must both be given", async () => {
    for (const source of ["cmd:", "cmd:only.pem", "cmd:  "])
      await expect(openSigner(source, surroundings)).rejects.toThrow(/after cmd: stand the file/);
  });
});

/** DER of r‖s, with so many zeros too many. */
function toDer(raw: Uint8Array, zeros = 0): Uint8Array {
  const integer = (bytes: Uint8Array) => {
    const first = bytes.findIndex((byte) => byte !== 0);
    const digits = first < 0 ? Buffer.of(0) : Buffer.from(bytes.subarray(first));
    const signed = Buffer.concat([Buffer.alloc(zeros + ((digits[0] ?? 0) >= 0x80 ? 1 : 0)), digits]);
    return Buffer.concat([Buffer.of(0x02, signed.length), signed]);
  };
  const body = Buffer.concat([integer(raw.subarray(0, 32)), integer(raw.subarray(32))]);
  return Buffer.concat([Buffer.of(0x30, body.length), body]);
}
