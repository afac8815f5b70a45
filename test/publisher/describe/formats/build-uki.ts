// Small UKIs for tests: systemd's stub with sections added by objcopy, as ukify did before it wrote PE itself.
import { execFileSync } from "node:child_process";
import { existsSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const STUB = "/usr/lib/systemd/boot/efi/linuxx64.efi.stub";
/** A small PE file that stands for the kernel: only its PE header matters here. */
export const KERNEL = "/usr/lib/systemd/boot/efi/systemd-bootx64.efi";
export const haveStub = existsSync(STUB) && existsSync(KERNEL);

/** Writes `name` in `folder` with the given sections, text or bytes by section name; .linux comes first. The file is
 * padded to 8 bytes, or signing tools would do so and change its digest. */
export function buildUki(
  folder: string,
  name: string,
  sections: Readonly<Record<string, string | Uint8Array>>,
): string {
  const output = join(folder, name);
  const written = Object.entries(sections).map(([section, content]): [string, string] => {
    const file = join(folder, `${name}${section}`);
    writeFileSync(file, content);
    return [section, file];
  });
  const all: [string, string][] = [[".linux", KERNEL], ...written];
  const options = all.flatMap(([section, file], i) => [
    "--add-section",
    `${section}=${file}`,
    "--change-section-vma",
    `${section}=0x${(0x100000 * (i + 1)).toString(16)}`,
  ]);
  execFileSync("objcopy", [...options, STUB, output], { stdio: "pipe" });
  truncateSync(output, Math.ceil(statSync(output).size / 8) * 8);
  return output;
}

/** A self-signed RSA key pair for signing images: paths of key and certificate. */
export function makeSigner(
  folder: string,
  commonName: string,
  serial?: number,
): { key: string; certificate: string } {
  const signer = { key: join(folder, `${commonName}.key`), certificate: join(folder, `${commonName}.pem`) };
  const request = [
    "req",
    "-x509",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-days",
    "3650",
    "-subj",
    `/O=Example/CN=${commonName}`,
    ...(serial === undefined ? [] : ["-set_serial", String(serial)]),
  ];
  execFileSync("openssl", [...request, "-keyout", signer.key, "-out", signer.certificate], { stdio: "pipe" });
  return signer;
}
