// Roots to trust instead of the vendors' own: for made-up evidence (touchstone/testing) and nothing else, so that using one is loud.
import type { Command } from "commander";
import { decodeUtf8 } from "../protocol/encoding/text.ts";
import { parseCertificate } from "../verifier/x509/certificate.ts";
import { parsePemCertificates } from "../verifier/x509/pem.ts";
import type { CliContext } from "./context.ts";
import { readOwn } from "./files.ts";

export type Vendor = "intel" | "nvidia" | "rim";

const OWNER = { intel: "Intel's", nvidia: "NVIDIA's device", rim: "NVIDIA's RIM" } as const;

/** Adds `--intel-root` and the like. */
export function addTestingRoots(command: Command, vendors: readonly Vendor[]): Command {
  for (const vendor of vendors)
    command.option(
      `--${vendor}-root <file>`,
      `TESTING ONLY: certificate to trust instead of ${OWNER[vendor]} root, PEM or DER`,
    );
  return command;
}

/** The DER of a testing root, with a warning that nobody overlooks; undefined where none was given. */
export function readTestingRoot(
  vendor: Vendor,
  path: string | undefined,
  context: CliContext,
): Uint8Array | undefined {
  if (path === undefined) return undefined;
  const der = readOwn(path, readCertificate);
  context.warn(
    `WARNING: ${path} is trusted instead of ${OWNER[vendor]} root. Whoever holds its key can make any evidence pass. For tests only.`,
  );
  return der;
}

function readCertificate(bytes: Uint8Array): Uint8Array {
  const pem = bytes[0] === "-".charCodeAt(0);
  const [certificate] = pem ? parsePemCertificates(decodeUtf8(bytes), 1) : [parseCertificate(bytes)];
  if (certificate === undefined) throw new TypeError("parsePemCertificates gives as many as were asked for");
  return certificate.der;
}
