// Reads a kernel's resolved .config (Linux Documentation/kbuild/kconfig.rst): its digest, and the state of the options that must be
// set or must not be.
import { createHash } from "node:crypto";
import { decodeUtf8 } from "../../../protocol/encoding/text.ts";
import type { KernelPatchSet } from "../../../protocol/entry/kinds/kernel-patch-set.ts";
import { MalformedError } from "../../../protocol/errors.ts";
import { withFile } from "../files/random-access.ts";
import { HARDENING_OPTIONS, type RequiredOption } from "./hardening-options.ts";

const FORMAT = "kernel configuration";
const MAX_CONFIG = 4 * 1024 * 1024;
const MAX_VALUE = 256;
const ASSIGNMENT = /^(CONFIG_[A-Za-z0-9_]+)=(y|m|-?(?:0x[0-9a-fA-F]+|[0-9]+)|"(?:[^"\\]|\\.)*")$/;
const NOT_SET = /^# (CONFIG_[A-Za-z0-9_]+) is not set$/;
const TITLE = /^# Linux\/\S+ (\S+) Kernel Configuration$/m;

export interface KernelConfig {
  readonly sha256: string;
  /** Values as written, strings with their quotes. An option that is absent or "is not set" has none. */
  readonly values: ReadonlyMap<string, string>;
  /** Kernel version that the file's title names, or null. */
  readonly kernelVersion: string | null;
}

/** @throws MalformedError with the line that is neither assignment nor comment, or that names an option again. */
export async function readKernelConfig(path: string): Promise<KernelConfig> {
  const bytes = await withFile(path, FORMAT, async (file) => {
    if (file.size > MAX_CONFIG) throw file.malformed(`${file.size} bytes, at most ${MAX_CONFIG} are read`, 0);
    return await file.read(0, file.size, "the configuration");
  });
  const text = decodeUtf8(bytes);
  return {
    sha256: createHash("sha256").update(bytes).digest("hex"),
    values: parseConfig(text, path),
    kernelVersion: TITLE.exec(text)?.[1] ?? null,
  };
}

function parseConfig(text: string, path: string): Map<string, string> {
  const values = new Map<string, string>();
  const seen = new Set<string>();
  for (const [i, line] of text.split("\n").entries()) {
    const [, option, value] = ASSIGNMENT.exec(line) ?? NOT_SET.exec(line) ?? [];
    if (option === undefined) {
      if (line === "" || line.startsWith("#")) continue;
      throw new MalformedError(`${FORMAT} ${path}`, "neither an option nor a comment", `line ${i + 1}`);
    }
    if (seen.has(option))
      throw new MalformedError(`${FORMAT} ${path}`, `${option} is given twice`, `line ${i + 1}`);
    seen.add(option);
    if (value !== undefined) values.set(option, value);
  }
  return values;
}

/** The state of each option, in the order of the list. Whether it is as required is for the reader, and the policy, to say. */
export function stateOptions(
  config: KernelConfig,
  options: readonly Pick<RequiredOption, "option" | "required">[] = HARDENING_OPTIONS,
): NonNullable<KernelPatchSet["config"]>["options"] {
  return options.map(({ option, required }) => ({
    option,
    required,
    actual: config.values.get(option)?.slice(0, MAX_VALUE) ?? null,
  }));
}

/** Compiler, linker and pahole as the configuration recorded them when it was resolved. */
export function toolchainOf(config: KernelConfig): { name: string; version: string }[] {
  const tools = [
    ["cc", "CONFIG_CC_VERSION_TEXT"],
    ["ld", "CONFIG_LD_VERSION"],
    ["rustc", "CONFIG_RUSTC_VERSION_TEXT"],
    ["pahole", "CONFIG_PAHOLE_VERSION"],
  ] as const;
  return tools.flatMap(([name, option]) => {
    const version = config.values.get(option)?.replace(/^"|"$/g, "").slice(0, 128) ?? "";
    return version === "" || version === "0" ? [] : [{ name, version }];
  });
}
