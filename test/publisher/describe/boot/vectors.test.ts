// The computation against logs and quotes of real boots: eight under QEMU with a software TPM, and three TDs. What a vector's files determine must
// be equal, event by event; what is not among them is taken from the log and counted.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, it } from "vitest";
import { encodeHex } from "../../../../src/protocol/encoding/hex.ts";
import type { Layout } from "../../../../src/protocol/entry/boot.ts";
import {
  diskBootOptions,
  KERNEL_BOOT_OPTIONS,
} from "../../../../src/publisher/describe/boot/boot-options.ts";
import { firstDifference } from "../../../../src/publisher/describe/boot/compare-measured.ts";
import { type ComputedEvent, extendAll } from "../../../../src/publisher/describe/boot/computed-event.ts";
import { eventsOfLog } from "../../../../src/publisher/describe/boot/expectation.ts";
import { measureFirmwareVariables } from "../../../../src/publisher/describe/boot/firmware-variables.ts";
import {
  callingEvents,
  EXIT_EVENTS,
  imageEvent,
  kernelInputEvents,
  measureLoadOptions,
} from "../../../../src/publisher/describe/boot/image-boot.ts";
import {
  measurePlatformBoot,
  type PlatformBootInput,
} from "../../../../src/publisher/describe/boot/platform-boot.ts";
import { withFile } from "../../../../src/publisher/describe/files/random-access.ts";
import { measureVariable } from "../../../../src/publisher/describe/formats/efi-signature-list.ts";
import { measureGpt } from "../../../../src/publisher/describe/formats/gpt.ts";
import { parseEventLog } from "../../../../src/verifier/tdx/event-log.ts";
import type { EventLog } from "../../../../src/verifier/tdx/logged-event.ts";
import { parseTdxQuote } from "../../../../src/verifier/tdx/quote.ts";
import { asRegister, parseTpmLog } from "../../../boot/tpm-log.ts";
import { describeReal, realData, realJson } from "../../../support/real-data.ts";
import { firmwareOf, sectionsOf } from "./firmware-of.ts";
import { GLOBAL, SECURITY } from "./make-variable-store.ts";

const GIB = 2 ** 30;
const COMMAND_LINE = "console=ttyS0 panic=1 quiet roothash=deadbeef";
const vector = (path: string) => `vectors/boot/${path}`;
const unzipped = (path: string) => new Uint8Array(gunzipSync(realData(vector(path))));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-vectors-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The blobs of a shape as a folder; a boot with a TPM has its log among them, which is empty before the boot. */
function acpiFolder(shape: string, tpm: boolean): string {
  const path = mkdtempSync(join(folder, "acpi-"));
  for (const name of ["table-loader", "acpi_rsdp", "acpi_tables"])
    writeFileSync(join(path, `etc_${name}`), unzipped(`acpi/${shape}.${name}.gz`));
  if (tpm) writeFileSync(join(path, "etc_tpm_log"), Buffer.alloc(65536));
  return path;
}

const variablesOf = (firmware = firmwareOf(), support = false) => measureFirmwareVariables(firmware, support);

async function rtmr0(change: Partial<PlatformBootInput>): Promise<ComputedEvent[]> {
  return await measurePlatformBoot({
    firmware: firmwareOf(),
    variables: variablesOf(),
    layout: "edk2-202411",
    vmm: "qemu",
    memory: 512 * 2 ** 20,
    acpi: undefined,
    bootOptions: KERNEL_BOOT_OPTIONS,
    authority: null,
    ...change,
  });
}

const digestsOf = (events: readonly ComputedEvent[]) => events.map(({ digest }) => digest);

interface Count {
  readonly listed: number;
  readonly equal: number;
  readonly unknown: number;
}

/** Every computed event must be the logged one; counts them. */
function held(register: "rtmr0" | "rtmr1" | "rtmr2", events: readonly ComputedEvent[], log: EventLog): Count {
  const listed = eventsOfLog(log, register);
  expect(firstDifference(register, events, listed)).toBeNull();
  expect(events).toHaveLength(listed.length);
  const unknown = events.filter(({ digest }) => digest === null).length;
  return { listed: listed.length, equal: listed.length - unknown, unknown };
}

/** The register after the events, unknown ones as the log has them. */
function valueWith(register: "rtmr0" | "rtmr1" | "rtmr2", events: readonly ComputedEvent[], log: EventLog) {
  const listed = eventsOfLog(log, register);
  return extendAll(events.map((event, i) => ({ ...event, digest: event.digest ?? listed[i]?.digest ?? "" })))
    .value;
}

