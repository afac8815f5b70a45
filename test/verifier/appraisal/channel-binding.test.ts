// Every way in which a policy can want the quote bound to the channel: each is good in its own form, and no other.
import { beforeAll, describe, expect, test } from "vitest";
import { sha256, sha512 } from "../../../src/protocol/cryptography/hash.ts";
import { decodeBase64, encodeBase64 } from "../../../src/protocol/encoding/base64.ts";
import { concatBytes } from "../../../src/protocol/encoding/bytes.ts";
import { encodeHex } from "../../../src/protocol/encoding/hex.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import type { Profile } from "../../../src/protocol/entry/policy.ts";
import { canonicalize } from "../../../src/protocol/envelope/canonical-json.ts";
import {
  bootEvents,
  EV_EVENT_TAG,
  EV_SEPARATOR,
  type KeyPair,
  type Machine,
  type MeasuredEvent,
  makeDstackLog,
  makeEvidenceCertificate,
  makeKeyPair,
  makeRaTlsCertificate,
  runtimeEvent,
} from "../../../src/testing/index.ts";
import { type Channel, GPU_CLAIMS_EVENT } from "../../../src/verifier/appraisal/channel-binding.ts";
import { failedIds, judge, machineOf, makeWorld, type World } from "../../support/appraisal-world.ts";
import { NOW } from "../../support/clock.ts";
import { contrastEvidence, diceClaims, diceEvidence, doubled, OID } from "../ra-tls/containers.ts";

type Format = Exclude<Profile["binding"]["format"], "touchstone-binding/v1">;

/** REPORTDATA of each foreign format over one key and challenge, written from the formats' descriptions. */
const REPORT_DATA: Record<Format, (key: KeyPair, nonce: Uint8Array) => Uint8Array> = {
  "ccc-ra-tls": ({ spki }, nonce) => concatBytes(sha256(diceClaims(spki, nonce)), new Uint8Array(32)),
  "dstack-ratls": ({ spki }) => sha512(concatBytes(utf8("ratls-cert:"), spki)),
  "contrast-atls": ({ spki }, nonce) => sha512(concatBytes(spki, nonce)),
};
const FORMATS = Object.keys(REPORT_DATA) as Format[];
/** dstack's REPORTDATA holds no challenge. */
const FRESHNESS = { "ccc-ra-tls": "nonce", "dstack-ratls": "boot", "contrast-atls": "nonce" } as const;

function extensionOf(
  format: Format,
  quote: Uint8Array,
  key: KeyPair,
  nonce: Uint8Array,
): [string, Uint8Array] {
  if (format === "ccc-ra-tls") return [OID.dice, diceEvidence(quote, diceClaims(key.spki, nonce))];
  if (format === "contrast-atls") return [OID.contrast, contrastEvidence(quote)];
  return [OID.dstackQuote, doubled(quote)];
}

interface Shown {
  readonly machine: Machine;
  readonly channel: Channel;
}

let key: KeyPair;
beforeAll(async () => {
  key = await makeKeyPair("P-256");
});

const claimsDigest = ({ evidence }: Machine) => sha256(utf8(canonicalize(evidence.claims)));

/** A machine that binds its key in a foreign format, and its GPU claims by an event in RTMR3. @param before events in front of that one. */
async function bound(
  format: Format,
  claimsEvent: (machine: Machine) => Uint8Array = claimsDigest,
  before: readonly MeasuredEvent[] = [],
): Promise<Shown> {
  const first = await machineOf({ channel: key });
  const { nonce, evidence } = first;
  const claimed = runtimeEvent(GPU_CLAIMS_EVENT, claimsEvent(first));
  const events = [...bootEvents("synthetic image 1"), ...before, claimed];
  const reportData = REPORT_DATA[format](key, nonce);
  const again = await machineOf({
    channel: key,
    nonce,
    events,
    eventLog: "dstack",
    tdx: { body: { reportData } },
  });
  const machine = {
    ...again,
    gpus: first.gpus,
    evidence: { ...again.evidence, gpus: evidence.gpus, claims: evidence.claims },
  };
  return { machine, channel: await certifiedChannel(format, machine) };
}

async function certifiedChannel(
  format: Format,
  { evidence, nonce }: Machine,
  certified = key,
): Promise<Channel> {
  const extension = extensionOf(format, decodeBase64(evidence.tdx.quote), certified, nonce);
  const validity = {
    notBefore: new Date(NOW.getTime() - 3_600_000),
    notAfter: new Date(NOW.getTime() + 3_600_000),
  };
  const { der } = await makeRaTlsCertificate(certified, {
    commonName: "peer",
    extensions: [extension],
    ...validity,
  });
  return { type: "tls-spki", key: certified.spki, certificate: der };
}

function worldFor(
  { machine }: Shown,
  format: Format,
  freshness: "nonce" | "boot" = FRESHNESS[format],
): Promise<World> {
  const rtmr3 = { mode: "exact", value: encodeHex(machine.body.rtmr3) } as const;
  return makeWorld(machine, { tdx: { rtmr3 }, binding: { format, freshness } });
}

async function outcome(world: World, { machine, channel }: Shown, change = {}): Promise<string> {
  return failedIds(await judge(world, machine, { channel, ...change })).join(", ") || "trusted";
}

