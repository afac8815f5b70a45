// Attacks on the XML layer: what a reader could see differently from what was signed must be refused before anything is read.
import { beforeAll, describe, expect, it } from "vitest";
import { decodeUtf8, utf8 } from "../../../src/protocol/encoding/text.ts";
import { MalformedError } from "../../../src/protocol/errors.ts";
import { MAX_XML_BYTES, parseXml } from "../../../src/publisher/rim/parse-xml.ts";
import { type RimResult, verifyRim } from "../../../src/publisher/rim/verify-rim.ts";
import { makeBlocks, makeGoldenTables } from "../../../src/testing/gpu-report.ts";
import { makeRimAuthority, makeRimContent, type RimAuthority, signRim } from "../../../src/testing/rim.ts";

const now = new Date("2026-11-01T00:00:00Z");
const validity = { notBefore: new Date("2026-01-01T00:00:00Z"), notAfter: new Date("2027-12-31T00:00:00Z") };
const table = makeGoldenTables(makeBlocks("attack")).driver.slice(0, 3);
const forged = {
  product: "GH100",
  version: "580.95.05",
  table: [{ ...table[0]!, alternatives: ["ff".repeat(48)] }],
};
const content = makeRimContent({ product: "GH100", version: "580.95.05", table });

let authority: RimAuthority;
let good: string;
beforeAll(async () => {
  authority = await makeRimAuthority(validity);
  good = decodeUtf8(await signRim(content, authority.chain));
});

const verify = (xml: string | Uint8Array) =>
  verifyRim(typeof xml === "string" ? utf8(xml) : xml, { now, root: authority.root.der });
const failed = ({ accepted, checks }: RimResult) => {
  expect(accepted).toBe(false);
  return checks.filter((c) => c.outcome === "fail").map((c) => c.id);
};
const signatureOf = (xml: string) => /<ds:Signature .*<\/ds:Signature>/s.exec(xml)![0];
const forgedOpen = () => makeRimContent(forged).replace("</SoftwareIdentity>", "");

it("the unchanged file is good", async () => {
  expect((await verify(good)).accepted).toBe(true);
});

describe("signature wrapping", () => {
  it("the signed document moved into the signature's Object, a forged one around it", async () => {
    const wrapped = good.replace(signatureOf(good), "");
    const signature = signatureOf(good).replace(
      "</ds:Signature>",
      `<ds:Object>${wrapped}</ds:Object></ds:Signature>`,
    );
    expect(failed(await verify(`${forgedOpen()}${signature}</SoftwareIdentity>`))).toEqual(["rim.format"]);
  });

  it("the signed document as a child of a forged one", async () => {
    expect(failed(await verify(`${forgedOpen()}${good}</SoftwareIdentity>`))).toEqual(["rim.format"]);
  });

  it("a forged payload inside the signature, where the enveloped transform does not look", async () => {
    const payload = /<ns0:Payload>.*<\/ns0:Payload>/s.exec(makeRimContent(forged))![0];
    const places = ["</ds:Signature>", "</ds:KeyInfo>", "</ds:X509Data>", "</ds:SignatureValue>"];
    for (const place of places) {
      expect(failed(await verify(good.replace(place, `${payload}${place}`)))).toEqual(["rim.format"]);
    }
    const inSignedInfo = good.replace("</ds:SignedInfo>", `${payload}</ds:SignedInfo>`);
    expect(failed(await verify(inSignedInfo))).toEqual(["rim.signature"]);
  });

  it("a forged payload beside the signed one", async () => {
    const payload = /<ns0:Payload>.*<\/ns0:Payload>/s.exec(makeRimContent(forged))![0];
    expect(failed(await verify(good.replace("<ns0:Payload>", `${payload}<ns0:Payload>`)))).toEqual([
      "rim.signature",
    ]);
  });

  it("a genuine signature on a forged document", async () => {
    expect(failed(await verify(`${forgedOpen()}${signatureOf(good)}</SoftwareIdentity>`))).toEqual([
      "rim.signature",
    ]);
  });

  it("a second signature, good or not, whatever its namespace", async () => {
    const second = signatureOf(good);
    const other = `<evil:Signature xmlns:evil="urn:evil"></evil:Signature>`;
    expect(failed(await verify(good.replace("<ds:Signature ", `${second}<ds:Signature `)))).toEqual([
      "rim.format",
    ]);
    expect(failed(await verify(good.replace("<ns0:Payload>", `${other}<ns0:Payload>`)))).toEqual([
      "rim.format",
    ]);
  });

  it("no signature", async () => {
    expect(failed(await verify(content))).toEqual(["rim.format"]);
  });
});

