// Starts virtual machines for tests: QEMU without hardware acceleration, OVMF, and a software TPM whose log says what was measured.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

export const QEMU = "/usr/bin/qemu-system-x86_64";
/** What shapes the machine; the vendor decides where OVMF puts 64-bit BARs. */
export const SHAPE = [
  ...["-machine", "q35,smm=off,hpet=off", "-cpu", "max,vendor=GenuineIntel", "-m", "512", "-smp", "1"],
];
const BOOT_LIMIT_MS = 240_000;

export interface Tpm {
  /** Options that attach it to a machine. */
  readonly options: readonly string[];
  stop(): void;
}

export async function startTpm(folder: string): Promise<Tpm> {
  const state = join(folder, "tpm");
  mkdirSync(state, { recursive: true });
  const setUp = ["--tpm2", "--tpmstate", state, "--pcr-banks", "sha256,sha384", "--overwrite"];
  execFileSync("swtpm_setup", setUp, { stdio: "pipe" });
  const socket = join(folder, "tpm.sock");
  const process = spawn(
    "swtpm",
    ["socket", "--tpm2", "--tpmstate", `dir=${state}`, "--ctrl", `type=unixio,path=${socket}`],
    { stdio: "ignore" },
  );
  for (let i = 0; i < 200 && !existsSync(socket); i++) await setTimeout(50);
  const chardev = ["-chardev", `socket,id=tpm0,path=${socket}`];
  const options = [...chardev, "-tpmdev", "emulator,id=tpm,chardev=tpm0", "-device", "tpm-tis,tpmdev=tpm"];
  return { options, stop: () => process.kill() };
}

/** What a guest of make-guest.sh wrote to its serial port. */
export async function boot(guest: string, folder: string, options: readonly string[]): Promise<string> {
  const tpm = await startTpm(folder);
  try {
    const [serial, variables] = [join(folder, "serial"), join(folder, "variables.fd")];
    copyFileSync(join(guest, "OVMF_VARS_4M.fd"), variables);
    const flash = (unit: number, file: string) => [
      "-drive",
      `if=pflash,format=raw,unit=${unit},file=${file}${unit === 0 ? ",readonly=on" : ""}`,
    ];
    const machine = spawn(
      QEMU,
      [
        ...["-accel", "tcg,thread=multi", "-display", "none", "-nodefaults", "-no-reboot"],
        ...["-serial", `file:${serial}`],
        ...SHAPE,
        ...flash(0, join(guest, "OVMF_CODE_4M.fd")),
        ...flash(1, variables),
        ...tpm.options,
        ...options,
      ],
      { stdio: ["ignore", "ignore", "inherit"] },
    );
    await endOf(machine);
    return readFileSync(serial, "latin1").replaceAll("\r", "");
  } finally {
    tpm.stop();
  }
}

async function endOf(machine: ChildProcess): Promise<void> {
  const limit = globalThis.setTimeout(() => machine.kill("SIGKILL"), BOOT_LIMIT_MS);
  await once(machine, "exit");
  clearTimeout(limit);
}

/** The event log in what the guest wrote. */
export function logIn(serial: string): Uint8Array {
  const text = /BEGIN LOG\n([\s\S]*?)END LOG/.exec(serial)?.[1] ?? "";
  const lines = text.split("\n").filter((line) => /^[A-Za-z0-9+/=]+$/.test(line));
  return Buffer.from(lines.join(""), "base64");
}

/** The SHA-384 value of each PCR that the guest wrote, lower-case hex. */
export function registersIn(serial: string): Map<number, string> {
  return new Map(
    [...serial.matchAll(/^PCR (\d+) ([0-9A-Fa-f]{96})$/gm)].map(([, pcr, value]) => [
      Number(pcr),
      (value ?? "").toLowerCase(),
    ]),
  );
}
