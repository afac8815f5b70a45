// An SSH agent signs: OpenSSH's own, and agents that lie. The agent is started here, on a socket of its own.
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer, type Server } from "node:net";
import * as fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { openSigner } from "../../src/node/signing/open-signer.ts";
import { agentSigner } from "../../src/node/signing/ssh-agent/agent-signer.ts";
import {
  fingerprintOf,
  parseKeyBlob,
  parsePublicKeyLine,
} from "../../src/node/signing/ssh-agent/key-blob.ts";
import { sshString, sshUint32 } from "../../src/node/signing/ssh-agent/wire.ts";
import { importPublicKey, verifySignature } from "../../src/protocol/cryptography/signature.ts";
import { decodeBase64 } from "../../src/protocol/encoding/base64.ts";
import { concatBytes } from "../../src/protocol/encoding/bytes.ts";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import { MalformedError } from "../../src/protocol/errors.ts";
import { SignerFiles } from "../support/signer-files.ts";

const MESSAGE = utf8("DSSEv1 of a statement\n");
const files = new SignerFiles();
const haveOpenSsh = spawnSync("ssh-keygen", ["-?"]).error === undefined;
afterAll(() => files.remove());

describe.skipIf(!haveOpenSsh)(
  `OpenSSH's agent${haveOpenSsh ? "" : " (skipped: OpenSSH is not installed)"}`,
  () => {
    const socket = files.path("agent");
    const environment = { ...process.env, SSH_AUTH_SOCK: socket };
    const surroundings = { environment, warn: () => undefined };
    const agent = haveOpenSsh ? spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" }) : null;

    const make = (type: string, ...options: string[]) => {
      const path = files.path(`id_${type}`);
      spawnSync("ssh-keygen", ["-q", "-t", type, "-N", "", "-C", "a comment", "-f", path, ...options]);
      return path;
    };

    beforeAll(async () => {
      while (!existsSync(socket)) await new Promise((resolve) => setTimeout(resolve, 10));
      for (const path of [make("ed25519"), make("ecdsa", "-b", "256"), make("rsa", "-b", "2048")])
        spawnSync("ssh-add", ["-q", path], { env: environment });
    });
    afterAll(() => {
      agent?.kill();
    });

    it.each(["ed25519", "ecdsa"])("signs with a key of %s, named by fingerprint or by .pub", async (type) => {
      const path = files.path(`id_${type}.pub`);
      const fingerprint = spawnSync("ssh-keygen", ["-l", "-f", path], { encoding: "utf8" }).stdout.split(
        " ",
      )[1];
      for (const source of [`ssh-agent:${fingerprint}`, `ssh-agent:${path}`]) {
        const signer = await openSigner(source, surroundings);
        const key = await importPublicKey(decodeBase64(signer.spki));
        // Now and then an r or an s is shorter than 32 bytes, or has a leading zero.
        for (let i = 0; i < 40; i++) {
          const message = utf8(`message ${i}`);
          expect(await verifySignature(key, message, await signer.sign(message))).toBe(true);
        }
      }
    });

    it("does not sign with a key that it does not have", async () => {
      const path = make("ed25519", "-f", files.path("id_elsewhere"));
      expect(existsSync(path)).toBe(true);
      const signer = await openSigner(`ssh-agent:${files.path("id_elsewhere.pub")}`, surroundings);
      await expect(signer.sign(MESSAGE)).rejects.toThrow(/refused: it does not have the key/);
      const unknown = `ssh-agent:SHA256:${"A".repeat(43)}`;
      await expect(openSigner(unknown, surroundings)).rejects.toThrow(/does not have SHA256:AAAA/);
    });

    it("is asked for no key of RSA, and for none of a private file", async () => {
      await expect(openSigner(`ssh-agent:${files.path("id_rsa.pub")}`, surroundings)).rejects.toThrow(
        /ssh-rsa signs no entries/,
      );
      await expect(openSigner(`ssh-agent:${files.path("id_ed25519")}`, surroundings)).rejects.toThrow(
        /it holds a private key: give the \.pub beside it/,
      );
    });
  },
);

describe("a key that no agent can sign entries with is refused by name", () => {
  const line = (type: string, ...parts: (string | Uint8Array)[]) =>
    `${type} ${Buffer.from(concatBytes(sshString(type), ...parts.map(sshString))).toString("base64")} me`;
  const raw = new Uint8Array(32).fill(7);

  it.each([
    [line("sk-ssh-ed25519@openssh.com", raw, "ssh:"), /sk-ssh-ed25519@openssh\.com is a FIDO key/],
    [line("sk-ecdsa-sha2-nistp256@openssh.com", "nistp256", raw, "ssh:"), /is a FIDO key/],
    [line("ssh-ed25519-cert-v01@openssh.com", raw, raw), /is a certificate/],
    [line("ecdsa-sha2-nistp384", "nistp384", raw), /ecdsa-sha2-nistp384 signs no entries/],
    [line("ecdsa-sha2-nistp256", "nistp384", new Uint8Array(65).fill(4)), /uncompressed point of nistp256/],
    [line("ecdsa-sha2-nistp256", "nistp256", new Uint8Array(33).fill(2)), /uncompressed point of nistp256/],
    [line("ssh-ed25519", raw, "more"), /bytes are left over/],
    [line("ssh-ed25519", raw.subarray(1)), /expected 32 bytes, got 31/],
    [line("ssh-ed25519", raw).replace("ssh-ed25519 ", "ssh-rsa "), /the type is not that of the key/],
    ["ssh-ed25519 AAAA", /it is cut/],
    ["ssh-ed25519", /expected one line/],
    [`${line("ssh-ed25519", raw)}\n${line("ssh-ed25519", raw)}`, /expected one line/],
  ])("%s", (text, reason) => {
    expect(() => parsePublicKeyLine(text)).toThrow(reason);
  });
});

