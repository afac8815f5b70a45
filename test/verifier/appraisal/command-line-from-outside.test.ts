// The attack that only an exact RTMR2 sees: a command line from outside replaces the UKI's own, while every event of the genuine UKI is still
// logged. No policy can be written that accepts an image by the presence of events.
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { bootEvents, type Machine, type MeasuredEvent, measured } from "../../../src/testing/index.ts";
import { parseCcel } from "../../../src/verifier/tdx/ccel.ts";
import { EV_EVENT_TAG, EV_IPL } from "../../../src/verifier/tdx/event-type.ts";
import { failedIds, judge, machineOf, makeWorld, type World } from "../../support/appraisal-world.ts";
import { inProject } from "../../support/example-build.ts";

const utf16 = (text: string) => Uint8Array.from(Buffer.from(`${text}\0`, "utf16le"));

/** The image's own boot: its sections by name and content, and the command line that the kernel got. */
const SECTIONS = [".linux", ".cmdline"].flatMap((name) => [
  measured(2, EV_IPL, utf8(`${name}\0`)),
  measured(2, EV_IPL, utf8(`content of ${name}`)),
]);
const OWN = measured(2, EV_EVENT_TAG, utf16("roothash=abcd"));
const OUTSIDE = measured(2, EV_EVENT_TAG, utf16("console=ttyS0 evil=1"));
const base = bootEvents("synthetic image 1").filter(({ register }) => register !== 2);
const GENUINE: readonly MeasuredEvent[] = [...base, ...SECTIONS, OWN];
/** As systemd-stub logs it: the command line that was passed in once more, then everything of the image, then what the kernel got. */
const ATTACKED: readonly MeasuredEvent[] = [
  ...base,
  measured(2, EV_IPL, utf16("console=ttyS0 evil=1")),
  ...SECTIONS,
  OUTSIDE,
];

describe("a command line from outside", () => {
  let good: Machine;
  let world: World;
  beforeAll(async () => {
    good = await machineOf({ events: [...GENUINE] });
    world = await makeWorld(good);
  });

  it("leaves every event of the genuine image in the log, and is refused by RTMR2 alone", async () => {
    const attacked = await machineOf({ events: [...ATTACKED] });
    const log = parseCcel(Buffer.from(attacked.evidence.tdx.eventLog!.data, "base64"));
    const digests = log.events.map(({ digest }) => Buffer.from(digest).toString("hex"));
    for (const { digest } of SECTIONS) expect(digests).toContain(Buffer.from(digest).toString("hex"));
    expect((await judge(world, good)).verdict).toBe("trusted");
    const verdict = await judge(world, attacked);
    expect(verdict.verdict).toBe("rejected");
    expect(failedIds(verdict)).toEqual(["tuple.rtmr2"]);
  });

  it("cannot be let pass: entries state whole registers, and profiles ask for events of RTMR3 alone", () => {
    const schema = (kind: string) =>
      JSON.parse(readFileSync(inProject(`schemas/${kind}.v1.json`), "utf8")) as JsonSchema;
    const [row] = objectsWith(schema("os-image"), "bootPath");
    expect(row?.required).toEqual(expect.arrayContaining(["bootPath", "layout", "rtmr1", "rtmr2"]));
    for (const register of ["rtmr1", "rtmr2"]) {
      const { type, pattern } = row?.properties?.[register] ?? {};
      expect({ type, pattern }).toEqual({ type: "string", pattern: "^[0-9a-f]{96}$" });
    }
    const withEvents = objectsWith(schema("policy"), "events");
    expect(withEvents.map(({ properties }) => properties?.mode?.const)).toEqual(["replay"]);
    const [tdx] = objectsWith(schema("policy"), "rtmr3");
    expect(Object.keys(tdx?.properties ?? {}).filter((name) => /rtmr/.test(name))).toEqual(["rtmr3"]);
  });
});

interface JsonSchema {
  readonly type?: string;
  readonly pattern?: string;
  readonly const?: unknown;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
}

/** Every object in a schema that has a member of this name. */
function objectsWith(schema: unknown, member: string): JsonSchema[] {
  if (typeof schema !== "object" || schema === null) return [];
  const { properties } = schema as JsonSchema;
  const itself = properties !== undefined && member in properties ? [schema as JsonSchema] : [];
  return [...itself, ...Object.values(schema).flatMap((inner) => objectsWith(inner, member))];
}
