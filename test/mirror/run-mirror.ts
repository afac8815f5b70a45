// A process that mirrors a folder until it is done or killed; slowly, so that a kill finds it at work. Arguments: log, copy (a folder, or the
// address of a fake S3 server), trust file.
import { readFileSync, writeSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { openSource } from "../../src/auditor/log-source.ts";
import { CopyTarget } from "../../src/mirror/copy-target.ts";
import { mirrorLog } from "../../src/mirror/mirror.ts";
import { FolderStore } from "../../src/node/objects/folder-store.ts";
import { S3Store } from "../../src/node/objects/s3-store.ts";
import { parseTrustFile } from "../../src/verifier/bundle/trust-pin.ts";
import { FAKE_S3 } from "../support/fake-s3.ts";

const [log = "", copy = "", trustFile = ""] = process.argv.slice(2);
const source = openSource(log, { fetch });
await mirrorLog({
  read: async (path) => {
    await pause(20);
    if (path.startsWith("tile/entries/")) writeSync(1, `${path}\n`);
    return source(path);
  },
  target: new CopyTarget(copy.startsWith("http://") ? openBucket(copy) : new FolderStore(copy)),
  trust: parseTrustFile(readFileSync(trustFile)),
  now: new Date(),
});

function openBucket(endpoint: string): S3Store {
  return new S3Store({ ...FAKE_S3, endpoint, prefix: "", fetch, clock: () => new Date() });
}