describe("an agent that lies", () => {
  const TYPE = "ssh-ed25519";
  const key = files.key("liar", "ed25519");
  const raw = key.publicKey.export({ format: "der", type: "spki" }).subarray(-32);
  const blob = concatBytes(sshString(TYPE), sshString(new Uint8Array(raw)));
  const framed = (...parts: Uint8Array[]) => sshString(concatBytes(...parts));
  const list = framed(Uint8Array.of(12), sshUint32(1), sshString(blob), sshString("comment"));
  const signed = (type: string, content: Uint8Array) =>
    framed(Uint8Array.of(14), sshString(concatBytes(sshString(type), sshString(content))));
  let server: Server | undefined;
  afterEach(() => server?.close());

  /** Answers a request for the list with the first, and for a signature with the second; null answers nothing. */
  const serve = async (listed: Uint8Array, signature: Uint8Array | null, limitMs = 60_000) => {
    const socket = files.path(`liar-${Math.random()}`);
    server = createServer((connection) => {
      connection.on("error", () => undefined);
      connection.on("data", (request) => {
        const answer = request[4] === 11 ? listed : signature;
        if (answer !== null) connection.end(answer);
      });
    });
    await new Promise<void>((resolve) => server?.listen(socket, resolve));
    return agentSigner(fingerprintOf(blob), { environment: { SSH_AUTH_SOCK: socket }, limitMs });
  };

  it.each<[string, Uint8Array, RegExp]>([
    ["with a signature of zeros", signed(TYPE, new Uint8Array(64)), /its signature is not one of key/],
    ["with 63 bytes", signed(TYPE, new Uint8Array(63)), /its signature is not one of key/],
    [
      "with another type",
      signed("ssh-rsa", new Uint8Array(64)),
      /signed as ssh-rsa with a key of ssh-ed25519/,
    ],
    ["with a failure", framed(Uint8Array.of(5)), /refused/],
    ["with another message", framed(Uint8Array.of(12), sshUint32(0)), /answered with message 12, not 14/],
    ["with nothing in it", framed(Uint8Array.of(14)), /it is cut/],
    ["with more behind", concatBytes(signed(TYPE, new Uint8Array(64)), Uint8Array.of(0)), /said more/],
    [
      "with more than it may",
      concatBytes(sshUint32(10_000_000), new Uint8Array(100)),
      /announces an answer of 10000000 bytes/,
    ],
    ["with an empty message", sshUint32(0), /announces an answer of 0 bytes/],
    ["and hangs up", Uint8Array.of(0, 0), /hung up/],
  ])("%s is caught", async (_, signature, reason) => {
    const signer = await serve(list, signature);
    await expect(signer.sign(MESSAGE)).rejects.toThrow(reason);
  });

  it("by a number of keys is caught", async () => {
    const many = framed(Uint8Array.of(12), sshUint32(4_000_000_000));
    await expect(serve(many, null)).rejects.toThrow(/offers 4000000000 keys/);
    await expect(serve(framed(Uint8Array.of(12), sshUint32(2)), null)).rejects.toThrow(/it is cut/);
  });

  it("or never answers is given up", async () => {
    const signer = await serve(list, null, 300);
    await expect(signer.sign(MESSAGE)).rejects.toThrow(/has not answered within 0\.3 s/);
  });

  it("is not asked where there is none", async () => {
    const none = { environment: { SSH_AUTH_SOCK: files.path("nobody") } };
    await expect(agentSigner(fingerprintOf(blob), none)).rejects.toThrow(/ENOENT: is the agent running/);
    await expect(agentSigner(fingerprintOf(blob), { environment: {} })).rejects.toThrow(
      /SSH_AUTH_SOCK is not set/,
    );
    await expect(agentSigner("SHA256:short", none)).rejects.toThrow(/43 characters/);
  });
});

it("whatever bytes stand for a key, they are a key or malformed", () => {
  const types = fc.constantFrom("ssh-ed25519", "ecdsa-sha2-nistp256", "sk-ssh-ed25519@openssh.com", "x");
  const parts = fc.array(fc.uint8Array({ maxLength: 70 }), { maxLength: 3 });
  const blobs = fc.oneof(
    fc.uint8Array({ maxLength: 120 }),
    fc.tuple(types, parts).map(([type, rest]) => concatBytes(sshString(type), ...rest.map(sshString))),
  );
  fc.assert(
    fc.property(blobs, (blob) => {
      try {
        expect([44, 91]).toContain(parseKeyBlob(blob).spki.length);
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedError);
      }
    }),
    { numRuns: 1000 },
  );
});
