// Builds the peers, where what they need is installed, and says what is missing where it is not.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";

const SOURCE = resolve("bench/peers");
/** Go keeps what it fetches and builds here: a second run builds nothing. */
const KEPT = resolve(".scratch/peers");
/** Cargo's folders, which tests use as well. */
const CARGO = { CARGO_HOME: resolve(".scratch/cargo"), CARGO_TARGET_DIR: resolve(".scratch/cargo-target") };

/** @returns the folder of the programs in Go, or undefined where there is no Go. */
export function buildGoPeers(): string | undefined {
  if (!isInstalled("go", "version")) return undefined;
  const programs = `${KEPT}/bin`;
  mkdirSync(programs, { recursive: true });
  const env = {
    ...process.env,
    GOCACHE: `${KEPT}/build`,
    GOMODCACHE: `${KEPT}/modules`,
    GOFLAGS: "-modcacherw -mod=readonly",
  };
  execFileSync("go", ["build", "-o", `${programs}/`, "./..."], { cwd: SOURCE, env, stdio: "inherit" });
  return programs;
}

/** @returns the program in Rust, or undefined where there is no cargo. */
export function buildQuotePeer(): string | undefined {
  if (!isInstalled("cargo", "--version")) return undefined;
  const env = { ...process.env, ...CARGO };
  const cwd = `${SOURCE}/quote`;
  execFileSync("cargo", ["build", "--locked", "--release", "--quiet"], { cwd, env, stdio: "inherit" });
  return `${CARGO.CARGO_TARGET_DIR}/release/quote`;
}

export function isInstalled(program: string, versionFlag: string): boolean {
  const isThere = spawnSync(program, [versionFlag], { stdio: "ignore" }).status === 0;
  if (!isThere) console.error(`  ${program} is not installed: its rows are left out`);
  return isThere;
}
