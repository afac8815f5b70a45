// Signing: what is signed is the canonical form, signers come one after another, and keys never show.
import { spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSigner } from "../../../src/node/signing/open-signer.ts";
import { generateSigningKey, parseSigningKey } from "../../../src/node/signing/signing-key.ts";
import { KeyRing } from "../../../src/protocol/cryptography/key-ring.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { type Envelope, envelopeToJson, verifyEnvelope } from "../../../src/protocol/envelope/dsse.ts";
import { formatStatement } from "../../../src/protocol/envelope/statement.ts";
import { MalformedError } from "../../../src/protocol/errors.ts";
import { parseSignable, signEnvelope } from "../../../src/publisher/signing/sign.ts";
import { malformedOf } from "../../support/refusals.ts";
import { platformPredicate, sha256Of } from "../../support/release-predicates.ts";

const inEnvironment = (environment: NodeJS.ProcessEnv = {}) => ({ environment, warn: () => undefined });
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-sign-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const SUBJECT = [{ name: "x", digest: { sha256: sha256Of("x") } }];
const PAYLOAD = formatStatement("platform", platformPredicate(), SUBJECT);
const pem = (type: "ed25519" | "P-256" | "P-384" | "rsa") => {
  const { privateKey } =
    type === "rsa"
      ? generateKeyPairSync("rsa", { modulusLength: 2048 })
      : type === "ed25519"
        ? generateKeyPairSync("ed25519")
        : generateKeyPairSync("ec", { namedCurve: type });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
};

describe("what is signed", () => {
  it("is the RFC 8785 form of a statement in any JSON form", () => {
    const pretty = JSON.stringify(JSON.parse(new TextDecoder().decode(PAYLOAD)), null, 2);
    expect(parseSignable(utf8(pretty))).toEqual({ payload: PAYLOAD, signatures: [] });
    expect(parseSignable(PAYLOAD).payload).toEqual(PAYLOAD);
  });

  it("is refused when it is no statement, has a member twice, or is no JSON", async () => {
    const text = new TextDecoder().decode(PAYLOAD);
    for (const bad of [
      "",
      "null",
      "{}",
      "[]",
      "1",
      text.replace('"svn":1', '"svn":1,"svn":1'),
      text.slice(1),
    ])
      expect(await malformedOf(() => parseSignable(utf8(bad))), bad.slice(0, 20)).toBeDefined();
  });
});

describe("signing", () => {
  it.each(["ed25519", "P-256"] as const)("with %s gives what verifies", async (type) => {
    const key = parseSigningKey(pem(type));
    const envelope = await signEnvelope(parseSignable(PAYLOAD), [key]);
    const ring = new KeyRing();
    await ring.add([key.spki]);
    expect((await verifyEnvelope(envelope, ring.lookup)).signers).toEqual([key.keyId]);
  });

  it("goes on where another signer ended, on another machine, in any order", async () => {
    const [a, b] = [parseSigningKey(generateSigningKey()), parseSigningKey(generateSigningKey())];
    const passOn = (envelope: Envelope) => parseSignable(utf8(JSON.stringify(envelopeToJson(envelope))));
    const ab = await signEnvelope(passOn(await signEnvelope(parseSignable(PAYLOAD), [a])), [b]);
    const ba = await signEnvelope(passOn(await signEnvelope(parseSignable(PAYLOAD), [b])), [a]);
    expect(ab.leaf).toEqual(ba.leaf);
    expect((await signEnvelope(parseSignable(PAYLOAD), [a, b])).leaf).toEqual(ab.leaf);
  });

  it("twice with one key is refused: it would count once", async () => {
    const key = parseSigningKey(generateSigningKey());
    const once = await signEnvelope(parseSignable(PAYLOAD), [key]);
    expect((await malformedOf(() => signEnvelope(once, [key])))?.message).toContain("has signed it already");
    expect(await malformedOf(() => signEnvelope(parseSignable(PAYLOAD), [key, key]))).toBeDefined();
  });
});

describe("a signing key", () => {
  it("comes from a file or an environment variable", async () => {
    const text = pem("ed25519");
    const file = join(folder, "key.pem");
    writeFileSync(file, text);
    const { keyId } = parseSigningKey(text);
    expect((await openSigner(file, inEnvironment())).keyId).toBe(keyId);
    expect((await openSigner("env:SIGNING_KEY", inEnvironment({ SIGNING_KEY: text }))).keyId).toBe(keyId);
  });

  it("that is missing is said to be, by name", async () => {
    expect((await malformedOf(() => openSigner("env:NOT_SET", inEnvironment())))?.message).toContain(
      "NOT_SET is not set",
    );
    await expect(openSigner(join(folder, "none.pem"), inEnvironment())).rejects.toThrow(
      "none.pem: there is no such file",
    );
  });

  it("never shows in an error, whatever is wrong with it", async () => {
    const secret = pem("ed25519").split("\n")[1]!;
    const bad = [
      secret,
      `-----BEGIN PRIVATE KEY-----\n${secret.slice(0, 24)}\n-----END PRIVATE KEY-----`,
      `${secret}
${secret}`,
      "",
    ];
    for (const text of bad) {
      const error = await malformedOf(() => openSigner("env:KEY", inEnvironment({ KEY: text })));
      expect(error).toBeInstanceOf(MalformedError);
      expect(`${error?.message} ${error?.stack}`).not.toContain(secret.slice(0, 24));
    }
  });

  it("that is encrypted is refused, and not asked about", async () => {
    const { privateKey } = generateKeyPairSync("ed25519");
    const encrypted = privateKey.export({
      type: "pkcs8",
      format: "pem",
      cipher: "aes-256-cbc",
      passphrase: "x",
    });
    expect((await malformedOf(() => parseSigningKey(encrypted.toString())))?.message).toContain(
      "unencrypted PKCS#8",
    );
  });

  it("is Ed25519 or P-256 and nothing else", async () => {
    expect(await malformedOf(() => parseSigningKey(pem("P-384")))).toBeDefined();
    expect(await malformedOf(() => parseSigningKey(pem("rsa")))).toBeDefined();
  });
});

