// Who may issue what in Intel's PKI: a right name and a right signature are not enough.
import "reflect-metadata";
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { expect, it } from "vitest";
import { type Certified, makeKeyPair } from "../../../src/testing/authority.ts";
import { requireCommonName } from "../../../src/verifier/tdx/pki.ts";
import { type Certificate, parseCertificate } from "../../../src/verifier/x509/certificate.ts";
import { verifyCrl } from "../../../src/verifier/x509/crl.ts";
import { requireIssued, requirePath, requireRole } from "../../../src/verifier/x509/path.ts";
import { outcomeOf } from "../../support/refusals.ts";
import { intel, makeCertificate, makeList } from "./synthetic.ts";

/** A self-signed authority with exactly these constraints. */
async function makeRoot(constraints: BasicConstraintsExtension, usages: KeyUsageFlags): Promise<Certified> {
  const key = await makeKeyPair("P-256");
  const subject = "CN=Root";
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: "01",
    name: subject,
    notBefore: new Date("2026-01-01T00:00:00Z"),
    notAfter: new Date("2030-01-01T00:00:00Z"),
    keys: key.keys,
    signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
    extensions: [constraints, new KeyUsagesExtension(usages, true)],
  });
  const der = new Uint8Array(certificate.rawData);
  return { ...key, der, pem: certificate.toString("pem"), subject, serial: "01" };
}

const { keyCertSign, cRLSign, digitalSignature } = KeyUsageFlags;
const isCa = (pathLength?: number) => new BasicConstraintsExtension(true, pathLength, true);
const read = ({ der }: Certified): Certificate => parseCertificate(der);

async function issued(root: Certified, role: "ca" | "signer"): Promise<string> {
  const certificate = await makeCertificate("Issued", root, { ca: role === "ca" });
  return outcomeOf(() => {
    requireRole(read(certificate), role);
    return requireIssued(read(certificate), read(root), role === "ca" ? 1 : 0);
  });
}

it("an authority may issue what its constraints and key usage allow", async () => {
  const plain = await makeRoot(isCa(), keyCertSign | cRLSign);
  expect([await issued(plain, "ca"), await issued(plain, "signer")]).toEqual(["accepted", "accepted"]);
  const lowest = await makeRoot(isCa(0), keyCertSign | cRLSign);
  expect([await issued(lowest, "ca"), await issued(lowest, "signer")]).toEqual(["ca", "accepted"]);
  const noCa = await makeRoot(new BasicConstraintsExtension(false, undefined, true), keyCertSign);
  expect(await issued(noCa, "signer")).toBe("ca");
  const otherUsage = await makeRoot(isCa(), digitalSignature);
  expect(await issued(otherUsage, "signer")).toBe("ca");
});

it("only an authority whose key usage says so may sign CRLs", async () => {
  const root = await makeRoot(isCa(), keyCertSign);
  expect(await outcomeOf(async () => verifyCrl(await makeList(root), read(root)))).toBe("crl-usage");
});

it("a certificate is taken in its own role only", async () => {
  const root = read(intel.root);
  const [signer, ca] = [read(intel.tcbSigning), read(intel.platformCa)];
  expect(await outcomeOf(() => requireRole(signer, "ca"))).toBe("usage");
  expect(await outcomeOf(() => requirePath([ca, root]))).toBe("usage");
  expect(await outcomeOf(() => requirePath([signer, ca]))).toBe("issuer");
  expect(await outcomeOf(() => requireCommonName(signer, "Intel SGX PCK Certificate"))).toBe("name");
});
