// Who asks another process says by which check it was not reached, and of nobody answering nothing: that is a leader that is gone.
import type { Logger } from "pino";
import { expect, it } from "vitest";
import { fetchOthers, readClusterTls } from "../../src/cli/cluster-tls.ts";
import { parseConfig } from "../../src/service/config.ts";
import { ClusterAuthority } from "../support/cluster-certificates.ts";

const CONFIG = `
origin = "log.example/test"
url = "https://log.example"
listen = { port = 8080 }
storage = { database = "log.db", highWater = "high-water" }
keys = { log = "log.key" }
[cluster]
id = "a"
advertise = "https://10.0.0.5:8444"
tls = { certificate = "env:CERTIFICATE", key = "env:KEY", ca = "env:CA" }
`;

function listening() {
  const said: string[] = [];
  const error = ({ address, check }: { address: string; check: string }) => said.push(`${address}: ${check}`);
  return { said, logger: { error } as unknown as Logger };
}
const nobody = async () => Promise.reject(new Error("this test has no network"));

it("sends nothing to an address without TLS where the configuration has certificates", async () => {
  const { certificate: CERTIFICATE, key: KEY, ca: CA } = await (await ClusterAuthority.make()).certify();
  const context = { environment: { CERTIFICATE, KEY, CA }, warn: () => undefined };
  const { said, logger } = listening();
  const tls = readClusterTls(parseConfig(CONFIG, "/nowhere/touchstone.toml", {}), context);
  const fetch = await fetchOthers(tls, { fetch: nobody }, logger);
  await expect(fetch("http://127.0.0.1:1/v1/entries")).rejects.toThrow("not to be reached by TLS");
  expect(said).toEqual([
    expect.stringMatching(/^http:\/\/127\.0\.0\.1:1: .*cluster\.advertise is not https/),
  ]);
  await expect(fetch("https://127.0.0.1:1/v1/entries")).rejects.toThrow();
  expect(said).toHaveLength(1);
});

it("says so where the other one shows a certificate, and the configuration has none", async () => {
  const cause = Object.assign(new Error("self-signed"), { code: "SELF_SIGNED_CERT_IN_CHAIN" });
  const failing = async () => Promise.reject(new TypeError("fetch failed", { cause }));
  const { said, logger } = listening();
  const fetch = await fetchOthers(null, { fetch: failing }, logger);
  await expect(fetch("https://a.example/v1/entries?x")).rejects.toThrow("fetch failed");
  expect(said).toEqual([expect.stringMatching(/^https:\/\/a\.example: .*not one of the authority/)]);
  const silent = await fetchOthers(null, { fetch: nobody }, logger);
  await expect(silent("http://a.example/v1/entries")).rejects.toThrow("no network");
  expect(said).toHaveLength(1);
});
