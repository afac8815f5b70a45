// Reads the Secure Boot configuration that an image is booted with (UEFI 2.10 §32.3), from its variables' files, and held against what
// the firmware of a known-good boot measured (TCG PC Client PFP §3.3.4.8: SecureBoot, PK, KEK, db, dbx, set or not).
import { encodeHex } from "../../../protocol/encoding/hex.ts";
import type { OsImage } from "../../../protocol/entry/kinds/os-image.ts";
import { VerificationError } from "../../../protocol/errors.ts";
import { EV_EFI_VARIABLE_DRIVER_CONFIG } from "../../../verifier/tdx/event-type.ts";
import type { EventLog } from "../../../verifier/tdx/logged-event.ts";
import type { DescribeCode } from "../describe-code.ts";
import {
  measureVariable,
  readSecureBootVariable,
  type SecureBootVariable,
} from "../formats/efi-signature-list.ts";

/** Paths of .esl or .auth files. A variable that is left out is not set. */
export interface SecureBootFiles {
  readonly pk?: string;
  readonly kek?: string;
  readonly db?: string;
  readonly dbx?: string;
}

/** Secure Boot is on where a PK is set: without one the firmware is in setup mode. */
export async function readSecureBoot(files: SecureBootFiles): Promise<OsImage["secureBoot"]> {
  const read = async (path: string | undefined, name: SecureBootVariable) =>
    path === undefined ? null : await readSecureBootVariable(path, name);
  return {
    enabled: files.pk !== undefined,
    pk: await read(files.pk, "PK"),
    kek: await read(files.kek, "KEK"),
    db: await read(files.db, "db"),
    dbx: await read(files.dbx, "dbx"),
  };
}

/**
 * Holds the configuration against the log, where the log has such events at all.
 * @throws VerificationError "event-log" naming the variable that was measured with other content.
 */
export function checkSecureBoot(
  path: string,
  log: EventLog,
  { enabled, ...variables }: OsImage["secureBoot"],
): void {
  const logged = log.events.filter(({ rtmr, type }) => rtmr === 0 && type === EV_EFI_VARIABLE_DRIVER_CONFIG);
  if (logged.length === 0) return;
  const digests = new Set(logged.map(({ digest }) => encodeHex(digest)));
  const refuse = (what: string) => new VerificationError<DescribeCode>("event-log", `${path}: ${what}`);
  if (digests.has(measureVariable("SecureBoot", Uint8Array.of(1)).eventSha384) !== enabled)
    throw refuse(
      enabled ? "Secure Boot was off, but a PK is given" : "Secure Boot was on: give the file of its PK",
    );
  const names = { PK: variables.pk, KEK: variables.kek, db: variables.db, dbx: variables.dbx };
  for (const [name, variable] of Object.entries(names) as [SecureBootVariable, typeof variables.pk][]) {
    const expected = variable ?? measureVariable(name, new Uint8Array());
    if (!digests.has(expected.eventSha384))
      throw refuse(
        `${name} was measured with other content than ${variable === null ? "none" : "that of its file"}`,
      );
  }
}
