// A process of its own that tries to open a log for writing, and says what came of it. Arguments: the database file.
import { openForWriting } from "../../src/log/store/sqlite/open.ts";

try {
  openForWriting(process.argv[2]!, { now: new Date() }).close();
  console.log("opened");
} catch (error) {
  console.log(`${(error as { code?: string }).code}: ${(error as Error).message}`);
}
