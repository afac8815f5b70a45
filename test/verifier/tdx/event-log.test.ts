// Event logs: what the quoted registers prove, and what a log only claims.
import { describe, expect, it } from "vitest";
import { sha256, sha384 } from "../../../src/protocol/cryptography/hash.ts";
import { concatBytes } from "../../../src/protocol/encoding/bytes.ts";
import { decodeHex, encodeHex } from "../../../src/protocol/encoding/hex.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import {
  bootEvents,
  type MeasuredEvent,
  makeCcel,
  makeDstackLog,
  measured,
  replayEvents,
  runtimeEvent,
} from "../../../src/testing/event-log.ts";
import {
  compareEventLog,
  parseEventLog,
  replayEventLog,
  requireBootReplay,
  requireRuntimeEvents,
} from "../../../src/verifier/tdx/event-log.ts";
import type { TdReport } from "../../../src/verifier/tdx/quote.ts";
import { malformedOf, outcomeOf } from "../../support/refusals.ts";

const boot = bootEvents("image 1");
const runtime = [runtimeEvent("app-id", utf8("app")), runtimeEvent("system-ready", new Uint8Array())];
const appEvent = runtimeEvent("compose-hash", utf8("written by the application"));

function bodyOf(events: readonly MeasuredEvent[]): TdReport {
  const [rtmr0, rtmr1, rtmr2, rtmr3] = replayEvents(events).map(encodeHex);
  return { rtmr0, rtmr1, rtmr2, rtmr3 } as TdReport;
}

const require = (event: MeasuredEvent) => ({
  name: event.name ?? "",
  payloadSha256: encodeHex(sha256(event.data)),
});
const utf16 = (text: string) => Uint8Array.from([...text].flatMap((char) => [char.charCodeAt(0), 0]));

describe.each(["ccel", "dstack"] as const)("a %s log", (format) => {
  const write = format === "ccel" ? makeCcel : makeDstackLog;

  it("replays to the registers that its events were extended into", () => {
    const log = parseEventLog(format, write(boot));
    expect(log.events).toHaveLength(boot.length);
    expect(compareEventLog(log, bodyOf(boot)).equal).toEqual(compareEventLog(log, bodyOf(boot)).logged);
  });

  it("with an event left out, added or exchanged does not", () => {
    const [first, second, ...rest] = boot as [MeasuredEvent, MeasuredEvent, ...MeasuredEvent[]];
    const again = measured(first.register, 4, new Uint8Array(4));
    for (const events of [
      [second, ...rest],
      [...boot, again],
      [second, first, ...rest],
    ]) {
      expect(replayEventLog(parseEventLog(format, write(events)))).not.toEqual(
        replayEventLog(parseEventLog(format, write(boot))),
      );
    }
  });

  it("with other data under the same digest replays, but the data is not proven", () => {
    const separator = measured(0, 4, new Uint8Array(4));
    const lie = { ...separator, data: utf8("lies") };
    const log = parseEventLog(format, write([lie]));
    expect(compareEventLog(log, bodyOf([separator])).equal).toEqual(["rtmr0"]);
    expect(log.events.map(({ recomputed }) => recomputed)).toEqual([false]);
  });
});

describe("digests are recomputed from", () => {
  const variable = concatBytes(
    new Uint8Array(16),
    Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0),
    utf16("PK"),
    utf8("key"),
  );
  it.each<[string, number, Uint8Array, Uint8Array]>([
    ["the data of a separator", 0x04, new Uint8Array(4), new Uint8Array(4)],
    [
      "the data of an action",
      0x8000_0007,
      utf8("Exit Boot Services Invocation"),
      utf8("Exit Boot Services Invocation"),
    ],
    ["the whole of a Secure Boot variable", 0x8000_0001, variable, variable],
    ["the value of a boot variable", 0x8000_0002, variable, utf8("key")],
    [
      "a GRUB command without its prefix and NUL",
      0x0d,
      utf8("grub_cmd: set default=2\0"),
      utf8("set default=2"),
    ],
    [
      "a kernel command line without its prefix and NUL",
      0x0d,
      utf8("kernel_cmdline: /vmlinuz ro\0"),
      utf8("/vmlinuz ro"),
    ],
    ["systemd-stub's text", 0x0d, utf16("ro quiet"), utf16("ro quiet")],
    ["a tagged event without its header", 0x06, concatBytes(new Uint8Array(8), utf8("tag")), utf8("tag")],
  ])("%s", (_, type, data, input) => {
    const [event] = parseEventLog(
      "ccel",
      makeCcel([{ register: 0, type, data, digest: sha384(input) }]),
    ).events;
    expect(event?.recomputed).toBe(true);
  });

  it.each([
    ["a firmware volume", 0x8000_000a],
    ["a PE image", 0x8000_0003],
    ["ACPI tables", 0x0a],
  ])("nothing for %s, even where the digest is the data's", (_, type) => {
    const [event] = parseEventLog("ccel", makeCcel([measured(0, type, utf8("ACPI DATA"))])).events;
    expect(event?.recomputed).toBe(false);
  });

  it("nothing for a variable whose lengths do not fit", () => {
    const huge = concatBytes(new Uint8Array(16), new Uint8Array(16).fill(0xff), utf8("key"));
    for (const data of [huge, huge.subarray(0, 20)]) {
      const [event] = parseEventLog("ccel", makeCcel([measured(0, 0x8000_0002, data)])).events;
      expect(event?.recomputed).toBe(false);
    }
  });
});

