// Our reader of certificates and CRLs against @peculiar/x509, and against bytes that the library would forgive.
import "reflect-metadata";
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  X509Certificate,
  X509Crl,
} from "@peculiar/x509";
import { describe, expect, it } from "vitest";
import { decodeHex, encodeHex } from "../../../src/protocol/encoding/hex.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { boolean, der, encodeInteger, octetString, oid, sequence } from "../../../src/testing/der.ts";
import { isSignedBy, parseCertificate } from "../../../src/verifier/x509/certificate.ts";
import { readExtensions } from "../../../src/verifier/x509/certificate-fields.ts";
import { verifyCrl } from "../../../src/verifier/x509/crl.ts";
import { derIdentifier, derInteger, derTime, derUint16, readDer } from "../../../src/verifier/x509/der.ts";
import { describeName } from "../../../src/verifier/x509/name.ts";
import { charactersOutside, parsePemCertificates } from "../../../src/verifier/x509/pem.ts";
import { describeReal, realData, realJson } from "../../support/real-data.ts";
import { malformedOf, outcomeOf } from "../../support/refusals.ts";
import { flipBit, intel, makeCertificate, makeList } from "../tdx/synthetic.ts";

const NAME = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Both readers must see the same certificate. */
async function expectSame(bytes: Uint8Array): Promise<void> {
  const certificate = parseCertificate(bytes);
  const library = new X509Certificate(Uint8Array.from(bytes));
  const constraints = library.getExtension(BasicConstraintsExtension);
  const usage = library.getExtension(KeyUsagesExtension)?.usages ?? 0;
  expect(certificate).toMatchObject({
    commonName: library.subjectName.getField("CN")[0],
    notBefore: library.notBefore,
    notAfter: library.notAfter,
    ca: constraints?.ca ?? false,
    pathLength: constraints?.pathLength ?? Number.POSITIVE_INFINITY,
    keyUsage: {
      digitalSignature: (usage & KeyUsageFlags.digitalSignature) !== 0,
      keyCertSign: (usage & KeyUsageFlags.keyCertSign) !== 0,
      crlSign: (usage & KeyUsageFlags.cRLSign) !== 0,
    },
  });
  expect(certificate.serial.replace(/^00/, "")).toBe(library.serialNumber.replace(/^00/, ""));
  expect(encodeHex(certificate.spki)).toBe(encodeHex(new Uint8Array(library.publicKey.rawData)));
  expect(encodeHex(certificate.subject)).toBe(encodeHex(new Uint8Array(library.subjectName.toArrayBuffer())));
  expect([...certificate.extensions.keys()]).toEqual(library.extensions.map(({ type }) => type));
}

async function expectSameCrl(bytes: Uint8Array, issuer: Uint8Array): Promise<void> {
  const list = await verifyCrl(bytes, parseCertificate(issuer));
  const library = new X509Crl(Uint8Array.from(bytes));
  expect([list.thisUpdate, list.nextUpdate]).toEqual([library.thisUpdate, library.nextUpdate]);
  const serials = (all: Iterable<string>) => [...all].map((serial) => serial.replace(/^00/, ""));
  expect(serials(list.revokedSerials)).toEqual(
    serials(library.entries.map(({ serialNumber }) => serialNumber)),
  );
}

describe("certificates and CRLs", () => {
  it("are read as @peculiar/x509 reads them", async () => {
    for (const { der: bytes } of [intel.root, intel.tcbSigning, intel.platformCa]) await expectSame(bytes);
    await expectSameCrl(await makeList(intel.root, ["7f01", "00ff"]), intel.root.der);
    await expectSameCrl(await makeList(intel.platformCa), intel.platformCa.der);
  });

  it("are signed by their issuer and by nobody else", async () => {
    const certificate = parseCertificate(intel.tcbSigning.der);
    expect(await isSignedBy(certificate, parseCertificate(intel.root.der))).toBe(true);
    expect(await isSignedBy(certificate, parseCertificate(intel.platformCa.der))).toBe(false);
  });

  it("are refused with one bit changed in any byte", async () => {
    const root = parseCertificate(intel.root.der);
    const crl = await makeList(intel.root, ["7f01"]);
    for (let byte = 0; byte < crl.length; byte++) {
      const flipped = flipBit(crl, byte * 8 + (byte % 8));
      expect(await outcomeOf(() => verifyCrl(flipped, root)), `byte ${byte}`).not.toBe("accepted");
    }
    const certificate = intel.tcbSigning.der;
    for (let byte = 0; byte < certificate.length; byte++) {
      const flipped = flipBit(certificate, byte * 8 + (byte % 8));
      const good = (await malformedOf(() => parseCertificate(flipped))) === undefined;
      if (good) expect(await isSignedBy(parseCertificate(flipped), root), `byte ${byte}`).toBe(false);
    }
  });

  it("are refused when cut anywhere", async () => {
    const root = parseCertificate(intel.root.der);
    const crl = await makeList(intel.root);
    for (let length = 0; length < crl.length; length++) {
      expect(await outcomeOf(() => verifyCrl(crl.subarray(0, length), root))).toBe("malformed");
    }
    for (let length = 0; length < intel.root.der.length; length++) {
      expect(await malformedOf(() => parseCertificate(intel.root.der.subarray(0, length)))).toBeDefined();
    }
  });

  it("of P-384 never verify what was signed for P-256", async () => {
    const other = await makeCertificate("P-384", intel.root, { curve: "P-384" });
    expect(await isSignedBy(parseCertificate(intel.root.der), parseCertificate(other.der))).toBe(false);
  });
});

