// Runs Ceph's radosgw, a real S3 server, for tests that ask for it by TOUCHSTONE_RADOSGW=1. It ends with the process that started it.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { freePort } from "./free-port.ts";

/** Below the project, in which tests and benchmarks are run. */
const SCRIPT = "test/support/radosgw.sh";

export const RADOSGW = { region: "us-east-1", accessKey: "AKRADOS", secretKey: "SKrados" };

export interface Radosgw {
  readonly endpoint: string;
  stop(): Promise<void>;
}

/** Says why, where it cannot be run. */
export function haveRadosgw(): boolean {
  const isWanted = process.env.TOUCHSTONE_RADOSGW === "1";
  const isThere = spawnSync("radosgw", ["--version"]).error === undefined;
  if (!isWanted) process.stderr.write("SKIPPED: a real S3 server is started with TOUCHSTONE_RADOSGW=1\n");
  else if (!isThere) process.stderr.write("SKIPPED: radosgw is not installed\n");
  return isWanted && isThere;
}

export async function startRadosgw(): Promise<Radosgw> {
  const ports = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  const child = spawn(SCRIPT, [RADOSGW.accessKey, RADOSGW.secretKey, ...ports.map(String)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  for await (const line of createInterface(child.stdout)) {
    return {
      endpoint: line,
      stop: async () => {
        child.stdin.end();
        await ended;
      },
    };
  }
  throw new Error("radosgw did not start");
}
