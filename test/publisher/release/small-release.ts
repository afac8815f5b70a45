// A log that is served, and a release of small artefacts with the file that names them: what the tests of `touchstone release` run on.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll } from "vitest";
import { type CliContext, describeError } from "../../../src/cli/context.ts";
import { initLog } from "../../../src/cli/init-log.ts";
import { createProgram } from "../../../src/cli/program.ts";
import { serveLog } from "../../../src/cli/serve-log.ts";
import type { RunningServer } from "../../../src/http/server.ts";
import { sha256 } from "../../../src/protocol/cryptography/hash.ts";
import { encodeHex } from "../../../src/protocol/encoding/hex.ts";
import { formatStatement, parseStatement } from "../../../src/protocol/envelope/statement.ts";
import { makeCcel, measured } from "../../../src/testing/event-log.ts";
import { gpuRimPredicate, osImagePredicate, sha384Of } from "../../support/release-predicates.ts";
import { makeElf } from "../describe/formats/make-elf.ts";
import { makeTdvf, SECTIONS } from "../describe/formats/make-tdvf.ts";
import { type ScratchFolder, scratchFolder } from "../describe/scratch-folder.ts";

const text = (value: string) => new TextEncoder().encode(value);
const zeros = "0".repeat(96);

export interface SmallWorld {
  readonly folder: ScratchFolder;
  /** URL of the log that is served. */
  url(): string;
  /** What the command printed, its error with it, and the exit code that `main` would give. */
  run(args: readonly string[], change?: Partial<CliContext>): Promise<{ said: string; error: string | null }>;
  /** Size of the log's tree. */
  size(): Promise<number>;
  /** PEM of a role's key. */
  key(role: "publisher" | "policy"): string;
  /** Path of `name` in the folder. */
  at(name: string): string;
}

/** Founds and serves a log before the tests of a file, and stops it after them. */
export function smallWorld(): SmallWorld {
  const folder = scratchFolder();
  const at = (name: string) => join(folder.path, name);
  let server: RunningServer;
  const context: CliContext = {
    environment: {},
    now: () => new Date(),
    fetch: globalThis.fetch,
    print: () => {},
    warn: () => {},
    interactive: false,
    confirm: async () => true,
  };
  beforeAll(async () => {
    await initLog(
      at("log"),
      { origin: "log.example/release", url: "http://127.0.0.1:8080", port: 0 },
      context,
    );
    server = await serveLog(at("log/touchstone.toml"), 0, pino({ level: "silent" }), context);
    writeArtefacts(folder);
  });
  afterAll(() => server.stop());
  return {
    folder,
    at,
    url: () => server.address,
    key: (role) => readFileSync(at(`log/keys/${role}.pem`), "utf8"),
    async run(args, change = {}) {
      const lines: string[] = [];
      const say = (line: string) => void lines.push(line);
      const program = createProgram({ ...context, print: say, warn: say, ...change });
      const error = await program.parseAsync([...args], { from: "user" }).then(
        () => null,
        (thrown: unknown) => describeError(thrown).message,
      );
      return { said: lines.join("\n"), error };
    },
    async size() {
      const note = await (await fetch(`${server.address}/checkpoint`)).text();
      return Number(note.split("\n")[1]);
    },
  };
}

/** A kernel, a module for it, GSP firmware and a platform as files; a RIM as a statement. */
function writeArtefacts(folder: ScratchFolder): void {
  folder.write("patches/series", "acpi.patch\n");
  folder.write(
    "patches/acpi.patch",
    "From: A <a@example.com>\nSubject: Deny ACPI overrides\n\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n",
  );
  folder.write("config", "# Linux/x86 6.12.107 Kernel Configuration\nCONFIG_SECURITY_LOCKDOWN_LSM=y\n");
  folder.write("vmlinuz", "a kernel");
  const info = "version=550.163.01\0srcversion=AAAA\0depends=\0vermagic=6.12.107 SMP \0";
  folder.write("modules/nvidia.ko", makeElf([{ name: ".modinfo", bytes: text(info) }], 62));
  folder.write(
    "gsp_ga10x.bin",
    makeElf([
      { name: ".fwimage", bytes: text("image") },
      { name: ".fwversion", bytes: text("550.163.01\0") },
      { name: ".fwsignature_gh100", bytes: text("signature") },
    ]),
  );
  folder.write("OVMF.fd", makeTdvf(SECTIONS));
  folder.write("ccel.bin", makeCcel([measured(0, 4, new Uint8Array(4))]));
  const rim = gpuRimPredicate("acme/gh100-vbios", "96.00.9F.00.01");
  const vbios = { ...rim, rim: { ...rim.rim, covers: "vbios" as const, componentVersion: "96.00.9F.00.01" } };
  const driver = gpuRimPredicate("acme/gh100-driver", "550.163.01");
  const ofDriver = { ...driver, rim: { ...driver.rim, componentVersion: "550.163.01" } };
  for (const [name, predicate] of [
    ["rim.json", vbios],
    ["driver-rim.json", ofDriver],
  ] as const)
    folder.write(
      name,
      formatStatement("gpu-rim", predicate, [{ name: "rim.xml", digest: { sha256: predicate.rim.sha256 } }]),
    );
}