describe("a key in another form is refused in words that lead to the repair", () => {
  const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const good = pem("ed25519");
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  const encrypted = { type: "sec1", format: "pem", cipher: "aes-128-cbc", passphrase: "x" } as const;
  const OPENSSH =
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU=\n-----END OPENSSH PRIVATE KEY-----\n";

  it.each<[string, string, string]>([
    ["pasted with \\n", good.replaceAll("\n", "\\n"), "line ends were lost"],
    ["pasted with spaces", good.replaceAll("\n", " "), "line ends were lost"],
    ["pasted as base64", Buffer.from(good).toString("base64"), "it is base64 of PEM: base64 -d"],
    ["without its frame", good.split("\n")[1]!, "the BEGIN and END lines are missing"],
    ["empty", " \n", "it is empty"],
    ["cut", good.slice(0, 80), "it has no END line: it was cut"],
    ["damaged", good.replace(/^M/m, "N"), "is damaged or cut"],
    ["OpenSSH", OPENSSH, "touchstone key generate"],
    ["encrypted SEC 1", p256.privateKey.export(encrypted).toString(), "openssl pkey -in FILE"],
    [
      "SEC 1",
      p256.privateKey.export({ type: "sec1", format: "pem" }).toString(),
      "openssl pkcs8 -topk8 -nocrypt",
    ],
    ["RSA, PKCS #1", rsa.export({ type: "pkcs1", format: "pem" }).toString(), "it is an RSA key"],
    ["RSA", rsa.export({ type: "pkcs8", format: "pem" }).toString(), "got rsa"],
    ["P-384", pem("P-384"), "its curve is secp384r1"],
    ["two in one file", `${good}${pem("P-256")}`, "it holds 2 private keys"],
    ["a public key", p256.publicKey.export({ type: "spki", format: "pem" }).toString(), "it is a public key"],
    ["a log's key", "PRIVATE+KEY+log.example+0a0b0c0d+AQID", "a key of a log or cosigner"],
  ])("%s", async (_, text, repair) => {
    const file = join(folder, "wrong.pem");
    writeFileSync(file, text, { mode: 0o600 });
    const fromFile = await malformedOf(() => openSigner(file, inEnvironment()));
    expect(fromFile?.message).toContain(`${file}: `);
    expect(fromFile?.message).toContain(repair);
    expect((await malformedOf(() => openSigner("env:KEY", inEnvironment({ KEY: text }))))?.message).toContain(
      "env:KEY: ",
    );
  });

  it("UTF-16", async () => {
    const file = join(folder, "utf16.pem");
    writeFileSync(file, Buffer.from(good, "utf16le"), { mode: 0o600 });
    expect((await malformedOf(() => openSigner(file, inEnvironment())))?.message).toContain(
      "save it as plain text",
    );
  });

  it("with a byte order mark, line ends of Windows or words before it is that key all the same", () => {
    const { keyId } = parseSigningKey(good);
    for (const text of [`\ufeff${good}`, good.replaceAll("\n", "\r\n"), `my key\n${good}`])
      expect(parseSigningKey(text).keyId).toBe(keyId);
  });

  it.each(["compressed", "explicit"])(
    "P-256 with %s parameters signs, but no trust root could list it",
    async (form) => {
      const { error, stdout } = spawnSync(
        "openssl",
        form === "compressed" ? ["ec", "-conv_form", "compressed"] : ["ec", "-param_enc", "explicit"],
        { input: p256.privateKey.export({ type: "sec1", format: "pem" }) },
      );
      if (error !== undefined) return console.warn("skipped: openssl is not installed");
      const { stdout: pkcs8 } = spawnSync("openssl", ["pkcs8", "-topk8", "-nocrypt"], { input: stdout });
      const refused = await malformedOf(() => parseSigningKey(pkcs8.toString()));
      expect(refused?.message).toMatch(
        /so no trust root can list it: openssl ec -in FILE -conv_form uncompressed/,
      );
    },
  );
});

describe("a key file", () => {
  it.skipIf(process.platform === "win32")(
    "that others can read is used with a warning that says what to do, as ssh warns",
    async () => {
      const file = join(folder, "open.pem");
      writeFileSync(file, pem("ed25519"));
      const warned: string[] = [];
      for (const mode of [0o600, 0o400, 0o644, 0o640]) {
        chmodSync(file, mode);
        await openSigner(file, { environment: {}, warn: (text) => void warned.push(text) });
      }
      expect(warned).toEqual([
        expect.stringContaining(
          `${file}: others than its owner can read this private key (mode 644): chmod 600`,
        ),
        expect.stringContaining("(mode 640)"),
      ]);
    },
  );
});
