import { createHash } from "node:crypto";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { encodeBase64 } from "../../../src/protocol/encoding/base64.ts";
import { encodeHex } from "../../../src/protocol/encoding/hex.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { KINDS, type Kind, type Predicate } from "../../../src/protocol/entry/kinds.ts";
import { type Envelope, makeEnvelope } from "../../../src/protocol/envelope/dsse.ts";
import { MalformedError } from "../../../src/protocol/errors.ts";
import {
  digestsOf,
  keyOfTerm,
  parseTerm,
  type TermType,
  termsOf,
} from "../../../src/protocol/lookup/term.ts";
import { fullPredicates } from "../../support/full-predicates.ts";
import { type TestKeys, testKeys } from "../../support/keys.ts";
import { gpuRimPredicate, sha256Of, sha384Of } from "../../support/release-predicates.ts";
import { signReleaseSet } from "../../support/release-set.ts";
import { signStatement } from "../../support/signing.ts";

let keys: TestKeys;
let predicates: { readonly [K in Kind]: Predicate<K> };
beforeAll(async () => {
  keys = await testKeys();
  predicates = await fullPredicates(keys, await signReleaseSet(keys));
});

const sign = <K extends Kind>(kind: K, predicate: Predicate<K> = predicates[kind]): Promise<Envelope> =>
  signStatement(kind, predicate, [keys.publisher]);
const valuesOf = (envelope: Envelope, type: TermType): string[] =>
  termsOf(envelope)
    .filter((term) => term.type === type)
    .map(({ value }) => value);

describe("the terms of an entry", () => {
  it("are measurements for what a machine shows, each with the part that it is of", async () => {
    const measurements = async <K extends Kind>(kind: K, predicate?: Predicate<K>) =>
      valuesOf(await sign(kind, predicate), "measurement");
    const { platform, "switch-rim": switchRim } = predicates;
    expect(await measurements("platform")).toEqual([`mrtd/${platform.mrtd}`, `rtmr0/${platform.rtmr0}`]);
    expect(await measurements("os-image")).toEqual([
      ...new Set(
        predicates["os-image"].measurements.flatMap(({ rtmr1, rtmr2 }) => [
          `rtmr1/${rtmr1}`,
          `rtmr2/${rtmr2}`,
        ]),
      ),
    ]);
    expect(await measurements("driver-build")).toEqual(["driver/580.95.05"]);
    const rim = { ...gpuRimPredicate().rim, componentVersion: "96.00.5e.00.01", covers: "vbios" as const };
    expect(await measurements("gpu-rim", { ...gpuRimPredicate(), rim })).toEqual([
      "vbios/96.00.5E.00.01",
      `rim/${rim.sha256}`,
      `rim-table/${gpuRimPredicate().tableDigest}`,
    ]);
    const driver = { ...rim, componentVersion: "580.95.05-a", covers: "driver" as const };
    expect(await measurements("gpu-rim", { ...gpuRimPredicate(), rim: driver })).toContain(
      "driver/580.95.05-a",
    );
    expect(await measurements("switch-rim")).toEqual([
      `vbios/${switchRim.rim.componentVersion}`,
      `rim/${switchRim.rim.sha256}`,
      `rim-table/${switchRim.tableDigest}`,
    ]);
  });

  it("are of a policy the drivers, VBIOSes and tables that it accepts, of switches too", async () => {
    const { policy } = predicates;
    const [first] = policy.profiles;
    const switches = { count: 4, vbiosVersions: ["96.10.6d.00.01"], rimTables: [sha256Of("switch table")] };
    const gpu = { ...first!.gpu, mode: "ppcie" as const, modeNotStated: "reject" as const, switches };
    const switchRim = {
      kind: "switch-rim" as const,
      name: "s",
      version: "1",
      digest: sha256Of("switch rim"),
    };
    const profiles = [{ ...first!, gpu, switchRims: [switchRim] }];
    const found = valuesOf(await sign("policy", { ...policy, profiles }), "measurement");
    expect(found.sort()).toEqual(
      [
        ...gpu.driverVersions.map((version) => `driver/${version}`),
        ...gpu.vbiosVersions.map((version) => `vbios/${version}`),
        ...gpu.rimTables.map((digest) => `rim-table/${digest}`),
        "vbios/96.10.6D.00.01",
        `rim-table/${sha256Of("switch table")}`,
      ].sort(),
    );
  });

  it("are digests for all hex of the length of SHA-256, SHA-384 or SHA-512, wherever it stands", async () => {
    const [d64, d96, d128] = [sha256Of("a"), sha384Of("a"), createHash("sha512").update("a").digest("hex")];
    const reason = `see ${d64}, sha384:${d96} and (${d128}), but neither ${d64.slice(1)} nor ${d64}0 nor ${d96.toUpperCase()}`;
    const revocation = { ...predicates.revocation, reason };
    const digests = valuesOf(await sign("revocation", revocation), "digest");
    expect(digests).toEqual(expect.arrayContaining([d64, d96, d128, ...revocation.digests]));
    expect(digests.every((digest) => [64, 96, 128].includes(digest.length))).toBe(true);
    expect(digests).not.toContain(`${d64}0`);
    expect(new Set(digests).size).toBe(digests.length);
  });

  it("are no digests of a status, which names what other entries name before it", async () => {
    const status = await sign("status");
    expect(termsOf(status)).toEqual([
      { type: "name", value: "status/status" },
      { type: "payload", value: status.payloadDigest },
      { type: "signer", value: keys.publisher.keyId },
    ]);
  });

  it("are kind and name, the payload, and who signed: keys, and identities by their rule", async () => {
    const { payload, payloadDigest, signatures } = await sign("platform");
    const identity = { jwt: "a.b.c", rule: "acme-release", spki: encodeBase64(keys.root[0]!.spki) };
    const envelope = makeEnvelope(payload, [
      ...signatures,
      { keyId: keys.root[0]!.keyId, signature: new Uint8Array(64), identity },
    ]);
    expect(valuesOf(envelope, "name")).toEqual(["platform/h100-vm"]);
    expect(valuesOf(envelope, "payload")).toEqual([payloadDigest]);
    expect(valuesOf(envelope, "signer")).toEqual([keys.publisher.keyId, "identity/acme-release"]);
  });

  it("are each there once, and each can be asked for", async () => {
    for (const kind of KINDS) {
      const terms = termsOf(await sign(kind));
      expect(new Set(terms.map((term) => JSON.stringify(term))).size).toBe(terms.length);
      for (const { type, value } of terms) expect(parseTerm(type, value)).toEqual({ type, value });
    }
  });
});