describeReal("Intel's certificates and CRLs", () => {
  it("are read as @peculiar/x509 reads them", async () => {
    for (const name of ["dcap-qvl-v4-uptodate", "cos-113-v4-ccel-outofdate", "trustee-v4-debug"]) {
      const collateral = realJson<Record<string, string>>(`evidence/tdx/${name}/collateral.json`);
      const quote = new TextDecoder("latin1").decode(realData(`evidence/tdx/${name}/quote.bin`));
      const chains = [collateral.tcbInfoIssuerChain, collateral.pckCrlIssuerChain, quote].join("\n");
      const certificates = (chains.match(NAME) ?? []).flatMap((pem) => parsePemCertificates(`${pem}\n`, 1));
      expect(certificates).toHaveLength(7);
      for (const certificate of certificates) await expectSame(certificate.der);
      const [, root, ca] = certificates;
      await expectSameCrl(decodeHex(collateral.rootCaCrl ?? ""), root?.der ?? new Uint8Array());
      await expectSameCrl(decodeHex(collateral.pckCrl ?? ""), ca?.der ?? new Uint8Array());
    }
  });
});

describeReal("NVIDIA's certificates, of P-384", () => {
  it("are read as @peculiar/x509 reads them, names included", async () => {
    for (const name of ["hopper-545.00-match", "hopper-535.86.09-vbios", "blackwell-575.32"]) {
      const pem = new TextDecoder().decode(realData(`evidence/nvidia/${name}/cert-chain.pem`));
      const certificates = parsePemCertificates(pem, 5);
      for (const certificate of certificates) await expectSame(certificate.der);
      for (const [i, issuer] of certificates.slice(1).entries()) {
        expect(await isSignedBy(certificates[i] ?? issuer, issuer)).toBe(true);
      }
      expect(certificates.map(({ subject }) => describeName(subject)).slice(-1)).toEqual([
        "O=NVIDIA,CN=NVIDIA Device Identity CA",
      ]);
    }
  });
});

describe("names", () => {
  it("are written most specific part first, with what separates parts escaped", () => {
    const attribute = (type: string, value: string) => der(0x31, sequence(oid(type), der(0x0c, utf8(value))));
    const name = sequence(
      attribute("2.5.4.6", "US"),
      attribute("2.5.4.3", 'a,b="c"'),
      attribute("2.5.4.5", "7"),
    );
    expect(describeName(name)).toBe('2.5.4.5=7,CN=a\\,b\\=\\"c\\",C=US');
  });
});

describe("extensions are refused", () => {
  const extension = (...fields: Uint8Array[]) => sequence(oid("1.2.3"), ...fields);
  const value = octetString(Uint8Array.of(5, 0));
  it.each([
    ["twice", sequence(extension(value), extension(value))],
    ["when critical and unknown", sequence(extension(boolean(true), value))],
    ["without a value", sequence(extension())],
    ["with a fourth field", sequence(extension(boolean(false), value, value))],
    ["with a flag that is no BOOLEAN", sequence(extension(encodeInteger(1), value))],
  ])("%s", async (_, list) => {
    expect(await malformedOf(() => readExtensions(readDer(list), [], "test"))).toBeDefined();
    expect([
      ...readExtensions(readDer(sequence(extension(boolean(true), value))), ["1.2.3"], "test").keys(),
    ]).toEqual(["1.2.3"]);
  });
});

