// A token behind PKCS #11 signs: SoftHSM's, in a folder of the test.
import { generateKeyPairSync, sign } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { pkcs11Signer } from "../../src/node/signing/pkcs11/pkcs11-signer.ts";
import {
  type Attribute,
  type Cryptoki,
  type Handle,
  loadPkcs11js,
} from "../../src/node/signing/pkcs11/pkcs11js.ts";
import { parseKeyUri } from "../../src/node/signing/pkcs11/uri.ts";
import { keyIdOf } from "../../src/protocol/cryptography/signature.ts";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import { type MadeKey, SignerFiles } from "../support/signer-files.ts";
import { importKey, loadPkcs11, makeCardKey, makeToken, PIN, whyNoSoftHsm } from "../support/soft-hsm.ts";

const MESSAGE = utf8("DSSEv1 of a statement\n");
const files = new SignerFiles();
afterAll(() => files.remove());

describe.skipIf(whyNoSoftHsm)(`SoftHSM${whyNoSoftHsm ? ` (skipped: ${whyNoSoftHsm})` : ""}`, () => {
  let modulePath: string;
  const made: Record<string, MadeKey> = {};
  const uri = (path: string, query = "&pin-source=env:PIN") =>
    `pkcs11:${path}?module-path=${modulePath}${query}`;
  const open = (text: string, environment: NodeJS.ProcessEnv = { PIN }) =>
    pkcs11Signer(text, { environment, load: loadPkcs11 });

  beforeAll(() => {
    modulePath = makeToken(files.folder, "release keys").modulePath;
    for (const [name, type, id] of [
      ["edwards", "ed25519", "01"],
      ["nist", "p256", "02"],
      ["twice", "p256", "03"],
      ["twice", "ed25519", "04"],
    ] as const) {
      made[`${name}-${id}`] = files.key(`${name}-${id}`, type);
      importKey("release keys", files.path(`${name}-${id}.pem`), name, id);
    }
    files.key("large", "p256");
  });

  it("is asked once with a PIN that is wrong, which stands in no error", async () => {
    const refused = open(uri("object=edwards"), { PIN: "987654" });
    await expect(refused).rejects.toThrow(/^pkcs11: CKR_PIN_INCORRECT$/);
  });

  it.each([
    ["token=release%20keys;object=edwards", "edwards-01"],
    ["token=release%20keys;object=nist;type=private", "nist-02"],
    ["manufacturer=SoftHSM%20project;id=%03", "twice-03"],
    ["object=twice;id=%04", "twice-04"],
  ])("signs as the key of %s", async (path, name) => {
    const signer = await open(uri(path));
    const spki = made[name]?.publicKey.export({ format: "der", type: "spki" }) ?? Buffer.alloc(0);
    expect(signer.keyId).toBe(keyIdOf(spki));
    // Verified inside, or this throws.
    expect(await signer.sign(MESSAGE)).toHaveLength(64);
  });

  it("signs with two keys at once, each one message at a time", async () => {
    const both = [await open(uri("object=edwards")), await open(uri("object=nist"))];
    const messages = Array.from({ length: 20 }, (_, i) => utf8(`message ${i}`));
    const all = both.flatMap((signer) => messages.map((message) => signer.sign(message)));
    expect(await Promise.all(all)).toHaveLength(40);
  });

  it("signs with a key that wants its PIN each time, as a card's does", async () => {
    makeCardKey(modulePath, "release keys", "card");
    const signer = await open(uri("object=card"));
    for (const _ of [1, 2]) expect(await signer.sign(MESSAGE)).toHaveLength(64);
  });

  it.each([
    ["a token that is not there", "token=none;object=nist", /there is no token as the URI names it/],
    ["a slot that is not there", "slot-id=7;object=nist", /there is no token/],
    ["a key that is not there", "object=none", /there is no private key as the URI names it/],
    ["two keys of one name", "object=twice", /names more than one private key/],
  ])("refuses %s", async (_, path, reason) => {
    await expect(open(uri(path))).rejects.toThrow(reason);
  });

  it("names a library that is none", async () => {
    await expect(open("pkcs11:object=x?module-path=/nonexistent.so")).rejects.toThrow(/nonexistent/);
  });

  it("without its PIN shows no private key, and the variable of the PIN is asked for", async () => {
    await expect(open(uri("object=nist"), {})).rejects.toThrow(
      /variable PIN, which holds the PIN, is not set/,
    );
  });
});

