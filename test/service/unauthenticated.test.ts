// Whoever may not publish costs the service the reading of one line: what is counted here is bytes, signatures and turns of the event
// loop, never time.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BatchLine, ReceivedBatch } from "../../src/log/sequencing/received-batch.ts";
import { KeyRing } from "../../src/protocol/cryptography/key-ring.ts";
import { verifySignature } from "../../src/protocol/cryptography/signature.ts";
import { encodeBase64 } from "../../src/protocol/encoding/base64.ts";
import { type Envelope, envelopeToJson, makeEnvelope } from "../../src/protocol/envelope/dsse.ts";
import { currentTrustRoot } from "../../src/protocol/registration/in-force.ts";
import { MAX_BATCH_BYTES, readBatch } from "../../src/service/entries/read-batch.ts";
import { testKey } from "../support/keys.ts";
import { kernelPredicate, platformPredicate, sha256Of } from "../support/release-predicates.ts";
import { refusalOf, ServiceHarness } from "../support/service-harness.ts";
import { signPlatforms, signStatement } from "../support/signing.ts";
import { trustRootPredicate } from "../support/trust-root.ts";

let service: ServiceHarness;

beforeAll(async () => {
  service = await ServiceHarness.start();
});
afterAll(() => service.stop());

const CHUNK = 65_536;

/** A body that counts how much of it was asked for; more is sent for as long as somebody asks. */
function countedBody(head: string, filler: string): { body: ReadableStream; pulled: () => number } {
  let pulled = 0;
  const first = Buffer.from(head);
  const rest = Buffer.from(filler.repeat(Math.ceil(CHUNK / filler.length)));
  const body = new ReadableStream(
    {
      pull(controller) {
        const chunk = pulled === 0 && first.length > 0 ? first : rest;
        pulled += chunk.length;
        if (pulled > MAX_BATCH_BYTES) controller.close();
        else controller.enqueue(new Uint8Array(chunk));
      },
    },
    { highWaterMark: 0 },
  );
  return { body, pulled: () => pulled };
}

function postBatch(body: ReadableStream): Promise<Response> {
  return Promise.resolve(
    service.app.request("/v1/entries/batch", {
      method: "POST",
      headers: { "content-type": "application/x-ndjson" },
      body,
      duplex: "half",
    } as RequestInit),
  );
}

const lineOf = (envelope: Envelope) => `${JSON.stringify(envelopeToJson(envelope))}\n`;

describe("a body of 96 MiB by somebody who may not publish is left unread", () => {
  const WITHIN = 6 * CHUNK;

  test("when its first line is a document of megabytes", async () => {
    const { body, pulled } = countedBody("", '{"a":[');
    expect(await refusalOf(await postBatch(body))).toBe("413 too-large");
    expect(pulled()).toBeLessThan(WITHIN);
  });

  test("when an attachment of 16 MiB comes before any signature", async () => {
    const { body, pulled } = countedBody('{"attachment":"', "AAAA");
    expect(await refusalOf(await postBatch(body))).toBe("413 too-large");
    expect(pulled()).toBeLessThan(WITHIN);
  });

  test("when an attachment of 16 MiB comes after an envelope by an unknown key", async () => {
    const attachment = {
      digest: sha256Of("x"),
      size: 16 * 1024 * 1024,
      mediaType: "application/json" as const,
    };
    const patches = { count: 1, seriesDigest: sha256Of("series"), inline: null, attachment };
    const predicate = { ...kernelPredicate("big"), patches };
    const strange = await signStatement("kernel-patch-set", predicate, [await testKey("stranger")]);
    const { body, pulled } = countedBody(`${lineOf(strange)}{"attachment":"`, "AAAA");
    expect(await refusalOf(await postBatch(body))).toBe("401 signature-unknown-key");
    expect(pulled()).toBeLessThan(WITHIN);
  });

  test("when it is one trust root after the other", async () => {
    const predicate = await trustRootPredicate(service.keys, {
      version: 2,
      previous: currentTrustRoot(service.log.read.inForce)?.digest ?? null,
    });
    const stranger = await signStatement("trust-root", predicate, [await testKey("stranger")]);
    const { body, pulled } = countedBody("", lineOf(stranger));
    expect(await refusalOf(await postBatch(body))).toBe("403 not-authorised");
    expect(pulled()).toBeLessThan(WITHIN);
  });
});

describe("signatures", () => {
  async function receive(lines: readonly BatchLine[]): Promise<number> {
    const inForce = service.log.registered;
    const keys = new KeyRing();
    await keys.add(currentTrustRoot(inForce)?.root.keys ?? []);
    let verified = 0;
    const received = new ReceivedBatch({
      store: { lookup: async () => ({ entries: [], identities: [], attachments: [], tokens: [] }) },
      keys: keys.lookup,
      inForce,
      unavailable: () => null,
      verify: (...signed) => {
        verified++;
        return verifySignature(...signed);
      },
    });
    await expect(
      (async () => {
        for (const line of lines) await received.add(line);
        await received.settle();
      })(),
    ).rejects.toMatchObject({ position: 0 });
    return verified;
  }
  const forged = async (envelope: Envelope, keyIds: readonly string[]) =>
    makeEnvelope(
      envelope.payload,
      keyIds.map((keyId) => ({ keyId, signature: new Uint8Array(64) })),
    );

  test("of a thousand entries with five bad ones each: no more are looked at than those of the first few", async () => {
    const entries = await signPlatforms(service.keys, "flood", 1000);
    const { publisher } = service.keys;
    const bad = await Promise.all(entries.map((entry) => forged(entry, [publisher.keyId])));
    expect(await receive(bad)).toBeLessThanOrEqual(8);
    const { policy, status, revocation, otherPublisher } = service.keys;
    const five = [publisher, otherPublisher, policy, status, revocation].map(({ keyId }) => keyId);
    const worse = await Promise.all(entries.map((entry) => forged(entry, five)));
    // Who may sign is asked before any signature is.
    expect(await receive(worse)).toBe(0);
  });

  test("of a trust root are not looked at, nor are its keys, unless root keys claim to have signed it", async () => {
    const predicate = await trustRootPredicate(service.keys, {
      version: 2,
      previous: sha256Of("x"),
      keys: [encodeBase64(new Uint8Array(44))],
    });
    const stranger = await signStatement("trust-root", predicate, [await testKey("stranger")]);
    expect(await receive([stranger])).toBe(0);
  });
});

test("a batch of many lines lets everybody else have a turn after each of them", async () => {
  const envelopes = await signPlatforms(service.keys, "turns", 20);
  let turns = 0;
  let isOver = false;
  const count = () => {
    turns++;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  const bytes = Buffer.from(envelopes.map(lineOf).join(""));
  const gaps: number[] = [];
  let last = turns;
  async function* chunks() {
    yield new Uint8Array(bytes);
  }
  for await (const _ of readBatch(chunks())) {
    gaps.push(turns - last);
    last = turns;
  }
  isOver = true;
  expect(gaps).toHaveLength(20);
  expect(Math.min(...gaps.slice(1))).toBeGreaterThanOrEqual(1);
});

test("a known entry may come with anybody's signatures, and costs none", async () => {
  const [entry] = await signPlatforms(service.keys, "known", 1);
  await service.publish(entry!);
  const again = await signStatement("platform", platformPredicate("known-0"), [await testKey("stranger")]);
  expect((await service.publish(again)).status).toBe(200);
});
