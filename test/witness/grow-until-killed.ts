// A process that writes down one checkpoint after the other until it is killed, and says which it has written. Argument: the database.
import { writeSync } from "node:fs";
import { WitnessStore } from "../../src/witness/witness-store.ts";

const store = WitnessStore.open(process.argv[2] ?? "");
for (;;) {
  const before = store.find("log");
  const size = (before?.size ?? 0) + 1;
  if (!store.replace("log", before, { size, root: new Uint8Array(32), cosignedAt: 1, note: `${size}` }))
    throw new Error("somebody else writes");
  writeSync(1, `${size}\n`);
}
