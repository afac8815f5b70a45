// Computes what the firmware measures of Secure Boot (TCG PC Client PFP §3.3.4.8): SecureBoot, PK, KEK, db, dbx, and dbt where it is set. They
// are in the firmware's own variable store.
import { encodeHex } from "../../../protocol/encoding/hex.ts";
import { VerificationError } from "../../../protocol/errors.ts";
import type { DescribeCode } from "../describe-code.ts";
import {
  GLOBAL_VARIABLE,
  IMAGE_SECURITY_DATABASE,
  measureVariable,
  readSignatureData,
  type SecureBootVariable,
} from "../formats/efi-signature-list.ts";
import { type ComputedEvent, known, unknown } from "./computed-event.ts";
import type { Firmware } from "./firmware.ts";
import type { SecureBootFiles } from "./secure-boot.ts";
import type { Variables } from "./variable-store.ts";

const NAMES = ["PK", "KEK", "db", "dbx"] as const satisfies readonly SecureBootVariable[];
const TYPE = "EV_EFI_VARIABLE_DRIVER_CONFIG";
const ENABLE = "f0a30bc7-af08-4556-99c4-001009c93a44:SecureBootEnable";

/** none: the firmware was built without it, and measures SecureBoot as a variable that is not set. */
export type SecureBootState = "none" | "off" | "on";

export interface FirmwareVariables {
  /** Null where the firmware's store is not readable, or nothing says whether the firmware knows Secure Boot. */
  readonly state: SecureBootState | null;
  readonly events: readonly ComputedEvent[];
  /** Content of db; empty where it is not set or not known. */
  readonly db: Uint8Array;
}

/** @param support whether the firmware was built with Secure Boot, where its code does not say. */
export function measureFirmwareVariables(
  { variables, storeFault, code }: Pick<Firmware, "variables" | "storeFault" | "code">,
  support: boolean | undefined,
): FirmwareVariables {
  if (variables === null) {
    const why = `not readable from the firmware: ${storeFault ?? "it has no configuration volume"}`;
    const events = ["SecureBoot", ...NAMES].map((name) => unknown("rtmr0", TYPE, `${name}: ${why}`));
    return { state: null, events, db: new Uint8Array() };
  }
  const state = stateOf(variables, support ?? code?.secureBoot);
  const dbt = dataOf(variables, "dbt");
  const names = dbt.length > 0 ? ([...NAMES, "dbt"] as const) : NAMES;
  const events = names.map((name) => ofStore(variables, name));
  return { state, events: [ofState(state), ...events], db: dataOf(variables, "db") };
}

function stateOf(variables: Variables, support: boolean | undefined): SecureBootState | null {
  const disabled = variables.get(ENABLE)?.[0] === 0;
  if (dataOf(variables, "PK").length > 0) return support === false ? "none" : disabled ? "off" : "on";
  return support === undefined ? null : support ? "off" : "none";
}

function ofState(state: SecureBootState | null): ComputedEvent {
  if (state === null)
    return unknown("rtmr0", TYPE, "SecureBoot: say whether the firmware was built with it (--secure-boot)");
  const data = { none: [], off: [0], on: [1] }[state];
  const { eventSha384 } = measureVariable("SecureBoot", Uint8Array.from(data));
  return known("rtmr0", TYPE, "file", eventSha384, `SecureBoot: ${state}`);
}

function ofStore(variables: Variables, name: (typeof NAMES)[number] | "dbt"): ComputedEvent {
  const data = dataOf(variables, name);
  const what = data.length === 0 ? "not set" : `${data.length} bytes of the firmware's variable store`;
  return known("rtmr0", TYPE, "file", measureVariable(name, data).eventSha384, `${name}: ${what}`);
}

function dataOf(variables: Variables, name: string): Uint8Array {
  const vendor = name.startsWith("d") ? IMAGE_SECURITY_DATABASE : GLOBAL_VARIABLE;
  return variables.get(`${vendor}:${name}`) ?? new Uint8Array();
}

/**
 * Holds .esl and .auth files, where they are given, against the firmware's store.
 * @throws VerificationError "sources-disagree" naming the variable.
 */
export async function checkVariableFiles(firmware: Firmware, files: SecureBootFiles): Promise<void> {
  if (firmware.variables === null) return;
  const given = { PK: files.pk, KEK: files.kek, db: files.db, dbx: files.dbx };
  for (const name of NAMES) {
    const path = given[name];
    if (path === undefined) continue;
    const [file, store] = [await readSignatureData(path), dataOf(firmware.variables, name)];
    if (encodeHex(file) !== encodeHex(store))
      throw new VerificationError<DescribeCode>(
        "sources-disagree",
        `${path}: ${firmware.fileName} holds another ${name}, of ${store.length} bytes, in its variable store`,
      );
  }
}
