// Makes a token of SoftHSM in a folder of the test, with keys in it, and finds pkcs11js where CI compiled it.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { LoadPkcs11 } from "../../src/node/signing/pkcs11/pkcs11js.ts";

const LIBRARY = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so"].find(existsSync);
const COMPILED = join(import.meta.dirname, "..", "..", ".scratch", "pkcs11", "node_modules", "pkcs11js");

export const loadPkcs11: LoadPkcs11 = () =>
  createRequire(import.meta.url)(COMPILED) as ReturnType<LoadPkcs11>;

/** Why the tests with SoftHSM are skipped; undefined where they are not. */
export const whyNoSoftHsm = !existsSync(join(COMPILED, "build"))
  ? "pkcs11js is not compiled in .scratch/pkcs11"
  : LIBRARY === undefined || spawnSync("softhsm2-util", ["--version"]).error !== undefined
    ? "SoftHSM is not installed"
    : undefined;

export const PIN = "1234";

/** A token of that label. SoftHSM reads SOFTHSM2_CONF when the library is initialised, once in a process. */
export function makeToken(folder: string, label: string): { modulePath: string } {
  const configuration = join(folder, "softhsm2.conf");
  mkdirSync(join(folder, "tokens"), { recursive: true });
  writeFileSync(
    configuration,
    `directories.tokendir = ${join(folder, "tokens")}\nobjectstore.backend = file\nlog.level = ERROR\n`,
  );
  process.env.SOFTHSM2_CONF = configuration;
  softHsm("--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "5678");
  return { modulePath: LIBRARY ?? "" };
}

/** Puts a private key into the token, not to be read again. */
export function importKey(token: string, pkcs8File: string, label: string, id: string): void {
  softHsm("--import", pkcs8File, "--token", token, "--label", label, "--id", id, "--pin", PIN);
}

const CKA = {
  token: 0x1,
  private: 0x2,
  label: 0x3,
  sign: 0x108,
  verify: 0x10a,
  ecParams: 0x180,
  alwaysAuthenticate: 0x202,
};
const CKM_EC_KEY_PAIR_GEN = 0x1040;
const P256_OID = Buffer.from("06082a8648ce3d030107", "hex");

interface KeyMaker {
  load(path: string): void;
  C_Initialize(options: { flags: number }): void;
  C_GetSlotList(present: boolean): Buffer[];
  C_GetTokenInfo(slot: Buffer): { label: string };
  C_OpenSession(slot: Buffer, flags: number): Buffer;
  C_Login(session: Buffer, user: number, pin: string): void;
  C_GenerateKeyPair(session: Buffer, mechanism: object, publicKey: object[], privateKey: object[]): object;
}

/** Makes a P-256 key in the token that wants the PIN for each signature. */
export function makeCardKey(modulePath: string, token: string, label: string): void {
  const library = new (loadPkcs11().PKCS11)() as unknown as KeyMaker;
  library.load(modulePath);
  try {
    library.C_Initialize({ flags: 2 });
  } catch {
    // It is, by a signer of the same process.
  }
  const slot = library
    .C_GetSlotList(true)
    .find((each) => library.C_GetTokenInfo(each).label.trim() === token);
  const session = library.C_OpenSession(slot ?? Buffer.alloc(8), 4 | 2);
  try {
    library.C_Login(session, 1, PIN);
  } catch {
    // Another session of this process has logged in.
  }
  const shared = [
    { type: CKA.token, value: true },
    { type: CKA.label, value: label },
  ];
  library.C_GenerateKeyPair(
    session,
    { mechanism: CKM_EC_KEY_PAIR_GEN, parameter: null },
    [...shared, { type: CKA.verify, value: true }, { type: CKA.ecParams, value: P256_OID }],
    [
      ...shared,
      { type: CKA.private, value: true },
      { type: CKA.sign, value: true },
      { type: CKA.alwaysAuthenticate, value: true },
    ],
  );
}

function softHsm(...args: string[]): void {
  const { status, stderr } = spawnSync("softhsm2-util", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`softhsm2-util ${args[0]}: ${stderr}`);
}
