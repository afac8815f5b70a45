// The lines of one request, checked as they come: what is refused, in whose name, and how much is done for whom.
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { BatchRefusedError, LogUnavailableError } from "../../../src/log/errors.ts";
import { ReceivedBatch, type ReceivedBatchConfig } from "../../../src/log/sequencing/received-batch.ts";
import type { Found, Lookup } from "../../../src/log/store/log-store.ts";
import { KeyRing } from "../../../src/protocol/cryptography/key-ring.ts";
import { type Envelope, makeEnvelope } from "../../../src/protocol/envelope/dsse.ts";
import { NOTHING_IN_FORCE } from "../../../src/protocol/registration/in-force.ts";
import { revocationPredicate } from "../../support/document-predicates.ts";
import { FoundedLog } from "../../support/founded-log.ts";
import { identityLog, nextIdentityKeys } from "../../support/identity-log.ts";
import { testKey } from "../../support/keys.ts";
import { FakeProvider } from "../../support/provider.ts";
import { kernelPredicate, platformPredicate } from "../../support/release-predicates.ts";
import { signPlatforms, signStatement } from "../../support/signing.ts";
import { trustRootPredicate } from "../../support/trust-root.ts";

const log = await FoundedLog.found();
const { inForce, keys } = log;
const ring = new KeyRing();
await ring.add(inForce.trustRoots[0]!.root.keys);
const platforms = await signPlatforms(keys, "vm", 12);
const NOTHING: Found = { entries: [], identities: [], attachments: [], tokens: [] };

function open(change: Partial<ReceivedBatchConfig> = {}): ReceivedBatch {
  return new ReceivedBatch({
    store: { lookup: async () => NOTHING },
    keys: ring.lookup,
    inForce,
    unavailable: () => null,
    ...change,
  });
}

async function receive(batch: ReceivedBatch, ...lines: ReadonlyArray<Envelope | Uint8Array>): Promise<void> {
  for (const line of lines) await batch.add(line);
  await batch.settle();
}

/** A signature of zeros where there was one. */
const forge = ({ payload, signatures }: Envelope): Envelope =>
  makeEnvelope(
    payload,
    signatures.map(({ keyId }) => ({ keyId, signature: new Uint8Array(64).fill(1) })),
  );

/** A patch set whose list is this document. */
async function naming(document: Uint8Array, name = "linux-cc"): Promise<Envelope> {
  const digest = createHash("sha256").update(document).digest("hex");
  const attachment = { digest, size: document.length, mediaType: "application/json" as const };
  const { patches, ...predicate } = kernelPredicate(name);
  const listed = { ...patches, count: 1, inline: null, attachment };
  return signStatement("kernel-patch-set", { ...predicate, patches: listed }, [keys.publisher]);
}
const document = (text: string) => new Uint8Array(Buffer.from(text));