export interface ReleaseFileParts {
  readonly version: string;
  readonly log: string;
  readonly keys?: string;
  readonly policy?: string;
  /** Tables beside those of `ARTEFACTS`. */
  readonly more?: string;
}

export const ARTEFACTS = `
[artefacts.driver]
kind = "driver-build"
modules = "modules"
kernel = "linux"

[artefacts.gsp]
kind = "gsp-firmware"
files = ["gsp_ga10x.bin"]

[artefacts.linux]
kind = "kernel-patch-set"
svn = 7
baseVersion = "6.12.107"
patches = { directory = "patches" }
config = "config"
outputs = ["vmlinuz"]

[artefacts.vm]
kind = "platform"
firmware = "OVMF.fd"
pageAddOrder = "two-pass"
eventLog = "ccel.bin"
layout = "edk2-202411"
vmm = { name = "qemu" }
shape = { machineType = "q35", vcpus = 8, memoryBytes = 68719476736, gpus = 1 }
tdAttributes = "0000001000000000"
xfam = "e702060000000000"
`;

export const REQUIREMENTS = `
[tdx]
mrConfigId = "${zeros}"
mrOwner = "${zeros}"
mrOwnerConfig = "${zeros}"
rtmr3 = { mode = "zero" }
mrSeam = { mode = "intel-signed" }
minTeeTcbSvn = "${"0".repeat(32)}"
tcbStatuses = ["UpToDate"]
minTcbEvaluationDataNumber = 1
bodies = ["1.5"]
mrServiceTd = "zero"
debug = false

[gpu]
architecture = "hopper"
fwids = ["${sha384Of("fwid")}"]
revocation = "ocsp-stapled"

[binding]
format = "touchstone-binding/v1"
channel = "tls-spki"
freshness = "nonce"
`;

/** The text of a release file in the world's folder. */
export function releaseToml({ version, log, keys, policy = "", more = "" }: ReleaseFileParts): string {
  return `
[log]
url = "${log}"
trust = "log/trust-root.json"

[release]
name = "acme/gold"
version = "${version}"
channel = "stable"
svn = 3
builder = "https://ci.acme.example"
source = "https://git.acme.example/gold"
${keys === undefined ? "" : `\n[keys]\n${keys}\n`}${ARTEFACTS}${more}${policy}`;
}

/** Writes the statement of an image made from the kernel and driver that were prepared in `prepared`. */
export function writeImage(world: SmallWorld, prepared: string, version: string): void {
  const sourceOf = <K extends "kernel-patch-set" | "driver-build">(table: string, kind: K) => {
    const payload = new Uint8Array(readFileSync(world.at(`${prepared}/${table}.json`)));
    const { name, version: itsVersion } = parseStatement(payload);
    return { kind, name, version: itsVersion, digest: encodeHex(sha256(payload)) };
  };
  const predicate = osImagePredicate(
    sourceOf("linux", "kernel-patch-set"),
    sourceOf("driver", "driver-build"),
    "acme/guest",
    version,
  );
  const subject = [{ name: "guest.efi", digest: { sha256: predicate.uki.sha256 } }];
  mkdirSync(world.at("images"), { recursive: true });
  writeFileSync(world.at(`images/${version}.json`), formatStatement("os-image", predicate, subject));
}

/** [policy] with the artefacts that only it needs. */
export function policyParts(version: string): { more: string; policy: string } {
  return {
    more: `
[artefacts.image]
kind = "os-image"
statement = "images/${version}.json"

[artefacts.vbios]
kind = "gpu-rim"
statement = "rim.json"

[artefacts.driver-rim]
kind = "gpu-rim"
statement = "driver-rim.json"
`,
    policy: `
[policy]
name = "prod"
profile = "h100"
days = 30
requirements = "requirements.toml"
`,
  };
}