describe("event-log-without-rtmr2", () => {
  const events = [...boot, ...runtime];
  const quoted = bodyOf(events);
  const replayed = (registers: readonly number[]) =>
    outcomeOf(() => {
      const log = makeDstackLog(events.filter(({ register }) => registers.includes(register)));
      requireBootReplay(parseEventLog("dstack", log), quoted);
    });

  it.each([
    [[1, 2, 3], "event-log"],
    [[0, 2, 3], "event-log"],
    [[0, 1, 3], "event-log"],
    [[3], "event-log"],
    [[0, 1, 2], "accepted"],
    [[0, 1, 2, 3], "accepted"],
  ])("a log of registers %j: %s", async (registers, outcome) => {
    expect(await replayed(registers)).toBe(outcome);
  });

  it("a register that the quote shows as zero needs no event, and may have none", async () => {
    const without2 = boot.filter(({ register }) => register !== 2);
    const require = (log: readonly MeasuredEvent[], body: TdReport) =>
      outcomeOf(() => requireBootReplay(parseEventLog("ccel", makeCcel(log)), body));
    expect(await require(without2, bodyOf(without2))).toBe("accepted");
    expect(await require(boot, bodyOf(without2))).toBe("event-log");
  });

  it("says that RTMR3 is not in the log where the quote has one", () => {
    const log = parseEventLog("ccel", makeCcel(boot));
    expect(requireBootReplay(log, quoted)).toEqual({
      equal: ["rtmr0", "rtmr1", "rtmr2"],
      missing: ["rtmr3"],
    });
    expect(requireBootReplay(log, bodyOf(boot)).missing).toEqual([]);
  });
});

describe("dstack-log-stripped-digests", () => {
  const v2 = [runtimeEvent("app-id", utf8("app"), 2), runtimeEvent('a "b": c', new Uint8Array(), 2)];
  const events = [...boot, ...runtime, ...v2];
  const parse = (log: Uint8Array) => parseEventLog("dstack", log);

  it.each([
    ["with every digest", {}],
    ["without those of runtime events", { stripped: true }],
    ["with preimages", { preimages: true }],
    ["with preimages and without digests", { stripped: true, preimages: true }],
  ])("a log %s is the same log, of versions 1 and 2", (_, form) => {
    const log = parse(makeDstackLog(events, form));
    expect(log).toEqual(parse(makeDstackLog(events)));
    expect(compareEventLog(log, bodyOf(events)).equal).toEqual(["rtmr0", "rtmr1", "rtmr2", "rtmr3"]);
    expect(log.events.filter(({ rtmr }) => rtmr === 3).every(({ recomputed }) => recomputed)).toBe(true);
  });

  const records = (): Array<Record<string, unknown>> =>
    JSON.parse(new TextDecoder().decode(makeDstackLog(events, { stripped: true, preimages: true })));
  const changed = (
    change: (last: Record<string, unknown>, all: Array<Record<string, unknown>>) => unknown,
  ) => {
    const all = records();
    change(all.at(-2)!, all);
    return utf8(JSON.stringify(all));
  };

  it("one byte of a payload, of a name, or the version changed no longer replays", () => {
    for (const change of [{ event_payload: "6170" }, { event: "app_id" }, { version: 1 }]) {
      const log = changed((last) => {
        delete last.preimage;
        Object.assign(last, change);
      });
      expect(compareEventLog(parse(log), bodyOf(events)).equal).not.toContain("rtmr3");
    }
  });

  it.each<[string, Uint8Array]>([
    [
      "a preimage that is not what the digest is of",
      changed((last) => Object.assign(last, { preimage: "00" })),
    ],
    ["a version that is not known", changed((last) => Object.assign(last, { version: 3 }))],
    ["a boot event without its digest", changed((_, all) => Object.assign(all[0]!, { digest: "" }))],
  ])("%s is refused", async (_, log) => {
    expect(await malformedOf(() => parse(log))).toBeDefined();
  });

  it("an absent digest is an empty one, and hex may be upper-case", () => {
    const log = changed((last) => {
      delete last.digest;
      last.event_payload = String(last.event_payload).toUpperCase();
    });
    expect(parse(log)).toEqual(parse(makeDstackLog(events)));
  });

  it("a colon in a name of version 1 replays, and proves neither name nor payload", () => {
    const event = runtimeEvent("a:b", utf8("c"));
    const log = parse(makeDstackLog([event], { stripped: true }));
    expect(replayEventLog(log).rtmr3).toBe(encodeHex(replayEvents([event])[3]));
    expect(log.events.map(({ recomputed }) => recomputed)).toEqual([false]);
  });
});

