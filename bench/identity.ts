// What a token costs beside a key: reading, verifying and deciding an entry, as the log, every auditor and every verifier do it, and the bytes
// that the entry has more.

import { KeyRing } from "../src/protocol/cryptography/key-ring.ts";
import { formatTime } from "../src/protocol/entry/fields.ts";
import { type Envelope, parseEnvelope, recordAt, verifyEnvelope } from "../src/protocol/envelope/dsse.ts";
import { register } from "../src/protocol/registration/register.ts";
import { NOW } from "../test/support/clock.ts";
import type { FoundedLog } from "../test/support/founded-log.ts";
import { identityLog } from "../test/support/identity-log.ts";
import { FakeProvider } from "../test/support/provider.ts";
import { platformPredicate } from "../test/support/release-predicates.ts";
import { signStatement } from "../test/support/signing.ts";
import { interleave, type Measurement, ratios, spreadOf } from "./harness.ts";
import type { World } from "./world.ts";

export async function measureIdentity(world: World): Promise<Measurement[]> {
  const provider = await FakeProvider.example();
  const log = await identityLog([provider]);
  const ring = new KeyRing();
  await ring.add(log.inForce.trustRoots[0]?.root.keys ?? []);
  for (const { keys } of log.inForce.identityKeys) await ring.addProvider(keys);
  const amount = world.amount(500);
  const names = Array.from({ length: amount }, (_, i) => platformPredicate(`vm-${i}`));
  const signed = await Promise.all(
    names.map((name) => signStatement("platform", name, [log.keys.publisher])),
  );
  const byToken = await Promise.all(names.map((name) => provider.signStatement("platform", name)));
  const samples = await interleave(world.rounds, {
    key: () => microseconds(log, ring, signed),
    token: () => microseconds(log, ring, byToken),
  });
  const bytes = (envelopes: readonly Envelope[]) => spreadOf(envelopes.map(({ leaf }) => leaf.length));
  return [
    {
      row: "identity",
      what: "CPU of reading, verifying and deciding an entry by a token (RSA 2,048), against one by a key",
      unit: "µs of CPU time",
      floor: spreadOf(samples.key),
      figure: spreadOf(samples.token),
      ratio: ratios(samples.key, samples.token),
      target: "",
      reached: null,
      note: "floor: the same statements, signed with one Ed25519 key; a token adds an RSA signature, claims of 1 KB and a key of its own",
    },
    {
      row: "identity",
      what: "bytes of such an entry, against one by a key",
      unit: "bytes",
      floor: bytes(signed),
      figure: bytes(byToken.map((envelope) => recordAt(envelope, formatTime(NOW)))),
      ratio: null,
      target: "",
      reached: null,
      note: "a made-up token with the claims of GitHub's; its own have some more",
    },
  ];
}

/** CPU time of the whole process, its threads with it, for each of these entries as it comes over the network. */
async function microseconds(log: FoundedLog, ring: KeyRing, envelopes: readonly Envelope[]): Promise<number> {
  const recordedAt = formatTime(NOW);
  const begun = process.cpuUsage();
  for (const { leaf } of envelopes) {
    const sent = parseEnvelope(leaf);
    const entry = sent.signatures[0]?.identity ? recordAt(sent, recordedAt) : sent;
    register(log.view, await verifyEnvelope(entry, ring.lookup, undefined, ring.providers));
  }
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / envelopes.length;
}
