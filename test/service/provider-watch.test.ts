// Says in time that a provider of identities has changed its keys, and never stops the service over it.
import { afterAll, beforeAll, expect, test } from "vitest";
import { ProviderWatch } from "../../src/service/provider-watch.ts";
import { identityKeysPredicate, identityRoles } from "../support/identity-log.ts";
import { testKeys } from "../support/keys.ts";
import { FakeProvider, GITHUB } from "../support/provider.ts";
import { ServiceHarness } from "../support/service-harness.ts";
import { signStatement } from "../support/signing.ts";

let service: ServiceHarness;
beforeAll(async () => {
  service = await ServiceHarness.start({ trustRoot: await identityRoles(await testKeys()) });
  const keys = identityKeysPredicate([await FakeProvider.example()]);
  await service.log.publish([await signStatement("identity-keys", keys, service.keys.root)]);
});
afterAll(() => service.stop());

async function checked(answer: () => Promise<string[]>) {
  const told: string[] = [];
  const asked: unknown[] = [];
  const watch = new ProviderWatch({
    inForce: () => service.log.registered,
    missingKeys: async (issuer, logged) => {
      asked.push([issuer, logged?.version]);
      return answer();
    },
    metrics: service.service.metrics,
    logger: { warn: (_: unknown, text?: string) => void told.push(text ?? "") },
  });
  await watch.check();
  const metric = /^touchstone_identity_keys_missing\{.*\} (\d+)$/m.exec(
    await (await service.get("/metrics")).text(),
  );
  return { told, asked, count: metric?.[1] };
}

test("asks each provider of the trust root about the newest keys that the log has, and is silent where none is missing", async () => {
  const { told, asked, count } = await checked(async () => []);
  expect([told, asked, count]).toEqual([[], [[GITHUB, 1]], "0"]);
});

test("warns of keys that are missing, and counts them", async () => {
  const { told, count } = await checked(async () => ["kid-2", "kid-3"]);
  expect([told[0], count]).toEqual([expect.stringContaining("touchstone identity snapshot"), "2"]);
});

test("says that a provider does not answer, and keeps what was known", async () => {
  const { told, count } = await checked(() => Promise.reject(new Error("no route to host")));
  expect([told[0], count]).toEqual([expect.stringContaining("does not say"), "2"]);
});