describe("a token, opened again and again by a log that cannot be started", () => {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const point = publicKey.export({ format: "der", type: "spki" }).subarray(-32);
  const uri = (path: string) => `pkcs11:object=${path}?module-path=/lib/of-a-test.so&pin-source=env:PIN`;

  /** Has one token, whose PIN is 1234, and an Ed25519 key. */
  class Library implements Cryptoki {
    static logins = 0;
    static readonly sessions = new Set<Handle>();
    static unplugged = false;
    #found: Handle[] = [];
    load() {}
    C_Initialize() {}
    C_GetSlotList = () => [Buffer.alloc(8)];
    C_GetTokenInfo = () => ({ label: "", manufacturerID: "", model: "", serialNumber: "", flags: 0x400 });
    C_OpenSession() {
      const session = Buffer.alloc(8);
      Library.sessions.add(session);
      return session;
    }
    C_CloseSession = (session: Handle) => void Library.sessions.delete(session);
    C_Login(_session: Handle, _type: number, pin: string) {
      Library.logins++;
      if (pin !== "1234") throw new Error("CKR_PIN_INCORRECT");
    }
    C_FindObjectsInit(_: Handle, template: readonly Attribute[]) {
      this.#found = template.some(({ value }) => value === "missing") ? [] : [Buffer.alloc(8)];
    }
    C_FindObjects = () => this.#found.splice(0);
    C_FindObjectsFinal() {}
    C_GetAttributeValue = (_session: Handle, _object: Handle, [asked]: readonly { type: number }[]) => [
      { value: { 256: Buffer.of(0x40, 0, 0, 0), 385: point }[asked?.type ?? 0] ?? Buffer.alloc(0) },
    ];
    C_SignInit() {
      if (Library.unplugged) throw new Error("CKR_SESSION_HANDLE_INVALID");
    }
    C_SignAsync = async (_: Handle, message: Buffer) => sign(null, message, privateKey);
  }
  const open = (path: string, PIN: string) =>
    pkcs11Signer(uri(path), { environment: { PIN }, load: () => ({ PKCS11: Library }) });
  beforeEach(() => {
    Library.logins = 0;
    Library.sessions.clear();
  });

  it("is given a wrong PIN once, whichever key is asked for, and then the right one", async () => {
    await expect(open("a", "4321")).rejects.toThrow("CKR_PIN_INCORRECT");
    for (const path of ["a", "b"]) await expect(open(path, "4321")).rejects.toThrow(/refused this PIN/);
    expect([Library.logins, Library.sessions.size]).toEqual([1, 0]);
    expect(await (await open("b", "1234")).sign(MESSAGE)).toHaveLength(64);
  });

  it("has no session more for it, whether its key is found or not", async () => {
    for (let i = 0; i < 20; i++) {
      await open("c", "1234");
      await expect(open("missing", "1234")).rejects.toThrow(/no private key/);
    }
    expect(Library.sessions.size).toBe(1);
  });

  it("is opened anew when it did not sign, as one that was put in again", async () => {
    const before = await open("d", "1234");
    Library.unplugged = true;
    await expect(before.sign(MESSAGE)).rejects.toThrow(/CKR_SESSION_HANDLE_INVALID/);
    Library.unplugged = false;
    expect(await open("d", "1234")).not.toBe(before);
    expect(Library.sessions.size).toBe(2);
  });
});

it("where pkcs11js is not installed, an error says how to", () => {
  let error: unknown;
  try {
    loadPkcs11js();
  } catch (thrown) {
    error = thrown;
  }
  // It may be installed where this runs.
  if (error !== undefined) expect(String(error)).toContain("npm install pkcs11js@2.1.7 beside touchstone");
});

describe("a PKCS #11 URI", () => {
  const MODULE = "?module-path=/lib/x.so";

  it("names token, key, library and the variable of the PIN", () => {
    expect(
      parseKeyUri(
        "pkcs11:token=My%20token;serial=0123;slot-id=3;object=caf%C3%A9;id=%00%ff;type=private?module-path=/lib/x.so&pin-source=env:PIN_1",
      ),
    ).toEqual({
      token: { token: "My token", serial: "0123" },
      slotId: 3,
      label: "café",
      id: Uint8Array.of(0, 255),
      modulePath: "/lib/x.so",
      pinVariable: "PIN_1",
    });
  });

  it.each([
    ["a PIN", `pkcs11:object=x${MODULE}&pin-value=1234`, /a PIN is never in it/],
    ["a PIN in its path", `pkcs11:object=x;pin-value=1234${MODULE}`, /a PIN is never in it/],
    ["a PIN in a file", `pkcs11:object=x${MODULE}&pin-source=file:/pin`, /pin-source must be env:/],
    ["no key", `pkcs11:token=x${MODULE}`, /it names no key/],
    ["no library", "pkcs11:object=x", /give the library/],
    ["a public key", `pkcs11:object=x;type=public${MODULE}`, /type must be private/],
    ["an attribute twice", `pkcs11:object=x;object=y${MODULE}`, /object is given twice/],
    [
      "what it does not know",
      `pkcs11:object=x;library-version=3${MODULE}`,
      /library-version is not understood/,
    ],
    ["an attribute of no value", `pkcs11:object=${MODULE}`, /is no name=value/],
    ["a broken escape", `pkcs11:object=%4${MODULE}`, /is no name=value/],
    ["a slot of no number", `pkcs11:object=x;slot-id=one${MODULE}`, /slot-id must be a number/],
    ["two question marks", `pkcs11:object=x${MODULE}?y`, /two question marks/],
    ["2 KiB", `pkcs11:object=${"x".repeat(2048)}${MODULE}`, /expected pkcs11/],
  ])("with %s is refused", (_, uri, reason) => {
    let message = "";
    try {
      parseKeyUri(uri);
    } catch (error) {
      message = String(error);
    }
    expect(message).toMatch(reason);
    expect(message).not.toContain("1234");
  });
});