describeReal("boots under QEMU, by the firmware's own log", () => {
  interface Artefacts {
    readonly authenticodeSha384: string;
    readonly sections: Readonly<Record<string, { readonly sha384: string }>>;
    readonly kernelAuthenticodeSha384: string;
    readonly initrdHandedOverSha384: string;
  }
  const artefacts = () =>
    realJson<{
      "uki.efi": Artefacts;
      vmlinuz: { authenticodeAfterQemu512MiB: string };
      "initrd.cpio": { sha384: string };
    }>(vector("tpm-boots/artefacts.json"));
  const logOf = (name: string) => parseTpmLog(realData(vector(`tpm-boots/${name}.tpm-log.bin`)));

  it.each([
    ["direct", "direct", 512 * 2 ** 20, KERNEL_BOOT_OPTIONS],
    ["direct-uki", "direct", 512 * 2 ** 20, KERNEL_BOOT_OPTIONS],
    ["direct-big", "big", 3 * GIB, KERNEL_BOOT_OPTIONS],
    ["uki-disk", "disk3", 512 * 2 ** 20, diskBootOptions(1, 0, true)],
    ["uki-disk-intel", "intel", 512 * 2 ** 20, diskBootOptions(1, 0, true)],
  ] as const)("%s: every event of RTMR0 that a TPM has too", async (name, shape, memory, bootOptions) => {
    const events = await rtmr0({ memory, bootOptions, acpi: acpiFolder(shape, true) });
    expect(digestsOf(events.slice(2))).toEqual(asRegister(logOf(name), "rtmr0"));
  });

  it("sb-disk: Secure Boot's variables and the certificate that verified the image", async () => {
    const data = (name: string) => realData(vector(`secure-boot-variables/${name}`));
    const variables = new Map(
      ["PK", "KEK", "db", "dbx"].map((name) => [
        `${name.startsWith("d") ? SECURITY : GLOBAL}:${name}`,
        data(name),
      ]),
    );
    const { state, events } = variablesOf(firmwareOf({ variables }), true);
    expect(state).toBe("on");
    const logged = asRegister(logOf("sb-disk"), "rtmr0");
    expect(logged).toEqual(expect.arrayContaining(digestsOf(events)));
    expect(logged).toContain(measureVariable("db", data("authority")).eventSha384);
  });

  it.each(["direct-uki", "uki-disk", "uki-disk-intel"])(
    "%s: every event of RTMR1 and RTMR2",
    async (name) => {
      const uki = artefacts()["uki.efi"];
      const disk = join(folder, "disk.img");
      writeFileSync(disk, unzipped("tpm-boots/esp-first-34-sectors.gz"));
      const image = imageEvent(uki.authenticodeSha384, "");
      const gpt = imageEvent(await withFile(disk, "disk image", measureGpt), "");
      const calling = callingEvents("edk2-202411");
      const start = name === "direct-uki" ? [image, ...calling] : [...calling, gpt, image];
      const rtmr1 = [...start, imageEvent(uki.kernelAuthenticodeSha384, ""), ...EXIT_EVENTS];
      expect(digestsOf(rtmr1)).toEqual(asRegister(logOf(name), "rtmr1"));
      const logged = asRegister(logOf(name), "rtmr2");
      const inputs = kernelInputEvents(COMMAND_LINE, "", uki.initrdHandedOverSha384, "");
      expect(digestsOf(inputs)).toEqual(logged.slice(-2));
      const order = [".linux", ".osrel", ".cmdline", ".initrd", ".uname", ".sbat"];
      expect(order.map((section) => uki.sections[section]?.sha384)).toEqual(
        logged.slice(0, -2).filter((_, i) => i % 2 === 1),
      );
    },
  );

  it("direct: a bare kernel as QEMU changes it, and OVMF's addition to its command line", () => {
    const { vmlinuz, "initrd.cpio": initrd } = artefacts();
    const rtmr1 = [
      imageEvent(vmlinuz.authenticodeAfterQemu512MiB, ""),
      ...callingEvents("edk2-202411"),
      ...EXIT_EVENTS,
    ];
    expect(digestsOf(rtmr1)).toEqual(asRegister(logOf("direct"), "rtmr1"));
    const rtmr2 = kernelInputEvents(`${COMMAND_LINE} initrd=initrd`, "", initrd.sha384, "");
    expect(digestsOf(rtmr2)).toEqual(asRegister(logOf("direct"), "rtmr2"));
  });

  it("direct-uki-append: all events of the genuine image are there, and RTMR2 is another", () => {
    const genuine = asRegister(logOf("direct-uki"), "rtmr2");
    const attacked = asRegister(logOf("direct-uki-append"), "rtmr2");
    const options = measureLoadOptions(COMMAND_LINE);
    expect(genuine).toContain(options);
    for (const digest of genuine.filter((one) => one !== options)) expect(attacked).toContain(digest);
    expect(attacked).not.toContain(options);
  });
});