describe("the key of a term", () => {
  it("is the SHA-256 of version, type and value, with a zero byte between them", () => {
    const term = parseTerm("name", "os-image/example/guest");
    const expected = createHash("sha256")
      .update("touchstone-index/v1\0name\0os-image/example/guest")
      .digest("hex");
    expect(encodeHex(keyOfTerm(term))).toBe(expected);
    expect(encodeHex(keyOfTerm(term, () => utf8("!")))).toBe("21");
  });
});

describe("a term that is asked for", () => {
  const [h64, h96] = [sha256Of("x"), sha384Of("x")];
  it.each([
    ["measurements", h64],
    ["", h64],
    ["constructor", h64],
    ["digest", h64.toUpperCase()],
    ["digest", h64.slice(2)],
    ["digest", `sha256:${h64}`],
    ["digest", ""],
    ["payload", h96],
    ["signer", h96],
    ["signer", "identity/"],
    ["signer", "identity/A"],
    ["name", "guest"],
    ["name", "os-image/"],
    ["name", "os-image/../guest"],
    ["name", "os-image/Guest"],
    ["name", "nonsense/guest"],
    ["name", `os-image/${"a".repeat(129)}`],
    ["measurement", h96],
    ["measurement", `rtmr3/${h96}`],
    ["measurement", `constructor/${h96}`],
    ["measurement", `mrtd/${h64}`],
    ["measurement", `mrtd/${h96}\n`],
    ["measurement", "vbios/96.00.5e.00.01"],
    ["measurement", "driver/"],
    ["measurement", "driver/a\0b"],
    ["measurement", `driver/${"5".repeat(65)}`],
  ])("is refused as %s %j, which no entry is found by", (type, value) => {
    expect(() => parseTerm(type, value)).toThrow(MalformedError);
  });
});

describe("the digests in a text", () => {
  it("are its runs of 64, 96 or 128 hex digits in lower case, each once, wherever they stand", () => {
    const digits = fc.tuple(
      fc.constantFrom(..."09af"),
      fc.constantFrom(0, 1, 62, 63, 64, 65, 95, 96, 97, 127, 128, 129, 200),
    );
    const run = digits.map(([digit, length]) => digit.repeat(length));
    const other = fc.constantFrom("", ..."/:`gGF@ é", '","', "\u0000");
    const piece = fc.oneof(run, other, fc.string({ maxLength: 70 }));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join("");
        const runs = text.match(/[0-9a-f]{64,}/g) ?? [];
        const expected = new Set(runs.filter(({ length }) => [64, 96, 128].includes(length)));
        expect(digestsOf({ payload: utf8(text) })).toEqual([...expected]);
      }),
      { numRuns: 2000 },
    );
  });
});
