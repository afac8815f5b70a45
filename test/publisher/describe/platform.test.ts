// Platforms from firmware, quote and event log: what is computed, what is observed, and sources that contradict each other.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha384 } from "../../../src/protocol/cryptography/hash.ts";
import { decodeHex, encodeHex } from "../../../src/protocol/encoding/hex.ts";
import type { Platform } from "../../../src/protocol/entry/kinds/platform.ts";
import { parseStatement } from "../../../src/protocol/envelope/statement.ts";
import { describePlatform, type PlatformInput } from "../../../src/publisher/describe/platform.ts";
import { type MeasuredEvent, makeCcel, replayEvents } from "../../../src/testing/event-log.ts";
import { makeMachine } from "../../../src/testing/machine.ts";
import { EV_PLATFORM_CONFIG_FLAGS } from "../../../src/verifier/tdx/event-type.ts";
import { describeReal, realDataPath, realJson } from "../../support/real-data.ts";
import { makeTdvf, referenceMrtd, SECTIONS } from "./formats/make-tdvf.ts";
import { RELEASE } from "./release-statements.ts";

const SHAPE = { machineType: "q35", vcpus: 32, memoryBytes: 2 ** 38, gpus: 8 };
/** A loader script that allocates the two files that every machine has. */
const LOADER = Buffer.concat(
  ["etc/acpi/rsdp", "etc/acpi/tables"].map((name) => {
    const command = Buffer.alloc(128);
    command.writeUInt32LE(1);
    command.write(name, 4);
    command.writeUInt32LE(16, 60);
    return command;
  }),
).toString("latin1");
const ACPI = { loader: LOADER, rsdp: "rsdp content", tables: "tables content" };

let folder: string;
const at = (name: string) => join(folder, name);
const predicateOf = async (input: PlatformInput) =>
  parseStatement((await describePlatform(input)).payload).predicate as Platform;

