// Computes what a boot will measure and shows it, register by register with the source of every event, or how it differs from what was expected.
import { resolve } from "node:path";
import { compareMeasured, type RegisterComparison } from "../../publisher/describe/boot/compare-measured.ts";
import type { ComputedRegister } from "../../publisher/describe/boot/computed-event.ts";
import { type BarPlacement, dumpAcpi } from "../../publisher/describe/boot/dump-acpi.ts";
import { readExpectation } from "../../publisher/describe/boot/expectation.ts";
import { type Measured, measureBoot } from "../../publisher/describe/boot/measure.ts";
import { AnswerIsNo, type CliContext, show, UsageError } from "../context.ts";
import { type MeasureOptions, readMeasureInput } from "../measure-input.ts";

export async function runMeasure(
  file: string | undefined,
  options: MeasureOptions & { readonly expect?: string; readonly json?: boolean },
  context: CliContext,
): Promise<void> {
  const measured = await measureBoot(readMeasureInput(file, options));
  if (options.expect === undefined) {
    show(context, options, measured, measuredLines(measured));
    return;
  }
  const compared = compareMeasured(measured, await readExpectation(options.expect, measured));
  show(context, options, { ...measured, compared }, [
    ...bootFileLines(measured),
    ...comparedLines(options.expect, compared),
  ]);
  const agrees = ({ outcome }: RegisterComparison) => outcome === "equal" || outcome === "given";
  if (compared.some(({ outcome }) => outcome === "differs") || !compared.some(agrees)) throw new AnswerIsNo();
}

function measuredLines(measured: Measured): string[] {
  const { bootPath, layout, mrtd, pageAddOrder, rtmr0, rtmr1, rtmr2 } = measured;
  const orders = pageAddOrder === null ? (["single-pass", "two-pass"] as const) : [pageAddOrder];
  return [
    `boot by ${bootPath}, layout ${layout}`,
    ...bootFileLines(measured),
    ...orders.map(
      (order) => `mrtd   ${mrtd?.[order] ?? "unknown: give --firmware"}${mrtd ? `  ${order}` : ""}`,
    ),
    ...Object.entries({ rtmr0, rtmr1, rtmr2 }).flatMap(([name, register]) => registerLines(name, register)),
  ];
}

function bootFileLines({ bootFile }: Measured): string[] {
  if (bootFile === null) return [];
  return [
    bootFile.outcome === "equal"
      ? "boot file on the disk: the UKI, and no add-ons"
      : `boot file on the disk: not checked, ${bootFile.reason}`,
  ];
}

function registerLines(name: string, { value, reason, events }: ComputedRegister): string[] {
  return [
    "",
    `${name}  ${value ?? `unknown: ${reason}`}`,
    ...events.map(
      ({ type, digest, formula, source }) =>
        `  ${digest === null ? "-".repeat(16) : digest.slice(0, 16)}  ${source.padEnd(8)}  ${type}: ${formula}`,
    ),
  ];
}

const OUTCOMES = {
  equal: "equal",
  given: "equal, with the digests of unknown events taken from it",
  differs: "DIFFERS",
  "not-computed": "not computed",
} as const;

function comparedLines(path: string, compared: readonly RegisterComparison[]): string[] {
  return [
    `compared with ${path}`,
    ...compared.map(({ register, outcome, events }) => {
      const counted =
        events === null
          ? ""
          : `  ${events.equal} of ${events.listed} events computed, ${events.unknown} unknown`;
      return `  ${register.padEnd(5)}  ${OUTCOMES[outcome]}${counted}`;
    }),
    ...compared.flatMap(({ difference }) => (difference === null ? [] : ["", difference])),
  ];
}

export async function runMeasureAcpi(
  args: readonly string[],
  options: {
    readonly qemu: string;
    readonly bar?: readonly string[];
    readonly output: string;
    readonly json?: boolean;
  },
  context: CliContext,
): Promise<void> {
  const { qemu, output } = options;
  const dumped = await dumpAcpi(resolve(qemu), args, (options.bar ?? []).map(readBar), resolve(output));
  show(context, { json: options.json ?? false }, { ...dumped, output, arguments: args }, [
    `${dumped.version}, SHA-256 ${dumped.sha256}`,
    ...dumped.files.map(({ name, size }) => `  ${name}  ${size} bytes`),
    `${output}: written`,
  ]);
}

function readBar(text: string): BarPlacement {
  const [, device, address] = /^([0-9a-f]{1,2}):0x([0-9a-f]{1,16})$/i.exec(text) ?? [];
  if (device === undefined || address === undefined || Number.parseInt(device, 16) > 31)
    throw new UsageError("--bar takes a device and an address in hex, as 01:0x800000000");
  return { device: Number.parseInt(device, 16), address: BigInt(`0x${address}`) };
}