describeReal("real TDs", () => {
  it("dstack-lite: RTMR0, RTMR1 and RTMR2 of the quote, three events and the volume of which are given", async () => {
    const evidence = realJson<{ quote: string; event_log: string; vm_config: string }>(
      vector("dstack-lite/tdx-lite-getquote.json"),
    );
    const { body } = parseTdxQuote(Buffer.from(evidence.quote, "hex"));
    const log = parseEventLog("dstack", Buffer.from(evidence.event_log));
    const { memory_size, tdx_measurement } = JSON.parse(evidence.vm_config) as {
      memory_size: number;
      tdx_measurement: { measurement: string };
    };
    const events = await rtmr0({ memory: memory_size });
    expect(held("rtmr0", events, log)).toEqual({ listed: 13, equal: 9, unknown: 4 });
    expect(valueWith("rtmr0", events, log)).toBe(body.rtmr0);
    const material = Buffer.from(tdx_measurement.measurement, "base64");
    const after = (key: string) => {
      const at = material.indexOf(key) + key.length;
      return material.subarray(at + 2, at + 50).toString("hex");
    };
    const [kernel, commandLine, initrd] = ["kernel_authenticode", "cmdline_sha384", "initrd_sha384"].map(
      after,
    );
    const rtmr1 = [imageEvent(kernel!, ""), ...callingEvents("edk2-202411"), ...EXIT_EVENTS];
    expect(extendAll(rtmr1).value).toBe(body.rtmr1);
    expect(extendAll([imageEvent(commandLine!, ""), imageEvent(initrd!, "")]).value).toBe(body.rtmr2);
    expect(after("two_pass")).toBe(body.mrtd);
  });

  it("dstack-v4-event-log: 64 GiB, the events of RTMR0 that memory and boot path determine", async () => {
    const log = parseEventLog("dstack", realData("evidence/tdx/dstack-v4-event-log/event-log.json"));
    const { body } = parseTdxQuote(realData("evidence/tdx/dstack-v4-event-log/quote.bin"));
    const events = await rtmr0({ memory: 64 * GIB });
    expect(held("rtmr0", events, log)).toEqual({ listed: 13, equal: 9, unknown: 4 });
    expect(valueWith("rtmr0", events, log)).toBe(body.rtmr0);
  });

  it("cos-113: Google's TD HOB of a c3-standard-4", async () => {
    const log = parseEventLog("ccel", realData("evidence/tdx/cos-113-v4-ccel-outofdate/ccel.bin"));
    const sections = sectionsOf([
      [0xffe20000, 0x1e0000],
      [0xffe00000, 0x20000],
      [0x810000, 0x10000],
      [0x80b000, 0x2000],
      [0x809000, 0x2000],
      [0x800000, 0x6000],
    ]);
    const [hob] = await rtmr0({ vmm: "gce", memory: 16 * GIB, firmware: firmwareOf({ sections }) });
    expect(hob?.digest).toBe(eventsOfLog(log, "rtmr0")[0]?.digest);
  });

  it("go-eventlog's older firmware has its second separator in RTMR0, and no other layout fits it", async () => {
    const log = parseEventLog("ccel", realData(vector("go-eventlog/CCEL_unpadded.data.bin")));
    const difference = async (layout: Layout) => {
      const [hob, ...rest] = await rtmr0({ layout, variables: variablesOf(firmwareOf(), true) });
      const events = [{ ...hob!, digest: null }, ...rest];
      return firstDifference("rtmr0", events, eventsOfLog(log, "rtmr0"));
    };
    expect(await difference("edk2-before-202411")).toBeNull();
    expect(await difference("edk2-202411")).toMatch(/RTMR0, event 13: .* that was not foreseen/);
  });
});

describeReal("event logs in the form of a TD, made of the boots under QEMU", () => {
  it.each([
    ["direct-uki", "td-direct", KERNEL_BOOT_OPTIONS],
    ["direct", "td-direct", KERNEL_BOOT_OPTIONS],
    ["uki-disk", "td-disk", diskBootOptions(1, 0, true)],
  ] as const)("%s: all of RTMR0 but the volume of the firmware", async (name, shape, bootOptions) => {
    const log = parseEventLog("ccel", realData(vector(`synthetic-ccel/synthetic-${name}.ccel.bin`)));
    const sections = sectionsOf([
      [0x811000, 0xf000],
      [0x80b000, 0x2000],
      [0x809000, 0x2000],
      [0x800000, 0x6000],
    ]);
    const events = await rtmr0({
      bootOptions,
      acpi: acpiFolder(shape, false),
      firmware: firmwareOf({ sections }),
    });
    expect(held("rtmr0", events, log).unknown).toBe(1);
    expect(encodeHex(log.events[1]!.digest)).toMatch(/^344bc51c/);
  });
});