describe("platform", () => {
  const firmware = makeTdvf(SECTIONS);
  const twoPass = referenceMrtd(firmware, SECTIONS, "two-pass");
  let input: PlatformInput;
  let events: MeasuredEvent[];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "touchstone-platform-"));
    events = Object.values(ACPI).map((content) => ({
      register: 0,
      type: EV_PLATFORM_CONFIG_FLAGS,
      data: Buffer.from("ACPI DATA"),
      digest: sha384(Buffer.from(content)),
    }));
    writeAcpi("acpi", ACPI);
    writeFileSync(at("OVMF.fd"), firmware);
    writeFileSync(at("ccel.bin"), makeCcel(events));
    await writeQuote("quote.bin", twoPass);
    input = {
      release: RELEASE,
      firmware: at("OVMF.fd"),
      quote: at("quote.bin"),
      eventLog: at("ccel.bin"),
      acpi: at("acpi"),
      layout: "edk2-202411",
      vmm: { name: "qemu" },
      shape: SHAPE,
    };
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function writeAcpi(name: string, { loader, rsdp, tables }: typeof ACPI) {
    mkdirSync(at(name));
    writeFileSync(at(`${name}/etc_table-loader`), loader);
    writeFileSync(at(`${name}/etc_acpi_rsdp`), rsdp);
    writeFileSync(at(`${name}/etc_acpi_tables`), tables);
  }

  async function writeQuote(name: string, mrtd: string) {
    const body = { mrTd: decodeHex(mrtd), rtmr0: replayEvents(events)[0] };
    const machine = await makeMachine({ at: new Date("2026-06-01T00:00:00Z"), events, tdx: { body } });
    writeFileSync(at(name), Buffer.from(machine.evidence.tdx.quote, "base64"));
  }

  it.each([
    ["sept-ve-disable-off", "0000000000000000"],
    ["migratable", "0000003000000000"],
  ] as const)("is not stated with %s, unless that is allowed by name", async (name, tdAttributes) => {
    const { quote: _, ...bare } = input;
    const dangerous = { ...bare, pageAddOrder: "two-pass", xfam: "e702060000000000", tdAttributes } as const;
    await expect(predicateOf(dangerous)).rejects.toThrow(new RegExp(`--allow-attribute ${name}`));
    const other = name === "migratable" ? "sept-ve-disable-off" : "migratable";
    await expect(predicateOf({ ...dangerous, allowAttributes: [other] })).rejects.toThrow(name);
    expect((await predicateOf({ ...dangerous, allowAttributes: [name] })).tdAttributes).toBe(tdAttributes);
  });

  it("computes MRTD, finds the order of page adding in the quote, and observes the rest", async () => {
    expect(await predicateOf(input)).toMatchObject({
      firmware: { fileName: "OVMF.fd", size: firmware.length },
      mrtd: twoPass,
      pageAddOrder: "two-pass",
      rtmr0: encodeHex(replayEvents(events)[0]),
      acpi: Object.fromEntries(
        Object.entries(ACPI).map(([name, content]) => [name, encodeHex(sha384(Buffer.from(content)))]),
      ),
      shape: SHAPE,
      tdAttributes: "0000001000000000",
      xfam: "e702060000000000",
    });
  });

  it("is byte for byte the same when run again", async () => {
    const first = await describePlatform(input);
    expect(await describePlatform(input)).toEqual(first);
    expect(Buffer.from(first.payload).toString()).not.toContain(folder);
  });

  it("needs no quote where the order, the attributes and XFAM are given", async () => {
    const { quote: _, ...rest } = input;
    const given = { ...rest, tdAttributes: "0000001000000000", xfam: "e702060000000000" };
    const single = await predicateOf({ ...given, pageAddOrder: "single-pass" });
    expect(single.mrtd).toBe(referenceMrtd(firmware, SECTIONS, "single-pass"));
    await expect(predicateOf(given)).rejects.toThrow(
      /nothing says what the order in which pages are added is/,
    );
    await expect(predicateOf({ ...rest, pageAddOrder: "two-pass" })).rejects.toThrow(
      /nothing says what TD attributes is/,
    );
  });

  it("needs no firmware where there is a quote", async () => {
    const { firmware: _, ...rest } = input;
    expect(await predicateOf(rest)).toMatchObject({
      firmware: null,
      mrtd: twoPass,
      pageAddOrder: "observed",
    });
    const { quote: __, ...neither } = rest;
    await expect(predicateOf(neither)).rejects.toThrow(/nothing says what MRTD is/);
  });

  it("refuses a quote of other firmware, or of another order of page adding", async () => {
    await writeQuote("other.bin", "ab".repeat(48));
    await expect(predicateOf({ ...input, quote: at("other.bin") })).rejects.toThrow(
      /the quote's MRTD (ab){48} is not that of OVMF\.fd/,
    );
    await expect(predicateOf({ ...input, pageAddOrder: "single-pass" })).rejects.toThrow(
      /is not that of OVMF\.fd/,
    );
  });

  it("refuses a log without any event of RTMR0, rather than state zeros or name it as a source", async () => {
    writeFileSync(at("rtmr1.ccel"), makeCcel(events.map((event) => ({ ...event, register: 1 }))));
    const { quote, acpi: _, ...rest } = input;
    for (const other of [rest, { ...rest, quote: quote! }])
      await expect(
        predicateOf({ ...other, pageAddOrder: "two-pass", eventLog: at("rtmr1.ccel") }),
      ).rejects.toThrow(/no event of RTMR0, so what it holds was not seen/);
  });

  it("refuses an event log, attributes or ACPI tables that the quote or the log contradict", async () => {
    writeFileSync(at("other.ccel"), makeCcel(events.slice(1)));
    await expect(predicateOf({ ...input, eventLog: at("other.ccel") })).rejects.toThrow(
      /RTMR0 is [0-9a-f]{96} and [0-9a-f]{96}/,
    );
    await expect(predicateOf({ ...input, tdAttributes: "0100001000000000" })).rejects.toThrow(
      /TD attributes is/,
    );
    writeAcpi("other-acpi", { ...ACPI, tables: "other tables" });
    await expect(predicateOf({ ...input, acpi: at("other-acpi") })).rejects.toThrow(
      /other-acpi: the event log measures no such ACPI tables into RTMR0/,
    );
  });

  it("refuses firmware without TDX metadata, and files that are no quote or log", async () => {
    await expect(predicateOf({ ...input, firmware: at("quote.bin") })).rejects.toThrow(
      /no GUIDed table at the end/,
    );
    await expect(predicateOf({ ...input, quote: at("OVMF.fd") })).rejects.toThrow(/TDX quote/);
    await expect(predicateOf({ ...input, eventLog: at("OVMF.fd") })).rejects.toThrow(/CCEL/);
  });
});

describeReal("a real platform", () => {
  it("is described from its quote and event log, which agree", async () => {
    const folderOf = (file: string) => realDataPath(`evidence/tdx/cos-113-v4-ccel-outofdate/${file}`);
    const expected = realJson<Platform>("evidence/tdx/cos-113-v4-ccel-outofdate/expected.json");
    const { rtmr0, mrtd, xfam, tdAttributes } = await predicateOf({
      release: RELEASE,
      quote: folderOf("quote.bin"),
      eventLog: folderOf("ccel.bin"),
      layout: "edk2-202411",
      vmm: { name: "gce" },
      shape: SHAPE,
    });
    expect({ rtmr0, mrtd, xfam, tdAttributes }).toEqual({
      rtmr0: expected.rtmr0,
      mrtd: expected.mrtd,
      xfam: expected.xfam,
      tdAttributes: expected.tdAttributes,
    });
  });
});