describe("PEM", () => {
  it.each([
    ["pck-chain-two-nuls", (pem: string) => `${pem}\0\0`, 2],
    ["gpu-chain-five-nuls", (pem: string) => pem + "\0".repeat(5), 5],
    [
      "text around each block",
      (pem: string) => `${pem.replaceAll(/^-----BEGIN/gm, "subject: CN = x\n\n$&")}end\n`,
      27,
    ],
    ["white space alone", (pem: string) => `\r\n ${pem}\t\n\n`, 0],
  ])("%s: what is around the blocks is left out and counted", (_, around, count) => {
    const text = around(intel.tcbSigning.pem + intel.root.pem);
    expect(parsePemCertificates(text, 2)).toEqual(
      parsePemCertificates(intel.tcbSigning.pem + intel.root.pem, 2),
    );
    expect(charactersOutside(text)).toBe(count);
  });

  it("may have white space around its blocks and one NUL at its end", () => {
    const text = `\n${intel.tcbSigning.pem}\n\r\n${intel.root.pem}\n\0`;
    expect(parsePemCertificates(text, 2).map(({ commonName }) => commonName)).toEqual([
      "Intel SGX TCB Signing",
      "Intel SGX Root CA",
    ]);
  });

  it.each([
    ["text in the line of a block", `${intel.tcbSigning.pem}subject: ${intel.root.pem}`],
    ["a NUL before a block", `${intel.tcbSigning.pem}\0${intel.root.pem}`],
    ["a block cut off", `${intel.tcbSigning.pem}${intel.root.pem}${intel.root.pem.slice(0, 200)}`],
    ["a key after the blocks", `${intel.tcbSigning.pem}${intel.root.pem}-----BEGIN EC PRIVATE KEY-----`],
    ["text inside a block", `${intel.tcbSigning.pem}${intel.root.pem.replace(/\nM/, "\nsubject: x\nM")}`],
    ["another label", (intel.tcbSigning.pem + intel.root.pem).replaceAll("CERTIFICATE", "X509 CRL")],
    ["one block", intel.root.pem],
    ["three blocks", intel.root.pem.repeat(3)],
    ["nothing", ""],
  ])("with %s is refused", async (_, text) => {
    expect(await malformedOf(() => parsePemCertificates(text, 2))).toBeDefined();
  });
});

describe("strict DER", () => {
  it.each([
    ["an indefinite length", "30800000"],
    ["a length in a longer form than needed", "308100"],
    ["a length with a leading zero", "30820001ff"],
    ["a high tag number", "3f8100"],
    ["bytes after the element", "300000"],
    ["content that is cut", "3002"],
  ])("refuses %s", async (_, hex) => {
    expect(await malformedOf(() => readDer(decodeHex(hex)))).toBeDefined();
  });

  it.each([
    ["a negative integer", "0201ff"],
    ["a padded integer", "02020001"],
    ["an empty integer", "0200"],
    ["an integer above 65535", "0203010000"],
    ["a string", "040101"],
  ])("refuses %s as a number", async (_, hex) => {
    expect(await malformedOf(() => derUint16(readDer(decodeHex(hex))))).toBeDefined();
  });

  it("reads numbers at their limits", () => {
    expect(
      ["020100", "02017f", "02020080", "020300ffff"].map((hex) => derUint16(readDer(decodeHex(hex)))),
    ).toEqual([0, 127, 128, 65535]);
    expect(encodeHex(derInteger(readDer(decodeHex("0202ff7f")), 2))).toBe("ff7f");
  });

  it("reads identifiers as they are written", async () => {
    for (const dotted of [
      "1.2.840.113741.1.13.1",
      "2.5.29.15",
      "0.9.2342",
      "2.100.3",
      "1.3.6.1.4.1.4294967295",
    ]) {
      expect(derIdentifier(readDer(oid(dotted)))).toBe(dotted);
    }
    for (const hex of ["0600", "060180", "06028001", "06062a8fffffffff"]) {
      expect(await malformedOf(() => derIdentifier(readDer(decodeHex(hex)))), hex).toBeDefined();
    }
  });

  it("reads times to the second, and none that the calendar has not", async () => {
    const utc = (text: string) => derTime(readDer(der(0x17, new TextEncoder().encode(text))));
    const generalized = (text: string) => derTime(readDer(der(0x18, new TextEncoder().encode(text))));
    expect(utc("491231235959Z")).toEqual(new Date("2049-12-31T23:59:59Z"));
    expect(utc("500101000000Z")).toEqual(new Date("1950-01-01T00:00:00Z"));
    expect(generalized("20500101000000Z")).toEqual(new Date("2050-01-01T00:00:00Z"));
    for (const text of ["2606011200Z", "260601120000+0000", "260230120000Z", "269901120000Z", ""]) {
      expect(await malformedOf(() => utc(text)), text).toBeDefined();
    }
    expect(await malformedOf(() => generalized("20260601120000.5Z"))).toBeDefined();
  });
});
