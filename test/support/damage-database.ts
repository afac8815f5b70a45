// Changes a log's database as a disk would: its own triggers and checks, which would not let a program do this, are there again afterwards.
import Sqlite, { type Database } from "better-sqlite3";

export function damageDatabase(file: string, sql: string): void {
  changeDatabase(file, (database) => database.exec(sql));
}

export function changeDatabase(file: string, change: (database: Database) => void): void {
  const database = new Sqlite(file);
  try {
    const triggers = database
      .prepare<[], { name: string; sql: string }>(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'",
      )
      .all();
    for (const { name } of triggers) database.exec(`DROP TRIGGER ${name}`);
    database.pragma("foreign_keys = OFF");
    database.pragma("ignore_check_constraints = ON");
    change(database);
    for (const { sql } of triggers) database.exec(sql);
  } finally {
    database.close();
  }
}