describe("ccel-one-mebibyte", () => {
  const MIB = 1024 * 1024;
  const lengthOf = makeCcel(boot, 0).length;

  it.each([0xff, 0x00])("a table of 1 MiB padded with 0x%x is read by its events", (byte) => {
    const table = new Uint8Array(MIB).fill(byte);
    table.set(makeCcel(boot, 0));
    expect(parseEventLog("ccel", table)).toEqual(parseEventLog("ccel", makeCcel(boot)));
    expect(parseEventLog("ccel", table).endsAt).toBe(lengthOf);
  });

  it("an event that ends in zeros keeps them, and may be the last", () => {
    const last = measured(0, 4, new Uint8Array(4));
    expect(parseEventLog("ccel", makeCcel([last], 0)).events[0]?.data).toEqual(new Uint8Array(4));
  });

  it("more than 512 KiB of events, and a table of more than 2 MiB, are refused", async () => {
    const huge = makeCcel([measured(0, 4, new Uint8Array(512 * 1024).fill(1))]);
    expect((await malformedOf(() => parseEventLog("ccel", huge)))?.message).toContain("a log longer than");
    const table = new Uint8Array(2 * MIB + 1).fill(0xff);
    table.set(makeCcel(boot, 0));
    expect((await malformedOf(() => parseEventLog("ccel", table)))?.message).toContain("longer than");
  });
});

describe("required runtime events", () => {
  const events = [...boot, ...runtime, appEvent];
  const log = parseEventLog("dstack", makeDstackLog(events));
  const check = (required: MeasuredEvent[], in_ = log, body = bodyOf(events)) =>
    outcomeOf(() => requireRuntimeEvents(in_, body, required.map(require)));

  it("are accepted when RTMR3 begins with them", async () => {
    expect(await check(runtime)).toBe("accepted");
  });

  it("are refused in another order, with another payload, or when absent", async () => {
    expect(await check([...runtime].reverse())).toBe("runtime-event");
    expect(await check([runtimeEvent("app-id", utf8("other"))])).toBe("runtime-event");
    expect(await check([...runtime, appEvent, runtimeEvent("more", utf8(""))])).toBe("runtime-event");
  });

  it("cannot be appended by the application after the platform's own", async () => {
    expect(await check([appEvent])).toBe("runtime-event");
  });

  it("are refused when the log was edited", async () => {
    const edited = runtime.map((event, i) => (i === 0 ? { ...event, data: utf8("evil") } : event));
    const lie = parseEventLog("dstack", makeDstackLog([...boot, ...edited, appEvent]));
    expect(await check([runtimeEvent("app-id", utf8("evil")), ...runtime.slice(1)], lie)).toBe(
      "runtime-event",
    );
    expect(await check(runtime, parseEventLog("dstack", makeDstackLog([...boot, ...runtime])))).toBe(
      "event-log",
    );
  });
});

describe("a malformed log is refused:", () => {
  const good = makeCcel(boot);
  const patched = (offset: number, byte: number) => {
    const copy = Uint8Array.from(good);
    copy[offset] = byte;
    return copy;
  };
  const record = JSON.parse(new TextDecoder().decode(makeDstackLog(boot.slice(0, 1))))[0];

  it.each<[string, "ccel" | "dstack", Uint8Array]>([
    ["without the Spec ID event", "ccel", good.subarray(65)],
    ["that measures with SHA-256", "ccel", patched(60, 0x0b)],
    ["of a register that TDX does not have", "ccel", patched(65, 5)],
    ["of register 0", "ccel", patched(65, 0)],
    ["with two digests for an event", "ccel", patched(73, 2)],
    ["with a length beyond its end", "ccel", patched(65 + 12 + 2 + 48 + 2, 0xff)],
    ["with something after the padding began", "ccel", concatBytes(good, Uint8Array.of(1))],
    ["longer than 512 KiB", "ccel", new Uint8Array(512 * 1024 + 1)],
    ["that is no array", "dstack", utf8("{}")],
    ["without events", "dstack", utf8("[]")],
    ["of register 4", "dstack", utf8(JSON.stringify([{ ...record, imr: 4 }]))],
    ["with a SHA-256 digest", "dstack", utf8(JSON.stringify([{ ...record, digest: "00".repeat(32) }]))],
    ["with an unknown field", "dstack", utf8(JSON.stringify([{ ...record, extra: 1 }]))],
    ["with a field twice", "dstack", utf8(JSON.stringify([record]).replace('"imr"', '"imr":0,"imr"'))],
  ])("%s (%s)", async (_, format, bytes) => {
    expect(await malformedOf(() => parseEventLog(format, bytes))).toBeDefined();
  });

  it("EV_NO_ACTION events inform and are not extended", () => {
    const log = parseEventLog("ccel", makeCcel([...boot, measured(0, 3, utf8("StartupLocality"))]));
    expect(replayEventLog(log)).toEqual(replayEventLog(parseEventLog("ccel", makeCcel(boot))));
    expect(decodeHex(replayEventLog(log).rtmr3)).toHaveLength(48);
  });
});