describe("envelopes", () => {
  it("are kept in their order, with their signers, and none is known that the store does not have", async () => {
    const batch = open();
    await receive(batch, ...platforms);
    expect(batch.envelopes.map(({ payloadDigest }) => payloadDigest)).toEqual(
      platforms.map(({ payloadDigest }) => payloadDigest),
    );
    expect(new Set(batch.envelopes.flatMap(({ signers }) => signers))).toEqual(
      new Set([keys.publisher.keyId]),
    );
    expect(batch.logged).toEqual(platforms.map(() => undefined));
  });

  it.each([0, 3, 11])("are refused by the line of the first that fails: line %i", async (line) => {
    const lines = platforms.map((envelope, i) => (i < line ? envelope : forge(envelope)));
    await expect(receive(open(), ...lines)).rejects.toMatchObject({
      name: "BatchRefusedError",
      position: line,
      cause: { name: "VerificationError" },
    });
  });

  it("are verified eight at once, and the ninth waits for the first", async () => {
    const waiting: Array<(isGood: boolean) => void> = [];
    const batch = open({ verify: () => new Promise((resolve) => waiting.push(resolve)) });
    const begun = (async () => {
      for (const envelope of platforms) await batch.add(envelope);
    })();
    const turns = async () => {
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    };
    await turns();
    expect(waiting).toHaveLength(8);
    waiting[0]?.(true);
    await turns();
    expect(waiting).toHaveLength(9);
    for (let i = 1; i < platforms.length; i++) {
      waiting[i]?.(true);
      await turns();
    }
    await begun;
    await batch.settle();
    expect(batch.envelopes).toHaveLength(platforms.length);
  });

  it("by nobody who may publish cost no signature check", async () => {
    let checked = 0;
    const verify = async () => {
      checked++;
      return true;
    };
    const envelope = await signStatement("platform", platformPredicate("vm"), [keys.policy]);
    await expect(receive(open({ verify }), envelope)).rejects.toMatchObject({
      cause: { code: "not-authorised" },
    });
    expect(checked).toBe(0);
  });

  it("by a key that nobody introduced are refused by that name", async () => {
    const envelope = await signStatement("platform", platformPredicate("vm"), [await testKey("stranger")]);
    const refusal = receive(open(), envelope);
    await expect(refusal).rejects.toMatchObject({ position: 0, cause: { name: "VerificationError" } });
  });

  it("by somebody known and by a key that nobody introduced are refused by that key's name", async () => {
    const signers = [keys.policy, await testKey("stranger")];
    const envelope = await signStatement("platform", platformPredicate("vm"), signers);
    await expect(receive(open(), envelope)).rejects.toMatchObject({ cause: { name: "VerificationError" } });
  });

  it("that the log holds are known by their index, whatever signatures they come with, and whatever keeps it from taking others", async () => {
    const [held, other] = platforms as [Envelope, Envelope];
    const { kind, name, version } = held.statement;
    const identities = [{ index: 41, kind, name, version, digest: held.payloadDigest }];
    const store = { lookup: async () => ({ ...NOTHING, identities }) };
    const forged = open({ store });
    await receive(forged, forge(held));
    const unavailable = () => new LogUnavailableError("quorum-lost", "too late");
    const late = open({ store, unavailable });
    await receive(late, held);
    expect([forged.logged, late.logged]).toEqual([[41], [41]]);
    await expect(receive(open({ unavailable }), other)).rejects.toThrow("too late");
  });

  it("of releases are looked for where they would be refused, and else by their batch alone", async () => {
    const [first, second] = platforms as [Envelope, Envelope];
    const asked: unknown[] = [];
    const lookup = async (what: object) => {
      asked.push(what);
      return NOTHING;
    };
    const refusal = receive(open({ store: { lookup } }), first, forge(second));
    await expect(refusal).rejects.toMatchObject({ position: 1, cause: { code: "signature-invalid" } });
    expect(asked).toEqual([{ identities: [second.statement] }]);
  });

  it("are refused by another payload's having their identity, where they would be refused anyway", async () => {
    const [envelope] = platforms as [Envelope];
    const { kind, name, version } = envelope.statement;
    const identities = [{ index: 4, kind, name, version, digest: "00".repeat(32) }];
    const batch = open({ store: { lookup: async () => ({ ...NOTHING, identities }) } });
    await expect(receive(batch, forge(envelope))).rejects.toMatchObject({
      cause: { code: "identity-taken" },
    });
  });

  it("of documents are looked for first: one that is known brings no keys, and no batch looks up what it names", async () => {
    const [root] = log.envelopes as [Envelope];
    const [first] = platforms as [Envelope];
    const named = revocationPredicate({ digests: [first.payloadDigest] });
    const revocation = await signStatement("revocation", named, [keys.revocation]);
    const held = [root, revocation];
    const lookup = async ({ identities: [asked] = [] }: Partial<Lookup>) => {
      const index = held.findIndex(({ statement }) => statement.kind === asked?.kind);
      const found = held[index];
      if (found === undefined) return NOTHING;
      const { kind, name, version } = found.statement;
      return { ...NOTHING, identities: [{ index, kind, name, version, digest: found.payloadDigest }] };
    };
    const batch = open({ store: { lookup } });
    await receive(batch, root, revocation, first);
    expect(batch.logged).toEqual([0, 1, undefined]);
  });

  it("that are new are not taken while the log takes none, which is no fault of theirs", async () => {
    const reason = new LogUnavailableError("quorum-lost", "witnesses are missing");
    await expect(receive(open({ unavailable: () => reason }), ...platforms)).rejects.toBe(reason);
  });
});

