// Real evidence and published test vectors live outside the project. Tests on them run where the folder named by
// TOUCHSTONE_REAL_DATA exists and are reported as skipped where it does not.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";

const root = process.env.TOUCHSTONE_REAL_DATA;
export const haveRealData = root !== undefined && existsSync(join(root, "evidence"));

/** Absolute path of a file or folder of the real data. */
export function realDataPath(path: string): string {
  if (root === undefined) throw new Error("TOUCHSTONE_REAL_DATA is not set");
  return join(root, path);
}

export function realData(path: string): Uint8Array {
  return new Uint8Array(readFileSync(realDataPath(path)));
}

export function realJson<T>(path: string): T {
  return JSON.parse(readFileSync(realDataPath(path), "utf8")) as T;
}

/** `describe`, or a skipped one whose name says why. */
export function describeReal(name: string, body: () => void): void {
  if (haveRealData) describe(name, body);
  else describe.skip(`${name} (skipped: set TOUCHSTONE_REAL_DATA to run on real data)`, body);
}
