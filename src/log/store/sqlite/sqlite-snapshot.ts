// Shows a database as it is at one moment, and what fsck asks of it.
import type { InspectedStore, StoreInspection } from "../store-inspection.ts";
import { SqliteInspection } from "./inspection.ts";
import { openForReading } from "./open.ts";
import { SqliteReader } from "./sqlite-reader.ts";

export class SqliteSnapshot extends SqliteReader implements InspectedStore {
  readonly inspection: StoreInspection;

  /** @throws StartRefusedError "schema-unknown" | "log-damaged"; Error where there is none. */
  constructor(file: string) {
    super(openForReading(file));
    this.inspection = new SqliteInspection(this.database);
    this.database.exec("BEGIN");
  }
}
