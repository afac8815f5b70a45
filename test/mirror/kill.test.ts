// kill -9 while a mirror copies, again and again: no file of the copy is ever half, none is wrong, its checkpoint never promises what is not
// there, and the next run goes on until the copy is whole. CRASH_ROUNDS says how often at most (default 3).
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, it } from "vitest";
import { audit } from "../../src/auditor/audit.ts";
import { AuditState } from "../../src/auditor/audit-state.ts";
import { openSource } from "../../src/auditor/log-source.ts";
import type { ReadPath } from "../../src/log/maintenance/recover.ts";
import { S3Store } from "../../src/node/objects/s3-store.ts";
import { formatTrustFile } from "../../src/verifier/bundle/trust-pin.ts";
import { type HonestLog, honestLog, serve } from "../auditor/served-log.ts";
import { NOW } from "../support/clock.ts";
import { FAKE_S3, startFakeS3 } from "../support/fake-s3.ts";
import { signPlatforms } from "../support/signing.ts";

const ROUNDS = Number(process.env.CRASH_ROUNDS ?? 3);
let folder: string;
let honest: HonestLog;
const log = () => join(folder, "log");
const copy = () => join(folder, "copy");

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-mirror-kill-"));
  honest = await honestLog();
  writeFileSync(join(folder, "trust.json"), formatTrustFile(honest.trust.envelope));
  for (const envelope of await signPlatforms(honest.keys, "vm", 1000)) honest.log.smuggle(envelope);
  for (const [path, bytes] of await serve(honest.log)) {
    mkdirSync(dirname(join(log(), path)), { recursive: true });
    writeFileSync(join(log(), path), bytes);
  }
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Starts a mirror and kills it after so many milliseconds, from when it has begun to write. @returns its exit code, null when killed. */
async function run(killAfter: number | null, to = copy()): Promise<number | null> {
  const script = join(import.meta.dirname, "run-mirror.ts");
  const child = spawn(
    process.execPath,
    ["--experimental-strip-types", script, log(), to, join(folder, "trust.json")],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const ended = once(child, "exit");
  if (killAfter !== null) child.stdout.once("data", () => setTimeout(() => child.kill("SIGKILL"), killAfter));
  return ((await ended) as [number | null])[0];
}

/** What is in the copy under its final name is what the log has there. */
function checkFiles(): number {
  const names = existsSync(copy()) ? readdirSync(copy(), { recursive: true, encoding: "utf8" }) : [];
  const tiles = names.filter((name) => /^(?:tile|v1)\/.*[0-9a-f]$/.test(name) && !name.endsWith(".tmp"));
  const files = tiles.filter((name) => existsSync(join(log(), name)) && !isFolder(join(copy(), name)));
  for (const name of files)
    expect(readFileSync(join(copy(), name)).equals(readFileSync(join(log(), name))), name).toBe(true);
  return files.length;
}

function isFolder(path: string): boolean {
  try {
    readdirSync(path);
    return true;
  } catch {
    return false;
  }
}

it("every interrupted copy is a part of the log, and the last one is whole", {
  timeout: 120_000,
}, async () => {
  let killed = 0;
  for (let round = 0; round < ROUNDS; round++) {
    if ((await run((round * 37) % 120)) === null) killed++;
    checkFiles();
  }
  expect(killed).toBeGreaterThan(0);
  expect(await run(null)).toBe(0);
  expect(checkFiles()).toBeGreaterThan(8);
  await auditCopy(openSource(copy(), { fetch }));
});

it("and so is every copy in a bucket", { timeout: 120_000 }, async () => {
  const fake = await startFakeS3();
  const checkObjects = () => {
    for (const [key, { body, headers }] of fake.objects) {
      if (!/^(?:tile|v1)\//.test(key)) continue;
      const bytes = headers["content-encoding"] === "gzip" ? gunzipSync(body) : body;
      expect(bytes.equals(readFileSync(join(log(), key))), key).toBe(true);
    }
    return fake.objects.size;
  };
  let killed = 0;
  for (let round = 0; round < ROUNDS; round++) {
    if ((await run((round * 37) % 120, fake.endpoint)) === null) killed++;
    checkObjects();
  }
  expect(killed).toBeGreaterThan(0);
  expect(await run(null, fake.endpoint)).toBe(0);
  expect(checkObjects()).toBeGreaterThan(8);
  const store = new S3Store({ ...FAKE_S3, endpoint: fake.endpoint, prefix: "", fetch, clock: () => NOW });
  await auditCopy(async (path) => (await store.get(path))?.bytes);
  await fake.close();
});

async function auditCopy(read: ReadPath): Promise<void> {
  const state = AuditState.open(null);
  const report = await audit({ read, trust: honest.trust, state, now: NOW });
  state.close();
  const wrong = report.findings.filter(({ code }) => !code.startsWith("rule-"));
  expect([report.size, wrong]).toEqual([1010, []]);
}
