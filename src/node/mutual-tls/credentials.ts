// Reads what a process shows, and whom it believes, where both ends of a connection have a certificate of one authority.
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { holdsPrivateKey } from "../../protocol/encoding/private-key-text.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { readKeyText } from "../signing/key-source.ts";

/** Each the path of a PEM file, or `env:NAME`. */
export interface CredentialSources {
  /** The own certificate, and behind it those between it and the authority. */
  readonly certificate: string;
  readonly key: string;
  /** The authorities that certify every end. */
  readonly ca: string;
}

/** PEM. */
export interface Credentials {
  readonly certificate: string;
  readonly key: string;
  readonly ca: string;
  /** When the first of these certificates ends. */
  readonly ends: Date;
}

interface Reading {
  readonly environment: Readonly<NodeJS.ProcessEnv>;
  readonly warn: (text: string) => void;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]*-----END CERTIFICATE-----/g;

/**
 * @param at where the configuration names them, such as "cluster.tls".
 * @throws MalformedError, which repeats nothing of what it read.
 */
export function readCredentials(
  sources: CredentialSources,
  at: string,
  { environment, warn }: Reading,
): Credentials {
  const fail = (name: keyof CredentialSources, detail: string) =>
    new MalformedError("configuration", detail, `${at}.${name}`);
  const read = (name: keyof CredentialSources) => {
    try {
      return readKeyText(sources[name], environment, name === "key" ? warn : undefined).text;
    } catch (error) {
      throw fail(name, (error as MalformedError).detail);
    }
  };
  const [certificate, key, ca] = [read("certificate"), read("key"), read("ca")];
  const chain = certificatesIn(certificate, (detail) => fail("certificate", detail));
  const authorities = certificatesIn(ca, (detail) => fail("ca", detail));
  if (!authorities.every((one) => one.ca))
    throw fail("ca", "a certificate there is not one of an authority (basicConstraints CA:TRUE)");
  if (!chain[0]?.checkPrivateKey(privateKeyIn(key, (detail) => fail("key", detail))))
    throw fail("key", `the key is not that of ${at}.certificate`);
  const ends = Math.min(...[...chain, ...authorities].map(({ validTo }) => Date.parse(validTo)));
  return { certificate, key, ca, ends: new Date(ends) };
}

function certificatesIn(pem: string, fail: (detail: string) => Error): X509Certificate[] {
  if (holdsPrivateKey(pem)) throw fail("a private key stands there, beside or instead of the certificate");
  try {
    const found = (pem.match(CERTIFICATE) ?? []).map((one) => new X509Certificate(one));
    if (found.length > 0) return found;
  } catch {
    // As where there is none.
  }
  throw fail("expected certificates in PEM");
}

function privateKeyIn(pem: string, fail: (detail: string) => Error): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw fail("expected a private key in PEM that is not encrypted");
  }
}
