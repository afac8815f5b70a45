// Makes an authority of a test's own and what it certifies, for the processes of a cluster.
import "reflect-metadata";
import { isIP } from "node:net";
import { ExtendedKeyUsageExtension, SubjectAlternativeNameExtension } from "@peculiar/x509";
import { type Certified, certify, privateKeyPem } from "../../src/testing/authority.ts";

const DAY = 86_400_000;

/** PEM. */
export interface TestCredentials {
  readonly certificate: string;
  readonly key: string;
  readonly ca: string;
}

export interface CertificateOptions {
  /** DNS names and addresses. */
  readonly names?: readonly string[];
  /** Of its life, from now. */
  readonly days?: readonly [from: number, to: number];
  /** OIDs. */
  readonly usages?: readonly string[];
}

export class ClusterAuthority {
  readonly #root: Certified;

  private constructor(root: Certified) {
    this.#root = root;
  }

  static async make(): Promise<ClusterAuthority> {
    const [notBefore, notAfter] = [fromNow(-30), fromNow(365)];
    const fields = { subject: "CN=cluster", curve: "P-256", ca: true, notBefore, notAfter } as const;
    return new ClusterAuthority(await certify(fields));
  }

  get pem(): string {
    return this.#root.pem;
  }

  async certify({
    names = ["127.0.0.1"],
    days: [from, to] = [-1, 90],
    usages,
  }: CertificateOptions = {}): Promise<TestCredentials> {
    const alternatives = names.map((value) => ({ type: isIP(value) ? "ip" : "dns", value }) as const);
    const made = await certify({
      subject: "CN=node",
      curve: "P-256",
      ca: false,
      issuer: this.#root,
      notBefore: fromNow(from),
      notAfter: fromNow(to),
      extensions: [
        new SubjectAlternativeNameExtension(alternatives),
        ...(usages === undefined ? [] : [new ExtendedKeyUsageExtension([...usages])]),
      ],
    });
    return { certificate: made.pem, key: await privateKeyPem(made), ca: this.pem };
  }
}

function fromNow(days: number): Date {
  return new Date(Date.now() + days * DAY);
}
