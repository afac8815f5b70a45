// Reads what options and TOML tables say of a boot: boot options by number and file, and where a disk is on the PCI root bus.
import * as z from "zod";
import { OptionsError } from "../describer.ts";
import type { PathField } from "../table-fields.ts";

export const BOOT_WAYS = ["kernel", "disk"] as const;
export const SECURE_BOOT_STATES = ["none", "off", "on"] as const;
const NUMBER = /^[0-9A-Fa-f]{4}$/;
const PLACE = /^([0-9a-f]{1,2})\.([0-7])$/i;
const MAX_DEVICE = 31;

/** { number = "0001", file = "boot0001.bin" } as the pair that `measureBoot` takes. */
export function bootOptionTable(path: PathField) {
  return z
    .strictObject({ number: z.string().regex(NUMBER), file: path })
    .transform(({ number, file }): readonly [number, string] => [Number.parseInt(number, 16), file]);
}

/** "1.0" as device and function. */
export const pciPlace = z.string().transform((text, context) => {
  const place = placeOf(text);
  if (place !== undefined) return place;
  context.addIssue({ code: "custom", message: "expected device.function in hex, such as 1.0" });
  return z.NEVER;
});

/** "0001=boot0001.bin". @throws OptionsError */
export function readBootOption(text: string): readonly [number, string] {
  const [number = "", ...file] = text.split("=");
  if (!NUMBER.test(number) || file.length === 0)
    throw new OptionsError("--boot-option takes four hex digits, = and a file, as 0001=boot0001.bin");
  return [Number.parseInt(number, 16), file.join("=")];
}

/** @throws OptionsError */
export function readPciPlace(text: string): readonly [number, number] {
  const place = placeOf(text);
  if (place === undefined) throw new OptionsError("--disk-device takes device.function in hex, such as 1.0");
  return place;
}

function placeOf(text: string): readonly [number, number] | undefined {
  const [, device, fn] = PLACE.exec(text) ?? [];
  if (device === undefined || fn === undefined) return undefined;
  const place = [Number.parseInt(device, 16), Number(fn)] as const;
  return place[0] <= MAX_DEVICE ? place : undefined;
}
