// Makes what signers outside of the process are tried with: key files, programs, and public keys beside them.
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface MadeKey {
  /** Paths of the PKCS #8 PEM and of the SPKI PEM. */
  readonly privateFile: string;
  readonly publicFile: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export class SignerFiles {
  readonly folder = mkdtempSync(join(tmpdir(), "touchstone-signer-"));

  path(name: string): string {
    return join(this.folder, name);
  }

  key(name: string, type: "ed25519" | "p256"): MadeKey {
    const { privateKey, publicKey } =
      type === "ed25519"
        ? generateKeyPairSync("ed25519")
        : generateKeyPairSync("ec", { namedCurve: "P-256" });
    const [privateFile, publicFile] = [this.path(`${name}.pem`), this.path(`${name}.pub.pem`)];
    writeFileSync(privateFile, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
    writeFileSync(publicFile, publicKey.export({ type: "spki", format: "pem" }));
    return { privateFile, publicFile, privateKey, publicKey };
  }

  /** A program of these lines of shell. */
  program(name: string, script: string): string {
    const path = this.path(name);
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
    return path;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}
