// securesystemslib, which in-toto's tools sign with, makes envelopes that the log takes once they are in its form.
import { spawnSync } from "node:child_process";
import { createPublicKey } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { adoptEnvelope } from "../../src/protocol/envelope/adopt-envelope.ts";
import { parseLeaf } from "../../src/protocol/envelope/dsse.ts";
import { formatStatement } from "../../src/protocol/envelope/statement.ts";
import { apiTool } from "../support/api-tools.ts";
import { platformPredicate, sha256Of } from "../support/release-predicates.ts";
import { SignerFiles } from "../support/signer-files.ts";

const PYTHON = apiTool("python", "bin", "python3");
const SCRIPT = join(import.meta.dirname, "stock-signers", "sign.py");
const PAYLOAD = formatStatement("platform", platformPredicate(), [
  { name: "x", digest: { sha256: sha256Of("x") } },
]);

const isInstalled = spawnSync(PYTHON, ["-c", "import securesystemslib, cryptography"]).status === 0;
const name = isInstalled ? "securesystemslib" : "securesystemslib (skipped: .ci/run installs it)";

describe.skipIf(!isInstalled)(name, () => {
  const files = new SignerFiles();
  afterAll(() => files.remove());

  /** An Ed25519 key is 32 bytes of hex there, an ECDSA key PEM. */
  const spkiOf = (key: string): string => {
    const parsed = key.includes("BEGIN")
      ? createPublicKey(key)
      : createPublicKey({
          key: { kty: "OKP", crv: "Ed25519", x: Buffer.from(key, "hex").toString("base64url") },
          format: "jwk",
        });
    return parsed.export({ format: "der", type: "spki" }).toString("base64");
  };

  it.each(["ed25519", "ecdsa"])("signs with %s", async (kind) => {
    const payload = files.path("payload.json");
    writeFileSync(payload, PAYLOAD);
    const { stdout, stderr, status } = spawnSync(PYTHON, [SCRIPT, kind, payload], { encoding: "utf8" });
    expect(status, stderr).toBe(0);
    const signed = JSON.parse(stdout) as { envelope: unknown; public: string };
    const given = new TextEncoder().encode(JSON.stringify(signed.envelope));
    const { envelope, changes } = await adoptEnvelope(given, [spkiOf(signed.public)]);
    expect(envelope.payload).toEqual(PAYLOAD);
    expect(parseLeaf(envelope.leaf).signatures).toHaveLength(1);
    expect(changes.join("\n")).toMatch(/signature 1 is by key [0-9a-f]{64}, which its keyid did not say/);
    if (kind === "ecdsa") expect(changes).toContain("signature 1 was DER, and is r and s");
  });
});