describe("another signature profile, validly signed", () => {
  const profiles: [string, (info: string) => string][] = [
    ["a reference to a part", (i) => i.replace('URI=""', 'URI="#part"')],
    [
      "no enveloped transform",
      (i) => i.replace(/<ds:Transform Algorithm="[^"]*enveloped-signature"><\/ds:Transform>/, ""),
    ],
    ["an XPath transform", (i) => i.replace(/xmldsig#enveloped-signature/, "xmldsig-filter2")],
    [
      "exclusive canonicalisation",
      (i) => i.replace("http://www.w3.org/2006/12/xml-c14n11", "http://www.w3.org/2001/10/xml-exc-c14n#"),
    ],
    ["canonicalisation with comments", (i) => i.replace("xml-c14n11", "xml-c14n11#WithComments")],
    ["RSA", (i) => i.replace("ecdsa-sha384", "rsa-sha384")],
    ["HMAC", (i) => i.replace("ecdsa-sha384", "hmac-sha384")],
    ["another digest", (i) => i.replace("xmldsig-more#sha384", "xmldsig-more#sha224")],
    ["two references", (i) => i.replace(/(<ds:Reference .*<\/ds:Reference>)/, "$1$1")],
    ["no reference", (i) => i.replace(/<ds:Reference .*<\/ds:Reference>/, "")],
    ["an Id", (i) => i.replace('<ds:Reference URI=""', '<ds:Reference Id="a" URI=""')],
  ];
  it.each(profiles)("%s", async (_, change) => {
    expect(failed(await verify(await signRim(content, authority.chain, change)))).toEqual(["rim.signature"]);
  });
});

describe("what two XML readers could see differently", () => {
  const evil: [string, (xml: string) => string][] = [
    ["a comment inside a value", (x) => x.replace("<ds:DigestValue>", "<ds:DigestValue><!-- -->")],
    ["a comment between elements", (x) => x.replace("<ns0:Payload>", "<!-- --><ns0:Payload>")],
    ["a processing instruction", (x) => x.replace("<ns0:Payload>", "<?php ?><ns0:Payload>")],
    ["an XML declaration", (x) => `<?xml version="1.0"?>${x}`],
    ["a CDATA section", (x) => x.replace("<ds:DigestValue>", "<ds:DigestValue><![CDATA[A]]>")],
    ["a DTD", (x) => `<!DOCTYPE SoftwareIdentity>${x}`],
    [
      "an entity that grows",
      (x) =>
        `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>${x.replace("synthetic", "&b;")}`,
    ],
    [
      "an external entity",
      (x) => `<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>${x.replace("synthetic", "&a;")}`,
    ],
    ["a character reference", (x) => x.replace("synthetic", "synth&#101;tic")],
    ["xml:base", (x) => x.replace("<ns0:Payload>", '<ns0:Payload xml:base="urn:a">')],
    ["xml:id", (x) => x.replace("<ns0:Payload>", '<ns0:Payload xml:id="a">')],
    [
      "xml:space on the root",
      (x) => x.replace("<SoftwareIdentity ", '<SoftwareIdentity xml:space="preserve" '),
    ],
    [
      "a prefix for the xml namespace",
      (x) =>
        x.replace("<ns0:Payload>", '<ns0:Payload xmlns:y="http://www.w3.org/XML/1998/namespace" y:id="a">'),
    ],
    ["an attribute twice", (x) => x.replace('size="48"', 'size="48" size="32"')],
    ["an unbound prefix", (x) => x.replace("<ns0:Payload>", "<q:Payload>")],
    ["text between elements", (x) => x.replace("</ns0:Resource>", "</ns0:Resource>text")],
    ["text after the root", (x) => `${x}more`],
    ["two roots", (x) => `${x}${x}`],
    ["a lone carriage return", (x) => x.replace("\n", "\r")],
    ["a carriage return before a line end of Windows", (x) => x.replace("\n", "\r\r\n")],
    ["a NUL", (x) => x.replace("synthetic", "synth\0etic")],
    ["a byte order mark", (x) => `\ufeff${x}`],
    ["letters beyond ASCII", (x) => x.replace("synthetic", "synthétic")],
    ["nothing", () => ""],
    ["JSON", () => "{}"],
  ];
  it.each(evil)("%s", async (_, change) => {
    expect(failed(await verify(change(good)))).toEqual(["rim.format"]);
  });

  it("an attribute twice through two prefixes: the one that is read is the one that is hashed", async () => {
    const second = `xmlns:h="http://www.w3.org/2001/04/xmlenc#sha384" h:Hash0="${"00".repeat(48)}"`;
    expect(failed(await verify(good.replace("ns2:Hash0=", `${second} ns2:Hash0=`)))).toEqual([
      "rim.signature",
    ]);
  });

  it("bytes that are not UTF-8", async () => {
    const bytes = utf8(good);
    bytes[40] = 0xff;
    expect(failed(await verify(bytes))).toEqual(["rim.format"]);
  });

  it("UTF-16", async () => {
    expect(failed(await verify(new Uint8Array(Buffer.from(good, "utf16le"))))).toEqual(["rim.format"]);
  });
});

describe("limits", () => {
  it.each([
    ["size", `<a>${" ".repeat(MAX_XML_BYTES)}</a>`],
    ["depth", `${"<a>".repeat(100_000)}${"</a>".repeat(100_000)}`],
    ["elements", `<a>${"<b></b>".repeat(2000)}</a>`],
    ["attributes", `<a ${Array.from({ length: 500 }, (_, i) => `b${i}="1"`).join(" ")}></a>`],
  ])("%s", (_, xml) => {
    expect(() => parseXml(utf8(xml))).toThrow(MalformedError);
  });

  it("refuses a thousand certificates", async () => {
    const certificate = /<ds:X509Certificate>.*?<\/ds:X509Certificate>/.exec(good)![0];
    expect(failed(await verify(good.replace(certificate, certificate.repeat(500))))).toEqual(["rim.format"]);
  });
});

describe("damage", () => {
  it("cut at any byte, it is refused", async () => {
    const bytes = utf8(good);
    for (let length = 0; length < bytes.length; length++) {
      expect((await verify(bytes.subarray(0, length))).accepted, `cut at ${length}`).toBe(false);
    }
  });

  it("with one byte changed anywhere, it is refused or means the same", async () => {
    const bytes = utf8(good);
    const { rim } = await verify(bytes);
    const meaning = { ...rim, fileDigest: null };
    const unchanged: number[] = [];
    const keyInfoAt = good.indexOf("<ds:KeyInfo>");
    for (let at = 0; at < bytes.length; at += at < keyInfoAt ? 1 : 5) {
      const flipped = Uint8Array.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
      const result = await verify(flipped);
      if (!result.accepted) continue;
      expect({ ...result.rim, fileDigest: null }, `byte ${at}`).toEqual(meaning);
      unchanged.push(at);
    }
    // Only the embedded root may change: it is dropped unread.
    const rootAt = good.lastIndexOf("<ds:X509Certificate>");
    expect(unchanged.every((at) => at > rootAt)).toBe(true);
  });
});
