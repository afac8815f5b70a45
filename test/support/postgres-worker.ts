// A process of its own that leads a log on PostgreSQL whenever it is its turn, and appends one entry after the other while it does. It says
// what was acknowledged. Arguments: the location as JSON, its id.
import { openCluster } from "../../src/log/store/open-store.ts";
import { oneEntry } from "../log/store/entries.ts";
import { sha256Of } from "./release-predicates.ts";

const [location = "", id = ""] = process.argv.slice(2);
const { reader, leadership } = await openCluster(JSON.parse(location), () => new Date());
let appended = 0;

for (;;) {
  const writer = await leadership.campaign({ id, address: null }, new AbortController().signal);
  console.log(`leading ${writer.epoch}`);
  try {
    let { size } = await reader.head();
    for (;;) {
      const name = `${id}-${appended++}`;
      const entry = { name, payloadDigest: sha256Of(name), tokens: [], digests: [] };
      // A tree of one tile: what its hashes are is nothing to the store, which wants them to grow.
      const append = {
        ...oneEntry(0, { ...entry, index: size }),
        head: { size: size + 1, root: new Uint8Array(32) },
      };
      await writer.append(size, append);
      console.log(`ack ${size} ${name}`);
      size++;
    }
  } catch (error) {
    console.log(`ended ${(error as Error).name}`);
  }
  await writer.close();
}
