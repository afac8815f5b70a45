// RIMs that we make and sign ourselves: what a good one yields, and for each check the change that fails it.
import { X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { sha256 } from "../../../src/protocol/cryptography/hash.ts";
import { encodeHex } from "../../../src/protocol/encoding/hex.ts";
import { decodeUtf8, utf8 } from "../../../src/protocol/encoding/text.ts";
import { type RimOptions, type RimResult, verifyRim } from "../../../src/publisher/rim/verify-rim.ts";
import { certify } from "../../../src/testing/authority.ts";
import { makeBlocks, makeGoldenTables } from "../../../src/testing/gpu-report.ts";
import {
  makeRim,
  makeRimAuthority,
  makeRimContent,
  type RimAuthority,
  type RimFields,
  signRim,
} from "../../../src/testing/rim.ts";
import { describeReal, realData } from "../../support/real-data.ts";

const now = new Date("2026-11-01T00:00:00Z");
const validity = { notBefore: new Date("2026-01-01T00:00:00Z"), notAfter: new Date("2027-12-31T00:00:00Z") };
const BLOCKS = makeBlocks("rim test");
const { driver, vbios } = makeGoldenTables(BLOCKS);
/** Of block 8, which is the first index of a driver's table. */
const firstDigest = encodeHex(BLOCKS[7]!);
const zero = "00".repeat(48);
const DRIVER: RimFields = {
  product: "GH100",
  version: "580.95.05",
  table: [{ index: 0, active: false, alternatives: [zero] }, ...driver],
};

let authority: RimAuthority;
let good: Uint8Array;
beforeAll(async () => {
  authority = await makeRimAuthority(validity);
  good = await makeRim(DRIVER, authority);
});

const verify = (xml: Uint8Array, options: Partial<RimOptions> = {}) =>
  verifyRim(xml, { now, root: authority.root.der, ...options });

const failed = ({ checks }: RimResult) => checks.filter((c) => c.outcome === "fail").map((c) => c.id);

/** A signed RIM whose content was changed before signing. */
const signedAfter = (change: (content: string) => string) =>
  signRim(change(makeRimContent(DRIVER)), authority.chain);
/** A good RIM changed after signing. */
const changed = (change: (text: string) => string) => utf8(change(decodeUtf8(good)));

describe("a good RIM", () => {
  it("yields its active measurements, digests and signers", async () => {
    const { accepted, rim } = await verify(good);
    expect(accepted).toBe(true);
    expect(rim).toMatchObject({
      kind: "driver",
      product: "GH100",
      colloquialVersion: "580.95.05",
      tagId: "synthetic",
      rimId: "NV_GPU_DRIVER_GH100_580.95.05",
      resources: driver.length + 1,
      fileDigest: encodeHex(sha256(good)),
    });
    expect(rim?.table).toEqual(driver);
    expect(rim?.signers.map(({ subject }) => /CN=[^,]+/.exec(subject)?.[0])).toEqual([
      "CN=HCC RIM L4 Signer",
      "CN=NVIDIA Reference Value L3 GH100 001",
      "CN=NVIDIA Reference Value GH100 CA",
      "CN=NVIDIA CoRIM signing Root CA",
    ]);
  });

  it("may be a VBIOS RIM, whose id is not in it", async () => {
    const xml = await makeRim({ product: "GH100", version: "96.00.CF.00.01", table: vbios }, authority);
    expect((await verify(xml)).rim).toMatchObject({ kind: "vbios", rimId: null });
    const rimId = "NV_GPU_VBIOS_1010_0200_882_9600CF0001";
    expect((await verify(xml, { rimId })).rim).toMatchObject({ rimId });
  });

  it("names the drivers of Blackwell chips with their own prefix", async () => {
    const xml = await makeRim({ ...DRIVER, product: "GB100" }, authority);
    expect((await verify(xml)).rim?.rimId).toBe("NV_GPU_CC_DRIVER_GB100_580.95.05");
  });

  it("has the same table digest however its file is written, and another file digest", async () => {
    const spaced = changed((text) =>
      text.replace(/ revision="r1" /, '   revision="r1"  ').replace(/\/>/g, " />"),
    );
    const [a, b] = [await verify(good), await verify(spaced)];
    expect(b.accepted).toBe(true);
    expect(b.rim?.tableDigest).toBe(a.rim?.tableDigest);
    expect(b.rim?.fileDigest).not.toBe(a.rim?.fileDigest);
  });

  it("verifies with its attributes in any order, since the canonical form sorts them", async () => {
    const reordered = changed((text) =>
      text
        .replace(/(corpus="false") (name="GH100")/, "$2 $1")
        .replace(/(size="48") (type="Measurement")/g, "$2 $1"),
    );
    expect((await verify(reordered)).accepted).toBe(true);
  });
});

describe("a RIM with the line ends of Windows", () => {
  it("verifies, since XML reads them as line feeds, and states the digest of the file as it is", async () => {
    const crlf = changed((text) => text.replaceAll("\n", "\r\n"));
    const [a, b] = [await verify(good), await verify(crlf)];
    expect(b.accepted).toBe(true);
    expect(b.rim?.tableDigest).toBe(a.rim?.tableDigest);
    expect(b.rim?.fileDigest).toBe(encodeHex(sha256(crlf)));
  });

  it("verifies with base64 in lines, as XML tools write it", async () => {
    const lines = changed((text) =>
      text.replace(/(<ds:SignatureValue>)([^<]{40})/, "$1\r\n$2\r\n").replaceAll(/(?<!\r)\n/g, "\r\n"),
    );
    expect((await verify(lines)).accepted).toBe(true);
  });

  it("fails like any other when a value was changed", async () => {
    const xml = changed((text) => text.replaceAll("\n", "\r\n").replace(firstDigest, zero));
    expect(failed(await verify(xml))).toEqual(["rim.signature"]);
  });
});

describe("floors of security version numbers", () => {
  const VBIOS = { product: "GH100", version: "96.00.CF.00.01" };
  const withFloor = makeGoldenTables(BLOCKS, 3).vbios;

  it("are part of the table", async () => {
    const { accepted, checks, rim } = await verify(await makeRim({ ...VBIOS, table: withFloor }, authority));
    expect(accepted, JSON.stringify(checks)).toBe(true);
    expect(rim?.table).toEqual(withFloor);
    expect(rim?.table.at(-1)).toEqual({ index: 0x1000 + 37, active: true, minSvn: 3 });
  });

  it("that are inactive say nothing", async () => {
    const table = [...vbios, { index: 0x1000 + 40, active: false, minSvn: 9 }];
    const { rim } = await verify(await makeRim({ ...VBIOS, table }, authority));
    expect(rim?.table).toEqual(vbios);
  });

  it.each<[string, (content: string) => string]>([
    ["no floor", (text) => text.replace(/ ns3:minSvn="3"/, "")],
    ["a hash beside it", (text) => text.replace(/ns3:minSvn="3"/, `ns2:Hash0="${zero}" $&`)],
    ["a floor that is no number", (text) => text.replace('minSvn="3"', 'minSvn="0x3"')],
    ["a floor beyond what a number holds", (text) => text.replace('minSvn="3"', 'minSvn="9999999999999999"')],
    [
      "an index between the blocks and the opaque types",
      (text) => text.replace('index="4133"', 'index="64"'),
    ],
    ["an index beyond the opaque types", (text) => text.replace('index="4133"', 'index="69632"')],
    ["a floor on a measurement", (text) => text.replace(/ ns2:Hash0="[0-9a-f]+"/, '$& ns3:minSvn="1"')],
  ])("%s is refused", async (_, change) => {
    const content = change(makeRimContent({ ...VBIOS, table: withFloor }));
    expect(failed(await verify(await signRim(content, authority.chain)))).toEqual(["rim.content"]);
  });
});

describe("a RIM of a switch", () => {
  const SWITCH = { product: "LS10", version: "96.10.55.00.01", table: vbios };
  const rimId = "NV_SWITCH_BIOS_5612_0002_890_9610550001";
  const device = "switch" as const;

  it("is accepted under its id, and under no GPU's", async () => {
    const xml = await makeRim(SWITCH, authority);
    expect((await verify(xml, { device, rimId })).rim).toMatchObject({ kind: "vbios", rimId });
    expect(failed(await verify(xml, { rimId }))).toEqual(["rim.id"]);
    const another = "NV_SWITCH_BIOS_5612_0002_890_96103F0001";
    expect(failed(await verify(xml, { device, rimId: another }))).toEqual(["rim.id"]);
    expect(failed(await verify(xml, { device, rimId: "NV_GPU_VBIOS_1010_0200_882_9610550001" }))).toEqual([
      "rim.id",
    ]);
  });

  it("is never a driver's", async () => {
    expect(failed(await verify(good, { device }))).toEqual(["rim.id"]);
  });
});

describeReal("a RIM from elsewhere", () => {
  it("rim-crlf: verifies", async () => {
    const pem = new TextDecoder().decode(realData("evidence/cases/rim-crlf/rim-root.pem"));
    const root = new Uint8Array(new X509Certificate(pem).raw);
    const { accepted, checks } = await verifyRim(realData("evidence/cases/rim-crlf/rim.xml"), {
      now: new Date("2026-11-20T12:00:00Z"),
      root,
    });
    expect(accepted, JSON.stringify(checks)).toBe(true);
  });
});

describe("each check fails alone", () => {
  it("rim.signature: a value changed after signing", async () => {
    const xml = changed((text) => text.replace(firstDigest, zero));
    expect(failed(await verify(xml))).toEqual(["rim.signature"]);
  });

  it("rim.signature: another key's signature with the good document digest", async () => {
    const stranger = await makeRimAuthority(validity);
    const other = decodeUtf8(await makeRim(DRIVER, stranger));
    const value = /<ds:SignatureValue>[^<]*/.exec(other)![0];
    const xml = changed((text) => text.replace(/<ds:SignatureValue>[^<]*/, value));
    expect(failed(await verify(xml))).toEqual(["rim.signature"]);
  });

  it("rim.chain: an intermediate is left out", async () => {
    const [signer, , chipCa, root] = authority.chain;
    const xml = await signRim(makeRimContent(DRIVER), [signer!, chipCa!, root!]);
    expect(failed(await verify(xml))).toEqual(["rim.chain"]);
  });

  it("rim.chain: the signer is a CA, which could have issued itself anything", async () => {
    const [, issuing, chipCa, root] = authority.chain;
    expect(failed(await verify(await signRim(makeRimContent(DRIVER), [issuing!, chipCa!, root!])))).toEqual([
      "rim.chain",
    ]);
  });

  it("rim.chain.root: a stranger's root, brought along in the file", async () => {
    const xml = await makeRim(DRIVER, await makeRimAuthority(validity));
    expect(failed(await verify(xml))).toEqual(["rim.chain.root"]);
  });

  it("rim.chain.root: NVIDIA's pinned root accepts no synthetic RIM", async () => {
    expect(failed(await verifyRim(good, { now }))).toEqual(["rim.chain.root"]);
  });

  it.each(["2025-12-31T23:59:59Z", "2027-12-31T00:00:01Z"])("rim.chain.window: at %s", async (time) => {
    expect(failed(await verify(good, { now: new Date(time) }))).toEqual(["rim.chain.window"]);
  });

  it("rim.chain.window: a signer that expired before its issuers", async () => {
    const issuer = authority.chain[1]!;
    const notAfter = new Date("2026-10-31T00:00:00Z");
    const signer = await certify({
      subject: "CN=HCC RIM L4 Signer",
      curve: "P-384",
      ca: false,
      issuer,
      ...validity,
      notAfter,
    });
    const xml = await signRim(makeRimContent(DRIVER), [signer, ...authority.chain.slice(1)]);
    expect(failed(await verify(xml))).toEqual(["rim.chain.window"]);
    expect((await verify(xml, { now: notAfter })).accepted).toBe(true);
  });

  it("rim.product: a validly signed RIM of another chip", async () => {
    expect(failed(await verify(good, { chip: "GB100" }))).toEqual(["rim.product"]);
  });

  it.each([
    "NV_GPU_DRIVER_GH100_580.95.06",
    "NV_GPU_CC_DRIVER_GB100_580.95.05",
    "NV_GPU_VBIOS_1010_0200_882_5809505",
  ])("rim.id: asked for as %s", async (rimId) => {
    expect(failed(await verify(good, { rimId }))).toEqual(["rim.id"]);
  });

  const contents: [string, (content: string) => string][] = [
    ["an index twice", (c) => c.replace('index="21"', 'index="22"')],
    ["an index beyond 63", (c) => c.replace('index="21"', 'index="64"')],
    ["an index in another notation", (c) => c.replace('index="21"', 'index="021"')],
    ["fewer hashes than announced", (c) => c.replace('alternatives="1"', 'alternatives="2"')],
    ["a hash of another length", (c) => c.replace(/ns2:Hash0="[0-9a-f]{2}/, 'ns2:Hash0="')],
    [
      "upper-case hex",
      (c) => c.replace(/ns2:Hash0="([0-9a-f]{96})" *>(?=.*index="40")/s, 'ns2:Hash0="FF$1">'),
    ],
    ["active neither True nor False", (c) => c.replace('active="True"', 'active="true"')],
    ["nothing active", (c) => c.replaceAll('active="True"', 'active="False"')],
    ["another size", (c) => c.replace('size="48"', 'size="32"')],
    ["a resource that is no measurement", (c) => c.replace('type="Measurement"', 'type="OpaqueData"')],
    ["a second payload", (c) => c.replace("<ns0:Payload>", "<ns0:Payload></ns0:Payload><ns0:Payload>")],
    ["no metadata", (c) => c.replace(/<ns0:Meta .*<\/ns0:Meta>/, "")],
    ["chips that differ", (c) => c.replace('name="GH100"', 'name="GB100"')],
    ["a version of nothing", (c) => c.replace("580.95.05", "latest")],
    ["a payload of another namespace", (c) => c.replaceAll("ns0:Payload", "ns2:Payload")],
  ];
  it.each(contents)("rim.content: signed, but with %s", async (_, change) => {
    expect(failed(await verify(await signedAfter(change)))).toEqual(["rim.content"]);
  });
});
