// The firmware id in the attestation key's certificate: Hopper's and Blackwell's form, and what is neither.
import { describe, expect, it } from "vitest";
import { MalformedError } from "../../../src/protocol/errors.ts";
import {
  context,
  contextPrimitive,
  encodeInteger,
  octetString,
  oid,
  sequence,
} from "../../../src/testing/der.ts";
import { COMPOSITE_DEVICE_ID, DICE_TCB_INFO, readFwid } from "../../../src/verifier/nvidia/fwid.ts";

const FWID = new Uint8Array(48).fill(3);
const ZERO = new Uint8Array(48);
const SHA_384 = "2.16.840.1.101.3.4.2.2";
const fwid = (digest: Uint8Array, algorithm = SHA_384) => sequence(oid(algorithm), octetString(digest));
const key = sequence(sequence(oid("1.2.840.10045.2.1")), octetString(ZERO));
const hopper = (last: Uint8Array) => sequence(encodeInteger(1), key, last);
const vendor = contextPrimitive(0, new Uint8Array(6));
const blackwell = (...list: Uint8Array[]) => sequence(vendor, context(6, ...list));
const leaf = (...extensions: [string, Uint8Array][]) => ({ extensions: new Map(extensions) });

describe("the FWID", () => {
  it("of Hopper is the last field of its CompositeDeviceID", () => {
    expect(readFwid(leaf([COMPOSITE_DEVICE_ID, hopper(fwid(FWID))]))).toEqual(FWID);
  });

  it("of Blackwell is the first of the list in its DiceTcbInfo", () => {
    expect(readFwid(leaf([DICE_TCB_INFO, blackwell(fwid(FWID), fwid(ZERO))]))).toEqual(FWID);
  });

  it.each([
    ["no extension", leaf()],
    ["both forms", leaf([COMPOSITE_DEVICE_ID, hopper(fwid(FWID))], [DICE_TCB_INFO, blackwell(fwid(FWID))])],
    ["SHA-256 for its name", leaf([COMPOSITE_DEVICE_ID, hopper(fwid(FWID, "2.16.840.1.101.3.4.2.1"))])],
    ["a digest of 32 bytes", leaf([COMPOSITE_DEVICE_ID, hopper(fwid(FWID.subarray(0, 32)))])],
    [
      "a third field",
      leaf([COMPOSITE_DEVICE_ID, hopper(sequence(oid(SHA_384), octetString(FWID), encodeInteger(1)))]),
    ],
    ["no digest", leaf([COMPOSITE_DEVICE_ID, sequence()])],
    ["an empty list", leaf([DICE_TCB_INFO, blackwell()])],
    ["no list", leaf([DICE_TCB_INFO, sequence(vendor)])],
    ["the other form's content", leaf([DICE_TCB_INFO, hopper(fwid(FWID))])],
    ["an empty extension", leaf([COMPOSITE_DEVICE_ID, new Uint8Array()])],
    ["bytes after it", leaf([COMPOSITE_DEVICE_ID, Uint8Array.of(...hopper(fwid(FWID)), 0)])],
  ])("is refused with %s", (_, certificate) => {
    expect(() => readFwid(certificate)).toThrow(MalformedError);
  });
});
