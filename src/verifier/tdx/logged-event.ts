// Defines an event of a log, and says from what each type of event was hashed (TCG PC Client Platform Firmware Profile §10.4; EDK II, shim
// and GRUB where they differ). Types that are not here measure something the log only names: a firmware volume, a PE image, ACPI tables.
import { sha384 } from "../../protocol/cryptography/hash.ts";
import { concatBytes, equalBytes } from "../../protocol/encoding/bytes.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { utf8 } from "../../protocol/encoding/text.ts";
import { canonicalize } from "../../protocol/envelope/canonical-json.ts";
import {
  EV_EFI_ACTION,
  EV_EFI_GPT_EVENT,
  EV_EFI_VARIABLE_AUTHORITY,
  EV_EFI_VARIABLE_BOOT,
  EV_EFI_VARIABLE_BOOT2,
  EV_EFI_VARIABLE_DRIVER_CONFIG,
  EV_EVENT_TAG,
  EV_IPL,
  EV_S_CRTM_VERSION,
  EV_SEPARATOR,
} from "./event-type.ts";

/** Number of the RTMR that an event was extended into. */
export type RtmrIndex = 0 | 1 | 2 | 3;

export interface LoggedEvent {
  readonly rtmr: RtmrIndex;
  /** TCG event type, such as 0x80000003. */
  readonly type: number;
  /** The name of a dstack runtime event, which its digest covers; empty for all others, whatever the log calls them. */
  readonly name: string;
  /** What was extended, 48 bytes. */
  readonly digest: Uint8Array;
  readonly data: Uint8Array;
  /** The digest is one of `data`, so the registers prove the data too. False where the log holds a description only. */
  readonly recomputed: boolean;
}

export interface EventLog {
  readonly format: EventLogFormat;
  readonly events: readonly LoggedEvent[];
  /** Byte offset of the end of the last event of a binary log. */
  readonly endsAt: number | null;
}

export type EventLogFormat = "ccel" | "dstack";

/** dstack's own type for what happens after boot (Dstack-TEE/dstack, cc-eventlog). */
export const DSTACK_RUNTIME_EVENT = 0x0800_0001;

/** What dstack hashes for a runtime event. Version 2 is RFC 8785 JSON. No text is one of both versions: they begin with 01 and "{". */
export function runtimeEventBytes(name: string, data: Uint8Array, version: 1 | 2): Uint8Array {
  if (version === 2)
    return utf8(canonicalize({ name, payload: encodeHex(data), type: DSTACK_RUNTIME_EVENT }));
  return concatBytes(Uint8Array.of(0x01, 0, 0, 0x08), utf8(`:${name}:`), data);
}

/** Whether `digest` (SHA-384) is the one that the data of a boot event must have. */
export function isDigestOf(digest: Uint8Array, type: number, data: Uint8Array): boolean {
  const input = measuredBytes(type, data);
  return input !== null && equalBytes(sha384(input), digest);
}

function measuredBytes(type: number, data: Uint8Array): Uint8Array | null {
  switch (type) {
    case EV_SEPARATOR:
    case EV_S_CRTM_VERSION:
    case EV_EFI_VARIABLE_DRIVER_CONFIG:
    case EV_EFI_GPT_EVENT:
    case EV_EFI_ACTION:
    case EV_EFI_VARIABLE_BOOT2:
    case EV_EFI_VARIABLE_AUTHORITY:
      return data;
    case EV_EVENT_TAG:
      return data.subarray(8);
    case EV_EFI_VARIABLE_BOOT:
      return variableData(data);
    case EV_IPL:
      return grubText(data) ?? data;
    default:
      return null;
  }
}

/** UEFI_VARIABLE_DATA: GUID, u64 name length in characters, u64 data length, name, data. EDK II hashes the data alone. */
function variableData(data: Uint8Array): Uint8Array | null {
  if (data.length < 32) return null;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const start = 32n + view.getBigUint64(16, true) * 2n;
  const complete = start + view.getBigUint64(24, true) === BigInt(data.length);
  return complete ? data.subarray(Number(start)) : null;
}

const GRUB_PREFIXES = ["grub_cmd: ", "kernel_cmdline: "].map(utf8);

/** GRUB measures the command without the prefix that it logs and without the final NUL. systemd-stub measures all of its text. */
function grubText(data: Uint8Array): Uint8Array | null {
  const prefix = GRUB_PREFIXES.find((text) => equalBytes(data.subarray(0, text.length), text));
  return prefix === undefined ? null : data.subarray(prefix.length, data.at(-1) === 0 ? -1 : undefined);
}
