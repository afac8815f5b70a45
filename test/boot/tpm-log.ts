// Reads the event log of a TPM boot (TCG PC Client PFP §10.2) and turns it into what a TD with the same firmware would extend: UEFI 2.10 §38.4.1
// says which PCR is which register, PCR 0 is not one of RTMR's, and of the seven separators RTMR0 and RTMR1 have one each.
import { ByteReader } from "../../src/protocol/encoding/bytes.ts";
import { encodeHex } from "../../src/protocol/encoding/hex.ts";

const DIGEST_LENGTHS: Readonly<Record<number, number>> = { 4: 20, 11: 32, 12: 48, 13: 64, 18: 32 };
const SHA384 = 12;
const EV_NO_ACTION = 3;
const EV_SEPARATOR = 4;

export interface TpmEvent {
  readonly pcr: number;
  readonly type: number;
  /** SHA-384, hex. */
  readonly digest: string;
  readonly data: Uint8Array;
}

export function parseTpmLog(bytes: Uint8Array): TpmEvent[] {
  const reader = new ByteReader(bytes, "TPM log");
  reader.take(28, "header");
  reader.take(reader.u32le("length"), "Spec ID event");
  const events: TpmEvent[] = [];
  while (reader.remaining > 0) {
    const pcr = reader.u32le("PCR");
    const type = reader.u32le("type");
    const digests = new Map<number, string>();
    for (let left = reader.u32le("number of digests"); left > 0; left--) {
      const algorithm = reader.u16le("algorithm");
      digests.set(algorithm, encodeHex(reader.take(DIGEST_LENGTHS[algorithm] ?? 0, "digest")));
    }
    const data = reader.take(reader.u32le("length"), "data");
    if (type !== EV_NO_ACTION) events.push({ pcr, type, digest: digests.get(SHA384) ?? "", data });
  }
  return events;
}

/** Digests of the register as firmware with the layout edk2-202411 extends it in a TD, without TD HOB and CFV, which only a TD has. */
export function asRegister(events: readonly TpmEvent[], register: "rtmr0" | "rtmr1" | "rtmr2"): string[] {
  const pcrs = { rtmr0: [1, 7], rtmr1: [2, 3, 4, 5, 6], rtmr2: [8, 9, 10, 11, 12, 13, 14, 15] }[register];
  const separatorOf = { rtmr0: 7, rtmr1: 4, rtmr2: 8 }[register];
  return events
    .filter(({ pcr, type }) => pcrs.includes(pcr) && (type !== EV_SEPARATOR || pcr === separatorOf))
    .map(({ digest }) => digest);
}
