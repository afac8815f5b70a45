// Reads what the kernel of an image enforces at run time: lockdown (Linux security/lockdown) and module signatures
// (kernel/module/signing.c), from the command line, which is measured, and from the configuration that the kernel was built with.
import { createHash, X509Certificate } from "node:crypto";
import { likeness } from "../../../protocol/encoding/recognise.ts";
import type { OsImage } from "../../../protocol/entry/kinds/os-image.ts";
import { withFile } from "../files/random-access.ts";
import { commandLineValues } from "../formats/uki.ts";
import { readKernelConfig } from "./kernel-config.ts";

const MAX_CERTIFICATE = 64 * 1024;
type Lockdown = OsImage["lockdown"];
const LEVELS = ["confidentiality", "integrity"] as const;

/** @param certificates paths of X.509 certificates, PEM or DER, that may sign modules. */
export async function readHardening(
  commandLine: string,
  kernelConfig: string | undefined,
  certificates: readonly string[],
): Promise<Pick<OsImage, "lockdown" | "moduleSigning">> {
  const values =
    kernelConfig === undefined ? new Map<string, string>() : (await readKernelConfig(kernelConfig)).values;
  const isSet = (option: string) => values.get(option) === "y";
  // Without the LSM the kernel ignores that it is asked for.
  const canLock = kernelConfig === undefined || isSet("CONFIG_SECURITY_LOCKDOWN_LSM");
  const forced = LEVELS.filter((level) => isSet(`CONFIG_LOCK_DOWN_KERNEL_FORCE_${level.toUpperCase()}`));
  const lockdown = canLock ? strictest([...commandLineValues(commandLine, "lockdown"), ...forced]) : "none";
  const enforced =
    lockdown !== "none" ||
    isSet("CONFIG_MODULE_SIG_FORCE") ||
    / module\.sig_enforce(?:=(?:1|y|Y|on)?)? /.test(` ${commandLine} `);
  const digests: string[] = [];
  for (const path of certificates) digests.push(await digestCertificate(path));
  return { lockdown, moduleSigning: { enforced, certificates: digests } };
}

/** The kernel only ever raises its lockdown level, so the strictest of all that is asked for holds. */
function strictest(asked: readonly string[]): Lockdown {
  return LEVELS.find((level) => asked.includes(level)) ?? "none";
}

/** SHA-256 of the certificate's DER, hex. */
async function digestCertificate(path: string): Promise<string> {
  return await withFile(path, "certificate", async (file) => {
    if (file.size > MAX_CERTIFICATE)
      throw file.malformed(`longer than ${MAX_CERTIFICATE} bytes`, MAX_CERTIFICATE);
    const bytes = await file.read(0, file.size, "the certificate");
    try {
      return createHash("sha256").update(new X509Certificate(bytes).raw).digest("hex");
    } catch {
      throw file.malformed(`not an X.509 certificate in PEM or DER${likeness(bytes, "pem", "der")}`, 0);
    }
  });
}