describe.each(FORMATS)("%s", (format) => {
  let shown: Shown;
  let world: World;
  beforeAll(async () => {
    shown = await bound(format);
    world = await worldFor(shown, format);
  });

  test("is trusted over the channel that its certificate's key opens", async () => {
    expect(await outcome(world, shown)).toBe("trusted");
  });

  test("is rejected for another key, with a certificate for that key that holds the same quote", async () => {
    const channel = await certifiedChannel(format, shown.machine, await makeKeyPair("P-256"));
    expect(await outcome(world, { ...shown, channel })).toBe("gpu.nonce, binding.report-data");
  });

  test("is rejected when the channel uses another key than the certificate, or no certificate is known", async () => {
    const { spki } = await makeKeyPair("P-256");
    expect(await outcome(world, { ...shown, channel: { ...shown.channel, key: spki } })).toBe(
      "gpu.nonce, binding.report-data",
    );
    const { type, key: same } = shown.channel;
    expect(await outcome(world, { ...shown, channel: { type, key: same } })).toBe("binding.report-data");
  });

  test("is rejected when the certificate holds the quote of another machine", async () => {
    const channel = await certifiedChannel(
      format,
      await machineOf({ channel: key, nonce: shown.machine.nonce }),
    );
    expect(await outcome(world, { ...shown, channel })).toBe("binding.report-data");
  });

  test.each(FORMATS.filter((other) => other !== format))(
    "is rejected where the policy wants %s",
    async (wanted) => {
      const found = await outcome(await worldFor(shown, wanted, FRESHNESS[format]), shown);
      expect(found).toContain("binding.report-data");
    },
  );

  test("is rejected where the policy wants touchstone-binding/v1", async () => {
    const rtmr3 = { mode: "exact", value: encodeHex(shown.machine.body.rtmr3) } as const;
    expect(await outcome(await makeWorld(shown.machine, { tdx: { rtmr3 } }), shown)).toBe(
      "binding.report-data",
    );
  });

  test("is rejected when nothing in RTMR3 binds the GPU claims, or binds others", async () => {
    const forged = await bound(format, () => new Uint8Array(32));
    expect(await outcome(await worldFor(forged, format), forged)).toBe("binding.claims");
    const { eventLog: _, ...tdx } = shown.machine.evidence.tdx;
    const machine = { ...shown.machine, evidence: { ...shown.machine.evidence, tdx } };
    expect(await outcome(world, { ...shown, machine })).toBe("binding.claims");
  });
});

describe("a second claims event in RTMR3, which an application may append, beside the one of the measured guest", () => {
  // With a colon in its payload: name and payload of a digest could meet there, too.
  const honest = runtimeEvent(GPU_CLAIMS_EVENT, utf8("ccMode:off"));
  test.each<[string, Partial<MeasuredEvent>]>([
    ["shown as it is", {}],
    ["hidden under another name", { name: "app" }],
    ["hidden under another type", { name: "app", type: EV_EVENT_TAG }],
    ["hidden with its name moved into the data", hideInSeparator(honest)],
    [
      "hidden with some of its data moved into the name",
      { name: `${GPU_CLAIMS_EVENT}:ccMode`, data: utf8("off") },
    ],
  ])("is rejected, %s", async (_, relabelled) => {
    const shown = await bound("dstack-ratls", claimsDigest, [honest]);
    const { tdx } = shown.machine.evidence;
    const events = shown.machine.events.map((event) =>
      event === honest ? { ...event, ...relabelled } : event,
    );
    const eventLog = { format: "dstack", data: encodeBase64(makeDstackLog(events)) } as const;
    const machine = { ...shown.machine, evidence: { ...shown.machine.evidence, tdx: { ...tdx, eventLog } } };
    expect(await outcome(await worldFor(shown, "dstack-ratls"), { ...shown, machine })).toBe(
      "binding.claims",
    );
  });
});

/** The same digest as that of a separator, whose data is all that was hashed, under a name that nothing proves. */
function hideInSeparator({ name = "", data }: MeasuredEvent): Partial<MeasuredEvent> {
  const hashed = concatBytes(Uint8Array.of(1, 0, 0, 8), utf8(`:${name}:`), data);
  return { type: EV_SEPARATOR, name: "app", data: hashed };
}

test("dstack-ratls holds no challenge: where the policy wants one it is rejected, though the GPUs answered it", async () => {
  const shown = await bound("dstack-ratls");
  expect(await outcome(await worldFor(shown, "dstack-ratls", "nonce"), shown)).toBe("binding.nonce");
});

test("contrast-atls cannot be checked without the challenge, whatever the policy says", async () => {
  const shown = await bound("contrast-atls");
  const world = await worldFor(shown, "contrast-atls", "boot");
  expect(await outcome(world, shown, { nonce: null })).toBe("binding.report-data");
});

describe("touchstone-binding/v1", () => {
  test("needs no certificate, and does not mind one", async () => {
    const good = await machineOf();
    const world = await makeWorld(good);
    const { der } = await makeEvidenceCertificate(good);
    const channel = { type: "tls-spki", key: good.channel.spki, certificate: der } as const;
    expect(await outcome(world, { machine: good, channel })).toBe("trusted");
  });

  test("binds an HPKE key as it binds a TLS key, and never one for the other", async () => {
    const good = await machineOf();
    const overHpke = { machine: good, channel: { type: "hpke", key: good.channel.spki } } as const;
    const hpke = await makeWorld(good, { binding: { channel: "hpke" } });
    expect(await outcome(hpke, overHpke)).toBe("trusted");
    expect(await outcome(await makeWorld(good), overHpke)).toBe("binding.channel");
    const overTls = { machine: good, channel: { type: "tls-spki", key: good.channel.spki } } as const;
    expect(await outcome(hpke, overTls)).toBe("binding.channel");
  });
});
