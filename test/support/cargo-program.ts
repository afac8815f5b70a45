// Builds a program in Rust that stands beside a test. Cargo keeps in .scratch what it built and downloaded, so that only the first build
// takes long.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { inProject } from "./example-build.ts";

/** @param source folder with the Cargo.toml and the Cargo.lock that pin every crate; @param name of the program. */
export function buildCargo(
  source: string,
  name: string,
): { readonly path: string | null; readonly why: string } {
  const target = inProject(".scratch/cargo-target");
  const built = spawnSync("cargo", ["build", "--locked", "--quiet"], {
    cwd: source,
    encoding: "utf8",
    timeout: 600_000,
    env: { ...process.env, CARGO_HOME: inProject(".scratch/cargo"), CARGO_TARGET_DIR: target },
  });
  if (built.error !== undefined) return { path: null, why: "cargo is not installed" };
  if (built.status !== 0)
    return { path: null, why: built.stderr.trim().split("\n").at(-1) ?? "it cannot be built" };
  return { path: join(target, "debug", name), why: "" };
}
