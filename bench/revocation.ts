// From the moment a revocation is sent, how long the bundle that it concerns is still served as current.

import { type Envelope, envelopeToJson } from "../src/protocol/envelope/dsse.ts";
import { formatStatement } from "../src/protocol/envelope/statement.ts";
import { signEnvelope } from "../src/publisher/signing/sign.ts";
import { examplePolicy, exampleRelease, keyOf, ORIGIN, policyContent } from "./example-log.ts";
import { interleave, type Measurement, spreadOf } from "./harness.ts";
import { type Served, serveLog } from "./servers.ts";
import type { World } from "./world.ts";

export async function measureRevocation(world: World): Promise<Measurement[]> {
  const folder = await world.newLog("revocation");
  const service = await serveLog(folder);
  const { figure } = await interleave(world.rounds, {
    figure: async (round) => {
      const { policy, platform } = await makeRelease(folder, round);
      await publish(service, platform);
      await publish(service, policy);
      return revoke(service, policy.statement.name, await revocationOf(folder, platform, round));
    },
  });
  await service.stop();
  const sent = spreadOf(figure.map(({ sinceSent }) => sinceSent));
  return [
    {
      row: "revocation",
      what: "revocation sent → bundle no longer served as current, over HTTP",
      unit: "ms",
      floor: null,
      figure: sent,
      ratio: null,
      target: "≤ 2,000 ms",
      reached: sent.high <= 2000,
      note: `worst ${Math.max(...figure.map(({ sinceSent }) => sinceSent)).toFixed(0)} ms; after the revocation was answered with 201, current bundles seen: ${figure.reduce((sum, { late }) => sum + late, 0)}`,
    },
  ];
}

/** Another version of the example's platform, and a policy of its own that names it. */
async function makeRelease(folder: string, round: number): Promise<{ policy: Envelope; platform: Envelope }> {
  const publisher = keyOf(folder, "publisher");
  const original = (await exampleRelease(publisher)).find(({ statement }) => statement.kind === "platform");
  if (original?.statement.kind !== "platform") throw new Error("the example release has no platform");
  const version = `bench-${round}`;
  const payload = formatStatement(
    "platform",
    { ...original.statement.predicate, version },
    original.statement.subject,
  );
  const platform = await signEnvelope({ payload, signatures: [] }, [publisher]);
  const reference = {
    kind: "platform",
    name: platform.statement.name,
    version,
    digest: platform.payloadDigest,
  } as const;
  const content = policyContent();
  const profiles = content.profiles.map((profile) => ({ ...profile, platforms: [reference] }));
  return {
    platform,
    policy: await examplePolicy(keyOf(folder, "policy"), `revoked/${round}`, { ...content, profiles }),
  };
}

function revocationOf(folder: string, target: Envelope, round: number): Promise<Envelope> {
  const payload = formatStatement("revocation", {
    name: `bench/${round}`,
    version: "1",
    origin: ORIGIN,
    digests: [target.payloadDigest],
    keys: [],
    identities: [],
    reason: "a benchmark",
    advisory: null,
  });
  return signEnvelope({ payload, signatures: [] }, [keyOf(folder, "revocation")]);
}

async function publish({ url }: Served, envelope: Envelope): Promise<void> {
  const response = await fetch(`${url}/v1/entries`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(envelopeToJson(envelope)),
  });
  if (response.status !== 201)
    throw new Error(`publishing answered ${response.status}: ${await response.text()}`);
}

/** Asks for the bundle again and again while the revocation is under way. */
async function revoke(service: Served, policy: string, revocation: Envelope) {
  const bundle = `${service.url}/v1/policies/${encodeURIComponent(policy)}`;
  if (!(await isServed(bundle))) throw new Error(`${bundle} is not served before the revocation`);
  const sent = performance.now();
  let answered = Number.POSITIVE_INFINITY;
  const publishing = publish(service, revocation).then(() => {
    answered = performance.now();
  });
  let late = 0;
  for (;;) {
    const asked = performance.now();
    if (!(await isServed(bundle))) break;
    if (asked > answered) late++;
  }
  const sinceSent = performance.now() - sent;
  await publishing;
  return { sinceSent, late };
}

async function isServed(bundle: string): Promise<boolean> {
  const response = await fetch(bundle);
  await response.arrayBuffer();
  return response.status === 200;
}