describe("a trust root", () => {
  const founding = async () =>
    signStatement("trust-root", await trustRootPredicate(keys), keys.root.slice(0, 1));

  it("brings the keys that sign it and what follows, and allows that", async () => {
    const batch = open({ keys: () => undefined, inForce: NOTHING_IN_FORCE });
    await receive(batch, await founding(), platforms[0]!);
    expect(batch.envelopes).toHaveLength(2);
  });

  it("allows nothing before it, however long the store takes for that", async () => {
    let asked = 0;
    const lookup = async () => {
      let turns = asked++ === 0 ? 2000 : 0;
      while (turns-- > 0) await new Promise((resolve) => setImmediate(resolve));
      return NOTHING;
    };
    const batch = open({ keys: () => undefined, inForce: NOTHING_IN_FORCE, store: { lookup } });
    // A document is looked for before its signature is checked.
    const named = revocationPredicate({ digests: [platforms[0]!.payloadDigest] });
    const revocation = await signStatement("revocation", named, [keys.revocation]);
    const refusal = receive(batch, revocation, await founding());
    await expect(refusal).rejects.toMatchObject({ name: "BatchRefusedError", position: 0 });
  });

  it("that is forged is refused before what follows is looked at", async () => {
    const batch = open({ keys: () => undefined, inForce: NOTHING_IN_FORCE });
    await expect(batch.add(forge(await founding()))).rejects.toMatchObject({ position: 0 });
  });
});

describe("keys of a provider of identities", async () => {
  const [provider, rotated] = [await FakeProvider.create(), await FakeProvider.create("kid-2")];
  const log = await identityLog([provider]);
  const next = nextIdentityKeys(log, [rotated], "2026-11-23T11:00:00Z");
  const envelope = await signStatement("identity-keys", next, log.keys.root);

  it("count for what comes after them, however long their own signatures take", async () => {
    const verify = async ({ keyId }: { readonly keyId: string }) => {
      let turns = log.keys.root.some((key) => key.keyId === keyId) ? 2000 : 0;
      while (turns-- > 0) await new Promise((resolve) => setImmediate(resolve));
      return true;
    };
    const batch = open({ inForce: log.inForce, verify });
    const entry = await rotated.signStatement("platform", platformPredicate("vm"));
    await receive(batch, envelope, entry);
    expect(batch.envelopes.map(({ tokens }) => tokens.length)).toEqual([0, 1]);
  });

  it("are asked of the log, too, where it has any", async () => {
    const entry = await provider.signStatement("platform", platformPredicate("vm"));
    const providers = new KeyRing();
    await providers.addProvider(log.inForce.identityKeys.at(-1)!.keys);
    const batch = open({ inForce: log.inForce, providers: providers.providers });
    await receive(batch, entry);
    expect(batch.envelopes[0]?.tokens).toHaveLength(1);
    await expect(receive(open({ inForce: log.inForce }), entry)).rejects.toMatchObject({
      cause: { code: "token-invalid", message: expect.stringContaining("kid-1") },
    });
  });
});

describe("documents", () => {
  it("are taken after the envelope that names them, by their digest", async () => {
    const batch = open();
    const [one, two] = [document('["one"]'), document('["two"]')];
    await receive(batch, await naming(one, "one"), await naming(two, "two"), two, one);
    expect([...batch.attached.values()]).toEqual([two, one]);
    expect([...batch.attached.keys()]).toEqual(
      [two, one].map((bytes) => createHash("sha256").update(bytes).digest("hex")),
    );
  });

  it.each<[string, (named: Uint8Array) => Promise<ReadonlyArray<Envelope | Uint8Array>>]>([
    ["before it", async (named) => [named]],
    ["twice", async (named) => [await naming(named), named, named]],
    ["with other bytes of the same size", async (named) => [await naming(named), document('["twx"]')]],
    ["with another size", async (named) => [await naming(named), document('["two"] ')]],
  ])("are refused where they come %s, by their own line", async (_when, lines) => {
    const sent = await lines(document('["two"]'));
    await expect(receive(open(), ...sent)).rejects.toMatchObject({
      name: "BatchRefusedError",
      position: sent.length - 1,
      cause: { name: "MalformedError", message: expect.stringMatching(/^batch: /) },
    });
  });

  it("are awaited only by an envelope that was checked: a forged one is refused at once", async () => {
    const batch = open();
    await batch.add(platforms[0]!);
    await expect(batch.add(forge(await naming(document("[]"))))).rejects.toMatchObject({ position: 1 });
  });
});

describe("what the log refuses of an envelope", () => {
  const cause = new Error("refused");

  it("is the refusal of its line, documents counted", async () => {
    const batch = open();
    const list = document('["two"]');
    await receive(batch, platforms[0]!, await naming(list), list, platforms[1]!);
    expect(batch.refusalOf(new BatchRefusedError(2, cause))).toMatchObject({ position: 3, cause });
    expect(batch.refusalOf(cause)).toMatchObject({ name: "BatchRefusedError", position: 0, cause });
  });

  it("is the log's own where it takes nothing", () => {
    const unavailable = new LogUnavailableError("storage-failed", "disk full");
    expect(open().refusalOf(unavailable)).toBe(unavailable);
  });
});
