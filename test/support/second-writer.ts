// A process of its own that tries to open a log for writing, and says what came of it. Arguments: its location, as JSON.
import { openStore } from "../../src/log/store/open-store.ts";

try {
  const store = await openStore(JSON.parse(process.argv[2]!), new Date());
  await store.close();
  console.log("opened");
} catch (error) {
  console.log(`${(error as { code?: string }).code}: ${(error as Error).message}`);
}
