// Says what systemd-stub measures and hands over, by its version, which the UKI's .sdmagic states (systemd src/boot/stub.c, cpio.c,
// src/fundamental/uki.h). A version that nobody compared with its source is refused, and so is what differs from machine to machine.
import type { BootPath } from "../../../protocol/entry/boot.ts";
import { VerificationError } from "../../../protocol/errors.ts";
import type { DescribeCode } from "../describe-code.ts";
import type { PeImage } from "../formats/pe.ts";
import { commandLineValues, MEASURED_SECTIONS } from "../formats/uki.ts";

type SectionName = (typeof MEASURED_SECTIONS)[number];

export interface Stub {
  readonly version: number;
  /** Sections that it measures, in its order. */
  readonly measured: readonly SectionName[];
  /** Sections that it hands to the kernel as files of .extra, in its order, and their names there. */
  readonly handedOver: ReadonlyArray<readonly [section: string, name: string]>;
  /** Whether the kernel is started past the handler that measures images, where Secure Boot is on; null: not known. */
  readonly hidesKernel: boolean | null;
  readonly addsConsole: boolean;
  readonly addsSecret: boolean;
}

const EXTRA_FILES = [
  [".pcrsig", "tpm2-pcr-signature.json"],
  [".pcrpkey", "tpm2-pcr-public-key.pem"],
  [".osrel", "os-release"],
  [".profile", "profile"],
] as const;

const KNOWN: readonly Stub[] = [
  {
    version: 252,
    measured: [".linux", ".osrel", ".cmdline", ".initrd", ".splash", ".dtb", ".pcrpkey"],
    handedOver: [],
    hidesKernel: null,
    addsConsole: false,
    addsSecret: false,
  },
  {
    version: 257,
    measured: MEASURED_SECTIONS,
    handedOver: EXTRA_FILES,
    hidesKernel: true,
    addsConsole: false,
    addsSecret: false,
  },
  {
    version: 262,
    measured: MEASURED_SECTIONS,
    handedOver: EXTRA_FILES,
    hidesKernel: true,
    addsConsole: true,
    addsSecret: true,
  },
];

/** Of several of these the stub takes the one that fits the machine. */
const BY_MACHINE = [".dtbauto", ".hwids", ".efifw"];
/** What stub 252 makes of these in the initrd was not compared. */
const SIGNED_POLICY = [".pcrsig", ".pcrpkey"];
const MAX_MAGIC = 512;

/** @throws VerificationError "not-computable" naming what of this UKI no computation foresees, and the remedy. */
export async function readStub(image: PeImage): Promise<Stub> {
  const section = image.sections.find(({ name }) => name === ".sdmagic");
  const length = Math.min(section?.rawSize ?? 0, MAX_MAGIC);
  const bytes = section && (await image.file.read(section.rawOffset, length, "the stub's version"));
  const text = Buffer.from(bytes ?? []).toString("latin1");
  const version = Number(/systemd-stub ([0-9]{3})\b/.exec(text)?.[1]);
  const stub = KNOWN.find((one) => one.version === version);
  if (stub === undefined) throw refuse(image, unknownVersion(text, version));
  const has = (names: readonly string[]) => image.sections.find(({ name }) => names.includes(name))?.name;
  const byMachine = has(BY_MACHINE);
  if (byMachine !== undefined)
    throw refuse(image, `${byMachine} is used as the machine wants: build the UKI without it`);
  const signed = version === 252 ? has(SIGNED_POLICY) : undefined;
  if (signed !== undefined)
    throw refuse(image, `${signed} with systemd-stub 252: build the UKI with systemd-stub 257`);
  return stub;
}

function unknownVersion(text: string, version: number): string {
  const found = Number.isNaN(version)
    ? text === ""
      ? "no .sdmagic says which stub it has"
      : "its .sdmagic names no systemd-stub"
    : `systemd-stub ${version}`;
  return `${found}; known are ${KNOWN.map((one) => one.version).join(", ")}: build the UKI with one of them`;
}

/** @throws VerificationError "not-computable" where the stub adds something of the machine to what it hands over on this path. */
export function requireForeseeable(
  path: string,
  { version, addsConsole, addsSecret }: Stub,
  commandLine: string,
  bootPath: BootPath,
): void {
  const fail = (why: string) =>
    new VerificationError<DescribeCode>("not-computable", `${path}: systemd-stub ${version} ${why}`);
  if (addsConsole && commandLineValues(commandLine, "console").length === 0)
    throw fail("adds the machine's console to a command line that names none: set console=");
  if (addsSecret && bootPath === "uki-disk")
    throw fail(
      "puts a secret of the machine into the initrd when it is started from a disk: boot by -kernel",
    );
}

function refuse({ file }: PeImage, why: string): VerificationError<DescribeCode> {
  return new VerificationError<DescribeCode>(
    "not-computable",
    `${file.path}: what it measures cannot be foreseen: ${why}`,
  );
}
