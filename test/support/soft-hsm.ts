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

function softHsm(...args: string[]): void {
  const { status, stderr } = spawnSync("softhsm2-util", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`softhsm2-util ${args[0]}: ${stderr}`);
}
