// Reads schema migrations, plain SQL files in order of their number, and holds what a database says of those that ran against them.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { StartRefusedError } from "../errors.ts";

const FILE_NAME = /^([0-9]{4})_([a-z0-9_]+)\.sql$/;

export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
  /** Hex, of the file. */
  readonly sha256: string;
}

/** What a database keeps of a migration that ran. */
export type AppliedMigration = Pick<Migration, "version" | "name" | "sha256">;

/** The migrations in a folder, `NNNN_name.sql` numbered from 0001 without gaps. @throws Error on any other file. */
export function readMigrations(folder: string): Migration[] {
  const names = readdirSync(folder).sort();
  return names.map((file, i) => {
    const match = FILE_NAME.exec(file);
    if (match === null || Number(match[1]) !== i + 1) {
      throw new Error(
        `${join(folder, file)}: expected migration ${String(i + 1).padStart(4, "0")}_<name>.sql`,
      );
    }
    const sql = readFileSync(join(folder, file), "utf8");
    return {
      version: i + 1,
      name: match[2] ?? "",
      sql,
      sha256: createHash("sha256").update(sql).digest("hex"),
    };
  });
}

/** @throws StartRefusedError "schema-unknown" unless exactly these migrations ran. */
export function requireNewest(applied: readonly AppliedMigration[], migrations: readonly Migration[]): void {
  requireKnown(applied, migrations);
  if (applied.length < migrations.length) {
    throw new StartRefusedError(
      "schema-unknown",
      `the database has schema version ${applied.length}, this program needs ${migrations.length}; start the service once to upgrade it`,
    );
  }
}

/**
 * @throws StartRefusedError "schema-unknown" when a migration that ran is not the one in the folder, or is not there at all:
 *   the database was written by another, perhaps newer, version of the program.
 */
export function requireKnown(applied: readonly AppliedMigration[], migrations: readonly Migration[]): void {
  applied.forEach((ran, i) => {
    const known = migrations[i];
    if (known === undefined) {
      throw new StartRefusedError(
        "schema-unknown",
        `the database has schema version ${ran.version} (${ran.name}), this program knows ${migrations.length}; use the program that wrote it, or a newer one`,
      );
    }
    const isSame = known.version === ran.version && known.name === ran.name && known.sha256 === ran.sha256;
    if (!isSame) {
      throw new StartRefusedError(
        "schema-unknown",
        `migration ${ran.version} (${ran.name}) ran with SHA-256 ${ran.sha256}, the file of number ${known.version} (${known.name}) has ${known.sha256}; restore the file`,
      );
    }
  });
}
