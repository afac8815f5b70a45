// What people hand over where a binary file is wanted, and that a binary file is not taken for any of it.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { likeness, recognise } from "../../../src/protocol/encoding/recognise.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { printable } from "../../../src/protocol/errors.ts";

const bytes = Uint8Array.from({ length: 60 }, (_, i) => i * 29);
const hex = Buffer.from(bytes).toString("hex");
const base64 = Buffer.from(bytes).toString("base64");
const packed = (...magic: number[]) => Uint8Array.of(...magic, ...bytes);
const disk = new Uint8Array(1024);
disk.set(utf8("EFI PART"), 512);

describe("what bytes look like", () => {
  it.each<[string, string | Uint8Array, RegExp]>([
    ["hex", `${hex}\n`, /^hex text, decode it first \(xxd -r -p\)$/],
    ["hex with 0x", `0x${hex.toUpperCase()}`, /^hex text/],
    ["hex in columns", hex.replace(/../g, "$& "), /^hex text/],
    ["base64 in lines", `${base64.slice(0, 76)}\r\n${base64.slice(76)}\n`, /^base64 text, decode it first/],
    ["base64url", Buffer.from(bytes).toString("base64url"), /^base64 text/],
    [
      "PEM",
      `Bag Attributes\n-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
      /^PEM \(CERTIFICATE\), give the bytes that it holds/,
    ],
    ["JSON", `{"quote": "${hex}", "event_log": []}`, /^JSON with "quote", "event_log", take the value out/],
    ["a list in JSON", '[ {"imr": 0} ]', /^JSON with "imr"/],
    [
      "a DSSE envelope",
      '{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[]}',
      /^a signed envelope with "payload", "payloadType", "signatures", give the statement that was signed/,
    ],
    ["a Git LFS pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:00\n", /git lfs pull/],
    ["a web page", "<!DOCTYPE html>\n<html></html>", /^an HTML page, download the file again/],
    ["XML", "<?xml version='1.0'?>", /^XML/],
    ["UTF-16", Uint8Array.of(0xff, 0xfe, 0x61, 0), /^UTF-16 text/],
    ["any text", 'CONFIG_A=y\nCONFIG_B="x"\n', /^text that begins "CONFIG_A=y\\nCONFIG_B=/],
    ["nothing", "", /^an empty file/],
    ["gzip", packed(0x1f, 0x8b), /gunzip/],
    ["xz", packed(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0), /unxz/],
    ["zstd", packed(0x28, 0xb5, 0x2f, 0xfd), /unzstd/],
    ["bzip2", utf8("BZh9"), /bunzip2/],
    ["zip", utf8("PK\u0003\u0004"), /unzip/],
    ["qcow2", packed(0x51, 0x46, 0x49, 0xfb), /qemu-img convert -O raw/],
    ["a whole disk", disk, /^a whole disk, give the partition's content$/],
    ["DER", packed(0x30, 0x82, 4, 0, 0x30), /^DER, such as a certificate/],
  ])("is said of %s", (_what, given, message) => {
    const found = recognise(typeof given === "string" ? utf8(given) : given);
    expect(`${found?.what}, ${found?.remedy}`).toMatch(message);
  });

  it("is not said of binary files", () => {
    for (const magic of ["MZ\u0090\0", "\u007fELF\u0002\u0001\u0001\0", "\0\0\0\0"])
      expect(likeness(Buffer.concat([Buffer.from(magic, "latin1"), bytes]))).toBe("");
  });

  it("is not said of what the reader takes", () => {
    expect(likeness(utf8('{"a":1}'), "json")).toBe("");
    expect(likeness(utf8("-----BEGIN CERTIFICATE-----"), "der", "pem")).toBe("");
    expect(likeness(utf8(hex), "json", "pem")).toMatch(/hex text/);
  });

  it("ends a message, in one line and fit for a terminal", () => {
    expect(likeness(utf8(hex))).toBe(": it looks like hex text, decode it first (xxd -r -p)");
    expect(printable(likeness(utf8("\u001b[2J\nred")))).toMatch(/^: it looks like text that begins "[ -~]+"/);
  });

  it("is found in any bytes without an error", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (any) => likeness(any).length < 300));
    fc.assert(fc.property(fc.string({ maxLength: 200 }), (any) => likeness(utf8(any)).length < 400));
  });
});
