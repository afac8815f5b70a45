// The maker is held against implementations that are not ours: a mistake made twice here would otherwise pass.
import { X509Certificate } from "node:crypto";
import dcap from "@phala/dcap-qvl";
import { expect, test } from "vitest";
import { makeMachine } from "../../src/testing/index.ts";
import { tcbLevel } from "../../src/testing/tdx-defaults.ts";

const at = new Date("2026-11-20T12:00:00Z");

async function dcapStatus(options: Omit<Parameters<typeof makeMachine>[0], "at">): Promise<string> {
  const { evidence, roots } = await makeMachine({ at, ...options });
  const snakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const collateral: unknown = Object.fromEntries(
    Object.entries(evidence.tdx.collateral).map(([name, value]) => [snakeCase(name), value]),
  );
  const verifier = new dcap.QuoteVerifier(Buffer.from(roots.intel));
  const quote = Buffer.from(evidence.tdx.quote, "base64");
  return (await verifier.verify(quote, collateral as dcap.Collateral, at.getTime() / 1000)).status;
}

test.each(["v4", "v5-tdx1.0", "v5-tdx1.5"] as const)(
  "dcap-qvl accepts a made quote of form %s",
  async (form) => {
    expect(await dcapStatus({ tdx: { quote: { form } } })).toBe("UpToDate");
  },
);

test("dcap-qvl reads the TCB level that was made", async () => {
  const tcbLevels = [tcbLevel(0, "SWHardeningNeeded", ["INTEL-SA-00960"])];
  expect(await dcapStatus({ tdx: { tcbInfo: { tcbLevels } } })).toBe("SWHardeningNeeded");
});

test("OpenSSL, through Node, verifies the made GPU chain link by link", async () => {
  const { gpus } = await makeMachine({ at });
  const chain = gpus[0]!.identity.chain.map(({ der }) => new X509Certificate(der));
  expect(chain).toHaveLength(5);
  chain.forEach((certificate, i) => {
    const issuer = chain[Math.min(i + 1, 4)]!;
    expect(certificate.checkIssued(issuer)).toBe(true);
    expect(certificate.verify(issuer.publicKey)).toBe(true);
  });
});
