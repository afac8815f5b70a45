// A process of its own that campaigns for a log on PostgreSQL, and appends one entry for each line that it reads. It says what came of it.
// Arguments: the location as JSON, its id.
import { createInterface } from "node:readline";
import { openCluster } from "../../src/log/store/open-store.ts";
import { oneEntry } from "../log/store/entries.ts";
import { sha256Of } from "./release-predicates.ts";

const [location = "", id = ""] = process.argv.slice(2);
const cluster = await openCluster(JSON.parse(location), () => new Date());
console.log("waiting");
const writer = await cluster.leadership.campaign({ id, address: null }, new AbortController().signal);
console.log(`leading ${writer.epoch}`);
writer.lost.addEventListener("abort", () => console.log("lost"));

for await (const line of createInterface({ input: process.stdin })) {
  const size = Number(line);
  const entry = oneEntry(size, { payloadDigest: sha256Of(`${id} ${size}`), name: `${id}-${size}` });
  const outcome = await writer.append(size, entry).then(
    () => "done",
    (error: Error) => error.name,
  );
  console.log(`${line} ${outcome}`);
}
