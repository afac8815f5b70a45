// What a process is given to show is refused where it could not be used, by the name of the value, and without a word of the key.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CredentialSources, readCredentials } from "../../../src/node/mutual-tls/credentials.ts";
import { MalformedError } from "../../../src/protocol/errors.ts";
import { ClusterAuthority, type TestCredentials } from "../../support/cluster-certificates.ts";

const SOURCES: CredentialSources = { certificate: "env:CERTIFICATE", key: "env:KEY", ca: "env:CA" };

let own: TestCredentials;
let other: TestCredentials;
beforeAll(async () => {
  const authority = await ClusterAuthority.make();
  own = await authority.certify({ days: [-1, 10] });
  other = await authority.certify();
});

function read({ certificate, key, ca }: TestCredentials, sources = SOURCES, warnings: string[] = []) {
  const environment = { CERTIFICATE: certificate, KEY: key, CA: ca };
  return readCredentials(sources, "cluster.tls", { environment, warn: (text) => warnings.push(text) });
}

function errorOf(given: Partial<TestCredentials>, sources = SOURCES): MalformedError {
  try {
    read({ ...own, ...given }, sources);
  } catch (error) {
    return error as MalformedError;
  }
  throw new Error("it was taken");
}

describe("credentials", () => {
  it("are taken with all that is behind the certificate, and end with the first of them", () => {
    const taken = read({ ...own, certificate: `${own.certificate}${own.ca}` });
    expect(taken).toMatchObject({ key: own.key, ca: own.ca });
    expect(Math.round((taken.ends.getTime() - Date.now()) / 86_400_000)).toBe(10);
  });

  it.each<[what: string, given: () => Partial<TestCredentials>, at: string, says: RegExp]>([
    ["another key", () => ({ key: other.key }), "key", /not that of cluster\.tls\.certificate/],
    ["no key", () => ({ key: own.certificate }), "key", /private key in PEM/],
    ["a damaged key", () => ({ key: own.key.replace(/\n[^-]{40}/, "\n") }), "key", /private key in PEM/],
    ["a key as the certificate", () => ({ certificate: own.key }), "certificate", /a private key stands/],
    ["a key beside the authority", () => ({ ca: own.ca + own.key }), "ca", /a private key stands/],
    ["no certificate", () => ({ certificate: "x" }), "certificate", /certificates in PEM/],
    [
      "a damaged certificate",
      () => ({ certificate: own.certificate.replace(/\n[^-]{40}/, "\n") }),
      "certificate",
      /certificates in PEM/,
    ],
    ["a certificate of nobody's authority", () => ({ ca: other.certificate }), "ca", /CA:TRUE/],
    ["no authority", () => ({ ca: "" }), "ca", /certificates in PEM/],
  ])("are refused with %s", (_, given, at, says) => {
    const error = errorOf(given());
    expect(error).toBeInstanceOf(MalformedError);
    expect([error.at, error.message]).toEqual([`cluster.tls.${at}`, expect.stringMatching(says)]);
    for (const line of own.key.split("\n").filter((line) => line.length > 40))
      expect(error.message).not.toContain(line);
  });

  it("are refused where they are not, by name", () => {
    const missing = errorOf({}, { ...SOURCES, ca: "/nowhere/ca.pem" });
    expect([missing.at, missing.message]).toEqual([
      "cluster.tls.ca",
      expect.stringContaining("/nowhere/ca.pem: there is no such file"),
    ]);
  });

  describe("in files", () => {
    let folder: string;
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), "touchstone-tls-"));
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    it("are warned of where others can read the key, and not where they can read what is public", () => {
      const at = (name: string) => join(folder, name);
      for (const name of ["certificate", "key", "ca"] as const)
        writeFileSync(at(name), own[name], { mode: 0o644 });
      const warnings: string[] = [];
      read(own, { certificate: at("certificate"), key: at("key"), ca: at("ca") }, warnings);
      expect(warnings).toEqual([expect.stringContaining(at("key"))]);
    });
  });
});
